import { PythonWorker } from './python-worker';
import type { RecurrentShape } from './shapes';

/** Recurrent cells that both sides have. */
export type TimedCell = 'lstm' | 'gru';
/** What a run computes: forward and backward with every gradient, or forward alone. */
export type TimedKind = 'train' | 'infer';

/** What a run is timed by: the clock on the wall, or processor time, which a busy machine disturbs less; then with one thread, as waiting threads use it too. */
export type Clock = 'wall' | 'cpu';

/** Something that times runs: this package, or PyTorch in another process. */
export interface Timer {
  /** @returns milliseconds of each of `runs` runs */
  time(shape: RecurrentShape, cell: TimedCell, kind: TimedKind, runs: number): Promise<number[]>;
}

/** PyTorch in a Python process, on the CPU. */
export class TorchWorker implements Timer {
  readonly #worker: PythonWorker;

  private constructor(worker: PythonWorker) {
    this.#worker = worker;
  }

  /**
   * Starts it with as many threads as this package computes with.
   *
   * @returns the worker and PyTorch's version, or why there is none
   */
  static async start(threads: number, clock: Clock): Promise<{ worker: TorchWorker; version: string } | { missing: string }> {
    const started = await PythonWorker.start('torch_worker.py', [String(threads), clock], { OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) });
    if ('missing' in started) return started;
    const { version } = started.greeting as { version: string };
    return { worker: new TorchWorker(started.worker), version };
  }

  async time({ T, N, D, H, L, bidirectional }: RecurrentShape, cell: TimedCell, kind: TimedKind, runs: number): Promise<number[]> {
    return (await this.#worker.ask({ shape: { T, N, D, H, L, bidirectional }, cell, kind, runs })) as number[];
  }

  /** Ends the process. */
  stop(): void {
    this.#worker.stop();
  }
}
