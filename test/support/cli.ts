import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What the command `stmnet` runs. */
export const main = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

/** Runs the command `stmnet` as installed, with more in its environment. */
export function stmnet(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { code: number | null; stdout: string; stderr: string } {
  const child = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { code: child.status, stdout: child.stdout, stderr: child.stderr };
}
