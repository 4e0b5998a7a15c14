import { join } from 'node:path';
import type { MathMode } from 'stmnet';
import type { GpuCase, GpuSide } from './gpu-cases';
import { LineWorker, startPython } from './line-worker';
import type { StepTimes } from './gpu-turns';
import { repository } from './tarball';

/** Seconds until a program must be ready: libraries may come from a slow disk, but no row is measured meanwhile. */
const startUp = 45;

type Start = () => ReturnType<typeof LineWorker.start>;

/**
 * One program that answers for two sides. It is started again after it has crashed or has been given up, so that a row
 * costs no other row its figures.
 */
class Program {
  #worker: LineWorker | undefined;
  readonly #start: Start;

  constructor(start: Start) {
    this.#start = start;
  }

  /** @returns the program's first line, or why it does not run */
  async begin(): Promise<{ greeting: unknown } | { missing: string }> {
    const started = await this.#start();
    if ('missing' in started) return started;
    this.#worker = started.worker;
    return { greeting: started.greeting };
  }

  /** @throws {Error} if there is no answer within `seconds` */
  async ask(request: object, seconds: number): Promise<object> {
    if (this.#worker === undefined) {
      const begun = await this.begin();
      if ('missing' in begun) throw new Error(begun.missing);
    }
    const worker = this.#worker;
    if (worker === undefined) throw new Error('it did not start');
    let late = false;
    const clock = setTimeout(() => {
      late = true;
      worker.kill();
    }, seconds * 1000);
    try {
      return (await worker.ask(request)) as object;
    } catch (error) {
      worker.kill(); // one that says no more may still run, and would keep this process
      this.#worker = undefined;
      throw late ? new Error(`no answer within ${seconds.toFixed(0)} s`) : error;
    } finally {
      clearTimeout(clock);
    }
  }

  get running(): boolean {
    return this.#worker !== undefined;
  }

  stop(): void {
    this.#worker?.stop();
    this.#worker = undefined;
  }
}

/** The programs behind the sides: this package, and PyTorch where it is to be had. */
export class GpuSides {
  readonly #own: Program;
  readonly #torch: Program;

  /** @param device  where stmnet computes  @param torchDevice  where PyTorch does */
  constructor(device: string, torchDevice: string) {
    const file = join(repository, 'build', 'js', 'scripts', 'bench', 'gpu-worker.js');
    this.#own = new Program(() =>
      LineWorker.start({
        name: 'scripts/bench/gpu-worker.ts',
        command: process.execPath,
        args: ['--expose-gc', file, device],
        patience: startUp,
      }),
    );
    this.#torch = new Program(() => startPython('torch_gpu.py', [torchDevice], {}, startUp));
  }

  /** Starts both. @returns what each says of itself, or why it does not run */
  async begin(): Promise<{ own: Awaited<ReturnType<Program['begin']>>; torch: Awaited<ReturnType<Program['begin']>> }> {
    const [own, torch] = await Promise.all([this.#own.begin(), this.#torch.begin()]);
    return { own, torch };
  }

  /** As `RunSteps`. */
  async run(one: GpuCase, mode: MathMode, side: GpuSide, steps: number, seconds: number): Promise<StepTimes> {
    const own = side === 'eager' || side === 'compiled';
    const request = own ? { compiled: side === 'compiled' } : { graph: side === 'torchGraph' };
    const answer = await (own ? this.#own : this.#torch).ask({ case: one, mode, steps, ...request }, seconds);
    if ('ms' in answer && typeof answer.ms === 'number') return answer as StepTimes;
    throw new Error('error' in answer ? String(answer.error) : 'it answered without a time');
  }

  /** Lets go of what a row has prepared. */
  async release(): Promise<void> {
    for (const program of [this.#own, this.#torch])
      if (program.running) await program.ask({ release: true }, 10).catch(() => undefined);
  }

  stop(): void {
    this.#own.stop();
    this.#torch.stop();
  }
}
