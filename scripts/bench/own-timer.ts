import type * as stmnet from 'stmnet';
import type { GRU, LSTM, Tensor } from 'stmnet';
import type { RecurrentShape } from './shapes';
import type { Clock, TimedCell, TimerRequest } from './timer';

/** The package, whichever copy of it is timed. */
export type Stmnet = typeof stmnet;

interface Case {
  layer: LSTM | GRU;
  x: Tensor;
  gradient: Tensor;
  forward: (x: Tensor) => Tensor;
}

type Timed = Pick<Case, 'layer' | 'forward'>;
const lstmCase = (layer: LSTM, state: { h: Tensor; c: Tensor }): Timed => ({
  layer,
  forward: (x) => layer.forward(x, state).output,
});
const gruCase = (layer: GRU, state: { h: Tensor }): Timed => ({
  layer,
  forward: (x) => layer.forward(x, state).output,
});

/**
 * The package through its public API. The clock stops when the result is there: a train step is synchronized, the
 * output of inference is read.
 */
export class OwnTimer {
  readonly #cases = new Map<string, Case>();
  readonly #stmnet: Stmnet;
  readonly #now: () => number;

  constructor(stmnet: Stmnet, clock: Clock) {
    this.#stmnet = stmnet;
    this.#now = clock === 'wall' ? () => performance.now() : processorTime;
  }

  /** @returns milliseconds of each run */
  async time({ shape, cell, kind, runs }: TimerRequest): Promise<number[]> {
    const one = this.#caseOf(shape, cell);
    const times: number[] = [];
    for (let run = 0; run < runs; ++run) times.push(await (kind === 'train' ? this.#train(one) : this.#infer(one)));
    return times;
  }

  #caseOf(shape: RecurrentShape, cell: TimedCell): Case {
    const { GRU, LSTM, randn, zeros } = this.#stmnet;
    const key = `${cell} ${shape.name}`;
    const known = this.#cases.get(key);
    if (known !== undefined) return known;
    const { T, N, D, H, L, bidirectional } = shape;
    const options = { inputSize: D, hiddenSize: H, numLayers: L, bidirectional, batchFirst: false };
    const directions = bidirectional ? 2 : 1;
    const x = randn([T, N, D], { requiresGrad: true });
    const gradient = randn([T, N, H * directions]);
    const state = (): Tensor => zeros([L * directions, N, H]);
    const made: Case = {
      x,
      gradient,
      ...(cell === 'lstm'
        ? lstmCase(new LSTM(options), { h: state(), c: state() })
        : gruCase(new GRU(options), { h: state() })),
    };
    this.#cases.set(key, made);
    return made;
  }

  /**
   * Forward and backward from a given gradient; the gradients of x and of every weight are there when the clock stops.
   * The weights count as changed since the last run, as they are in training: what the engine derives from them it
   * derives anew.
   */
  async #train({ layer, x, gradient, forward }: Case): Promise<number> {
    const { noGrad, scope, synchronize } = this.#stmnet;
    const parameters = layer.parameters();
    for (const parameter of [x, ...parameters]) parameter.grad = undefined;
    noGrad(() => parameters.forEach((parameter) => parameter.mul_(1)));
    await synchronize();
    const start = this.#now();
    scope(() => forward(x).backward({ gradient }));
    await synchronize();
    return this.#now() - start;
  }

  /** Forward without recording, with its output read back. */
  async #infer({ x, forward }: Case): Promise<number> {
    const { noGrad, scope } = this.#stmnet;
    const start = this.#now();
    const output = noGrad(() => scope(() => forward(x)));
    await output.data();
    const time = this.#now() - start;
    output.dispose();
    return time;
  }
}

/** Milliseconds that this process has computed for, on all its threads. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
