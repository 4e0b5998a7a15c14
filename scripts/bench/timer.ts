import { join } from 'node:path';
import { LineWorker, startPython } from './line-worker';
import type { RecurrentShape } from './shapes';
import { repository } from './tarball';

/** Recurrent cells that all sides have. */
export type TimedCell = 'lstm' | 'gru';
/** What a run computes: forward and backward with every gradient, or forward alone. */
export type TimedKind = 'train' | 'infer';

/**
 * What a run is timed by: the clock on the wall, or processor time, which a busy machine disturbs less; then with one
 * thread, as waiting threads use it too.
 */
export type Clock = 'wall' | 'cpu';

/** What a side is asked for. */
export interface TimerRequest {
  shape: RecurrentShape;
  cell: TimedCell;
  kind: TimedKind;
  runs: number;
}

/** One side of a comparison, in a process of its own: all sides are asked in the same words. */
export class Timer {
  readonly #worker: LineWorker;

  constructor(worker: LineWorker) {
    this.#worker = worker;
  }

  /** @returns milliseconds of each of `runs` runs */
  async time(request: TimerRequest): Promise<number[]> {
    return (await this.#worker.ask(request)) as number[];
  }

  /** Ends the process. */
  stop(): void {
    this.#worker.stop();
  }
}

/** PyTorch on the CPU with that many threads, and its version; or why there is none. */
export async function startTorch(
  threads: number,
  clock: Clock,
): Promise<{ timer: Timer; version: string } | { missing: string }> {
  const started = await startPython('torch_worker.py', [String(threads), clock], {
    OMP_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
  });
  if ('missing' in started) return started;
  return { timer: new Timer(started.worker), version: (started.greeting as { version: string }).version };
}

/**
 * The stmnet in `folder`, a package or the repository, with that many threads, and how it computes.
 *
 * @throws {Error} if it cannot be loaded
 */
export async function startOwn(
  folder: string,
  threads: number,
  clock: Clock,
): Promise<{ timer: Timer; description: string }> {
  const args = [...process.execArgv, join(__dirname, 'own-worker.js'), folder, String(threads), clock];
  const env = folder === repository ? process.env : { ...process.env, STMNET_ADDON: '' };
  const started = await LineWorker.start({ name: `stmnet of ${folder}`, command: process.execPath, args, env });
  if ('missing' in started) throw new Error(`bench: the stmnet of ${folder} does not load: ${started.missing}`);
  return { timer: new Timer(started.worker), description: (started.greeting as { description: string }).description };
}
