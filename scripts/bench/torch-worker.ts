import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
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

/** PyTorch in a Python process, which waits, asleep, between requests. */
export class TorchWorker implements Timer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(child: ChildProcess, reader: Interface) {
    this.#child = child;
    this.#reader = reader;
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /**
   * Starts STMNET_PYTHON, or `python3`, with as many threads as this package computes with.
   *
   * @returns the worker and PyTorch's version, or why there is none
   */
  static async start(threads: number, clock: Clock): Promise<{ worker: TorchWorker; version: string } | { missing: string }> {
    const python = process.env['STMNET_PYTHON'] ?? 'python3';
    const script = join(__dirname, '..', '..', '..', '..', 'scripts', 'bench', 'torch_worker.py');
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
    const child = spawn(python, [script, String(threads), clock], { stdio: ['pipe', 'pipe', 'pipe'], env });
    let failure = '';
    child.stderr.on('data', (text: Buffer) => (failure += text.toString()));
    try {
      await once(child, 'spawn');
    } catch (error) {
      return { missing: `${python}: ${error instanceof Error ? error.message : String(error)}` };
    }
    const worker = new TorchWorker(child, createInterface({ input: child.stdout }));
    const first = await worker.#lines.next();
    if (first.done === true) return { missing: `${python}: ${failure.trim().split('\n').at(-1) ?? 'ended at once'}` };
    const { version } = JSON.parse(first.value) as { version: string };
    return { worker, version };
  }

  async time({ T, N, D, H, L, bidirectional }: RecurrentShape, cell: TimedCell, kind: TimedKind, runs: number): Promise<number[]> {
    this.#child.stdin?.write(`${JSON.stringify({ shape: { T, N, D, H, L, bidirectional }, cell, kind, runs })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the PyTorch worker ended early; run scripts/bench/torch_worker.py by hand to see why.');
    return JSON.parse(line.value) as number[];
  }

  /** Ends the process. */
  stop(): void {
    this.#child.stdin?.end();
    this.#reader.close();
  }
}
