import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(__dirname, '..', '..');

/** How a child process ended, and what it printed. */
export interface Child {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  ms: number;
}

/**
 * What scripts of a child or a worker may use: `stm`, the built package; `moduleOf(name)`, a module of it that is not
 * exported, such as `tensor/tensor`; `slow(x, ms)`, a copy of x after a pause on the executor; `fail(x)`, a tensor
 * whose command fails; `one()`, a fresh tensor [1]; `limitQueue(commands)`; and `queue(ms)`, 1,000 commands of ms each,
 * of which it returns the last result.
 */
export const prelude = `
  const stm = require(${JSON.stringify(join(root, 'dist', 'index.js'))});
  const moduleOf = require(${JSON.stringify(join(root, 'dist', 'bundle', 'stmnet.js'))});
  const { binding } = moduleOf('native/load');
  const { idOf, wrap } = moduleOf('tensor/tensor');
  const slow = (x, ms) => wrap(binding.testSlow(idOf(x, 'slow'), ms));
  const fail = (x) => wrap(binding.testFail(idOf(x, 'fail')));
  const one = () => stm.tensor([1]);
  const limitQueue = (commands) => binding.setQueueLimits(commands, 1e9);
  const queue = (ms) => { let x = one(); for (let i = 0; i < 1000; i++) x = slow(x, ms); return x; };
`;

/**
 * The source of a worker that runs `body` after the prelude, `parentPort` being there as well; quoted, so that it can
 * stand in the script of a child.
 */
export function workerSource(body: string): string {
  return JSON.stringify(`const { parentPort } = require('node:worker_threads'); ${prelude} ${body}`);
}

/**
 * Runs `script` after the prelude in a Node process of its own.
 *
 * @param script  CommonJS; `gc()` is there
 */
export function runChild(script: string): Child {
  return runScript(prelude + script);
}

/** How a child runs: variables beside those of this process, and how many milliseconds it may take. */
export interface ChildOptions {
  environment?: Record<string, string>;
  timeout?: number;
}

/** Runs `script`, which requires what it needs, in a Node process of its own. */
export function runScript(script: string, { environment = {}, timeout = 50_000 }: ChildOptions = {}): Child {
  const start = performance.now();
  const child = spawnSync(process.execPath, ['--expose-gc', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    timeout,
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...preloaded(), ...environment },
  });
  return {
    code: child.status,
    signal: child.signal,
    stdout: child.stdout,
    stderr: child.stderr,
    ms: performance.now() - start,
  };
}

/** Runs Node with these arguments, where nobody reads standard output, as of `| head`, which has ended. */
export async function runUnread(args: readonly string[]): Promise<Pick<Child, 'code' | 'stderr'>> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  return { code, stderr };
}

/** Runs `script` after the prelude, where nobody reads standard error any more. */
export async function runWithoutErrors(script: string): Promise<Pick<Child, 'code' | 'stdout'>> {
  const child = spawn(process.execPath, ['-e', prelude + script], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.destroy();
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  return { code, stdout };
}

/** Under a sanitizer the children need its libraries before all others; STMNET_PRELOAD names them. */
function preloaded(): Record<string, string> {
  const libraries = process.env['STMNET_PRELOAD'];
  return libraries === undefined ? {} : { LD_PRELOAD: libraries };
}
