import { GRU, LSTM, randn, scope, synchronize, type GRUOptions, type LSTMOptions, type Tensor } from 'stmnet';
import type { Job, JobOptions, Now } from '../turns/protocol';

/** Variants by name; the plain cells are those without options. */
export const cellVariants: Readonly<Record<string, Partial<LSTMOptions & GRUOptions>>> = {
  lstm: {},
  'lstm recurrentDropout': { recurrentDropout: 0.3 },
  'lstm weightDrop': { weightDrop: 0.3 },
  'lstm zoneout': { zoneout: 0.1, zoneoutCell: 0.1 },
  'lstm peephole': { peephole: true },
  'lstm coupledGates': { coupledGates: true },
  'lstm layerNorm': { layerNorm: true },
  gru: {},
  'gru recurrentDropout': { recurrentDropout: 0.3 },
  'gru resetAfter': { resetAfter: false },
  'gru layerNorm': { layerNorm: true },
};

/** What a job of a variant is made of. */
export interface CellOptions extends JobOptions {
  readonly variant: string;
  readonly rows: number;
  readonly steps: number;
  readonly features: number;
  readonly hidden: number;
}

/** A train step of a variant, from the sum of its output. */
export class CellJob implements Job {
  readonly #layer: LSTM | GRU;
  readonly #x: Tensor;
  readonly #now: Now;

  constructor({ variant, rows, steps, features, hidden }: CellOptions, now: Now) {
    const Layer = variant.startsWith('gru') ? GRU : LSTM;
    this.#layer = new Layer({ inputSize: features, hiddenSize: hidden, ...cellVariants[variant] });
    this.#x = randn([rows, steps, features]);
    this.#now = now;
  }

  async run(): Promise<number> {
    await synchronize();
    const start = this.#now();
    scope(() => this.#layer.forward(this.#x).output.sum().backward());
    await synchronize();
    return this.#now() - start;
  }
}
