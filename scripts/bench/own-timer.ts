import { GRU, LSTM, noGrad, randn, scope, synchronize, zeros, type Tensor } from 'stmnet';
import type { RecurrentShape } from './shapes';
import type { Clock, TimedCell, TimedKind, Timer } from './torch-worker';

interface Case {
  layer: LSTM | GRU;
  x: Tensor;
  gradient: Tensor;
  forward: (x: Tensor) => Tensor;
}

type Timed = Pick<Case, 'layer' | 'forward'>;
const lstmCase = (layer: LSTM, state: { h: Tensor; c: Tensor }): Timed => ({ layer, forward: (x) => layer.forward(x, state).output });
const gruCase = (layer: GRU, state: { h: Tensor }): Timed => ({ layer, forward: (x) => layer.forward(x, state).output });

/** This package through its public API. The clock stops when the result is there: a train step is synchronized, the output of inference is read. */
export class OwnTimer implements Timer {
  readonly #cases = new Map<string, Case>();
  readonly #now: () => number;

  constructor(clock: Clock) {
    this.#now = clock === 'wall' ? () => performance.now() : processorTime;
  }

  async time(shape: RecurrentShape, cell: TimedCell, kind: TimedKind, runs: number): Promise<number[]> {
    const one = this.#caseOf(shape, cell);
    const times: number[] = [];
    for (let run = 0; run < runs; ++run) times.push(await (kind === 'train' ? train(one, this.#now) : infer(one, this.#now)));
    return times;
  }

  #caseOf(shape: RecurrentShape, cell: TimedCell): Case {
    const key = `${cell} ${shape.name}`;
    const known = this.#cases.get(key);
    if (known !== undefined) return known;
    const { T, N, D, H, L, bidirectional } = shape;
    const options = { inputSize: D, hiddenSize: H, numLayers: L, bidirectional, batchFirst: false };
    const directions = bidirectional ? 2 : 1;
    const x = randn([T, N, D], { requiresGrad: true });
    const gradient = randn([T, N, H * directions]);
    const state = (): Tensor => zeros([L * directions, N, H]);
    const made: Case = { x, gradient, ...(cell === 'lstm' ? lstmCase(new LSTM(options), { h: state(), c: state() }) : gruCase(new GRU(options), { h: state() })) };
    this.#cases.set(key, made);
    return made;
  }
}

/** Milliseconds that this process has computed for, on all its threads. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Forward and backward from a given gradient; the gradients of x and of every weight are there when the clock stops. The weights count as changed since the
 * last run, as they are in training: what the engine derives from them it derives anew.
 */
async function train({ layer, x, gradient, forward }: Case, now: () => number): Promise<number> {
  const parameters = layer.parameters();
  for (const parameter of [x, ...parameters]) parameter.grad = undefined;
  noGrad(() => parameters.forEach((parameter) => parameter.mul_(1)));
  await synchronize();
  const start = now();
  scope(() => forward(x).backward({ gradient }));
  await synchronize();
  return now() - start;
}

/** Forward without recording, with its output read back. */
async function infer({ x, forward }: Case, now: () => number): Promise<number> {
  const start = now();
  const output = noGrad(() => scope(() => forward(x)));
  await output.data();
  const time = now() - start;
  output.dispose();
  return time;
}
