// npm run results -- NAME [--seeds 1,2,3] [flags of the example]: runs examples/NAME.ts with each seed, prints what it
// reached beside what it must reach, and writes that into docs/results.md. Exits with 1 if a figure is missed.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './bench/statistics';
import { resultRow, withRows, type Goal } from './results-table';

const root = join(__dirname, '..', '..', '..');
const page = join(root, 'docs', 'results.md');

/** What each example must reach, by the names of the figures in its last line. */
const goals: Readonly<Record<string, Readonly<Record<string, Goal>>>> = {
  'sms-spam': { accuracy: { least: 0.987, peer: 0.9875 }, f1: { least: 0.95, peer: 0.951 } },
  'ud-ewt-pos': { accuracy: { least: 0.94, peer: 0.944 } },
  snips: { accuracy: { least: 0.973, peer: 0.976 }, entityF1: { least: 0.885, peer: 0.887 } },
  tinyshakespeare: { nats: { most: 1.47, peer: 1.43 } },
  names: { accuracy: { least: 0.83, peer: 0.835 } },
};

/** What a run came to. */
interface Run {
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

function run(name: string, seed: string, flags: readonly string[]): Run {
  const started = performance.now();
  const script = join(root, 'dist', 'examples', `${name}.js`);
  const { status, stdout } = spawnSync(process.execPath, [script, '--seed', seed, ...flags], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`examples/${name}.ts ended with ${String(status)}`);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { figures: JSON.parse(last) as Run['figures'], seconds: (performance.now() - started) / 1000 };
}

function main(): boolean {
  const { values, positionals, tokens } = parseArgs({
    options: { seeds: { type: 'string', default: '1,2,3' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const [name = ''] = positionals;
  const wanted = goals[name];
  if (wanted === undefined)
    throw new Error(
      `got the example '${name}', expected one of: ${Object.keys(goals).join(', ')}.\n` +
        `  Fix: npm run results -- ${Object.keys(goals)[0] ?? ''}`,
    );
  const flags = tokens.flatMap((token) =>
    token.kind === 'option' && token.name !== 'seeds' ? [`--${token.name}=${token.value ?? ''}`] : [],
  );
  const seeds = String(values.seeds).split(',');
  const runs = seeds.map((seed) => run(name, seed, flags));
  const seconds = median(runs.map((one) => one.seconds));
  const processor = cpus()[0]?.model ?? 'unknown';
  const figures = Object.entries(wanted).map(([figure, goal]) => {
    const reached = runs.map(({ figures: all }) => all[figure] ?? Number.NaN);
    return { figure, goal, reached, middle: median(reached) };
  });
  const rows = figures.map(({ figure, goal, reached }) =>
    resultRow({ name: [name, ...flags].join(' '), figure, goal, seeds, reached, seconds, processor }),
  );
  console.log(rows.join('\n'));
  writeFileSync(page, withRows(readFileSync(page, 'utf8'), rows));
  return figures.every(({ goal, middle }) => ('least' in goal ? middle >= goal.least : middle <= goal.most));
}

try {
  process.exitCode = main() ? 0 : 1;
} catch (error) {
  console.error(`results: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
