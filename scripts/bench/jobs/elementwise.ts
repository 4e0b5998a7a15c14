import {
  add,
  exp,
  gelu,
  layerNorm,
  log,
  logSoftmax,
  mean,
  mul,
  noGrad,
  relu,
  scope,
  sigmoid,
  silu,
  softmax,
  sqrt,
  sum,
  synchronize,
  tanh,
  type Tensor,
} from 'stmnet';
import type { Job, JobOptions, Now } from '../turns/protocol';
import { samples, wave } from './waves';

/** Ops by name, of two tensors, the first of positive numbers [rows, columns], the second of any sign. */
export const elementwiseOps = {
  tanh: (_: Tensor, y: Tensor) => tanh(y),
  sigmoid: (_: Tensor, y: Tensor) => sigmoid(y),
  relu: (_: Tensor, y: Tensor) => relu(y),
  gelu: (_: Tensor, y: Tensor) => gelu(y),
  silu: (_: Tensor, y: Tensor) => silu(y),
  exp: (_: Tensor, y: Tensor) => exp(y),
  log: (x: Tensor) => log(x),
  sqrt: (x: Tensor) => sqrt(x),
  add: (x: Tensor, y: Tensor) => add(x, y),
  mul: (x: Tensor, y: Tensor) => mul(x, y),
  softmax: (_: Tensor, y: Tensor) => softmax(y),
  log_softmax: (_: Tensor, y: Tensor) => logSoftmax(y),
  layer_norm: (_: Tensor, y: Tensor) => layerNorm(y),
  sum: (x: Tensor) => sum(x),
  'sum of rows': (x: Tensor) => sum(x, -1),
  mean: (x: Tensor) => mean(x),
} as const;

/** One of them. */
export type ElementwiseOp = keyof typeof elementwiseOps;

/** What a job is made of. */
export interface ElementwiseOptions extends JobOptions {
  readonly op: ElementwiseOp;
  readonly rows: number;
  readonly columns: number;
  /** Calls of a run. */
  readonly calls: number;
}

/** Calls of one op on the same tensors, without recording, until all are computed. */
export class ElementwiseJob implements Job {
  readonly #options: ElementwiseOptions;
  readonly #x: Tensor;
  readonly #y: Tensor;
  readonly #now: Now;

  constructor(options: ElementwiseOptions, now: Now) {
    const { rows, columns } = options;
    this.#options = options;
    this.#now = now;
    this.#y = wave([rows, columns], 0.37).mul(3);
    this.#x = this.#y.abs().add(0.1);
  }

  async check(): Promise<number[]> {
    const result = this.#call();
    const values = await samples(result);
    result.dispose();
    return values;
  }

  async run(): Promise<number> {
    const { calls } = this.#options;
    const start = this.#now();
    for (let call = 0; call < calls; ++call) this.#call().dispose();
    await synchronize();
    return this.#now() - start;
  }

  dispose(): void {
    for (const values of [this.#x, this.#y]) values.dispose();
  }

  #call(): Tensor {
    return noGrad(() => scope(() => elementwiseOps[this.#options.op](this.#x, this.#y)));
  }
}
