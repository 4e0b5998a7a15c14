import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the command `stmnet` runs. */
export const main = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

/** What the command gets beside its arguments. */
export interface RunOptions {
  /** Standard input, which is empty by default. */
  input?: string | Buffer;
  /** The working directory. */
  cwd?: string;
}

/** Runs the command `stmnet` as installed, with more in its environment. */
export function stmnet(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  { input = '', cwd }: RunOptions = {},
): { code: number | null; stdout: string; stderr: string } {
  const child = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    input,
    cwd,
    maxBuffer: 2 ** 26,
  });
  return { code: child.status, stdout: child.stdout, stderr: child.stderr };
}

/** Runs the command, and sends Ctrl-C once it has said something on standard error. */
export async function interrupted(
  args: readonly string[],
  after: string,
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let [stderr, sent] = ['', false];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (!sent && stderr.includes(after)) sent = child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

const GOOD = ['fine', 'lovely', 'great', 'happy', 'warm'];
const BAD = ['awful', 'dull', 'cold', 'broken', 'sad'];

/** Texts that are good or bad by one word among others, as [label, text]. */
export const dayTexts: readonly (readonly [label: string, text: string])[] = Array.from({ length: 60 }, (_, at) => {
  const label = at % 3 === 0 ? 'bad' : 'good';
  return [label, `this was a ${(label === 'bad' ? BAD : GOOD)[at % 5]} day, number ${at}`];
});

/** Writes them as a table without a header, label and text. @returns its path */
export function writeDays(folder: string, name = 'days.tsv'): string {
  const path = join(folder, name);
  writeFileSync(path, dayTexts.map((row) => `${row.join('\t')}\n`).join(''));
  return path;
}

/** How that table is read. */
export const dayColumns: readonly string[] = ['--no-header', '--label-column', '0', '--text-column', '1'];
/** A network that learns it in a second. */
export const smallNetwork: readonly string[] = ['--hidden-size', '8', '--embedding-dim', '8', '--dropout', '0.1'];
/** A training that does. */
export const quickTraining: readonly string[] = ['--epochs', '12', '--batch-size', '8', '--learning-rate', '0.03'];

/** Trains on the days by the command. @returns the run folder */
export function trainDays(folder: string, ...more: readonly string[]): string {
  const output = join(folder, 'run');
  const data = writeDays(folder);
  const args = ['--data', data, ...dayColumns, ...smallNetwork, ...quickTraining, '--output', output, ...more];
  const { code, stderr } = stmnet(['train', 'classify', ...args]);
  if (code !== 0) throw new Error(stderr);
  return output;
}
