import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { standinEnvironment } from '../../scripts/standin';
import { prelude, runScript } from './child';

const root = join(__dirname, '..', '..');
const control = join(root, 'build', 'standin', 'standin_control.node');

/** Whether there is a stand-in for CUDA to test on. */
export const standinIsBuilt = existsSync(control);

/** What `body`, an async function's, returns in a process whose CUDA is the stand-in; `control` is the stand-in's. */
export function onStandin<T>(body: string, environment: Record<string, string> = {}): T {
  const script = `${prelude} const control = require(${JSON.stringify(control)}); stm.setDefaultDevice('cuda');
    (async () => { ${body} })().then(
      (result) => console.log(JSON.stringify(result)),
      (error) => { console.error(error); process.exitCode = 1; },
    );`;
  const child = runScript(script, { environment: { ...standinEnvironment(root), ...environment } });
  expect(child.code, child.stderr).toBe(0);
  return JSON.parse(child.stdout) as T;
}
