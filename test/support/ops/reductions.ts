// The op functions that fold axes, each with its fold in plain TypeScript: `opCase` compares small inputs with that,
// and table.ts runs large ones on a GPU and on the CPU.
import * as stm from 'stmnet';
import type { Dims, ReduceOptions, Tensor } from 'stmnet';

export interface Reduction {
  run: (x: Tensor, dim?: Dims, options?: ReduceOptions) => Tensor;
  /** Of the elements behind one result. */
  fold: (values: number[]) => number;
  /** Inputs lie between these. */
  domain: readonly [number, number];
  /** Whether it has a value for no elements, and one for a single element. */
  ofNothing: boolean;
  ofOne: boolean;
}

export const total = (values: readonly number[]): number => values.reduce((result, value) => result + value, 0);
const average = (values: readonly number[]): number => total(values) / values.length;
const spreadOf = (values: readonly number[], correction = 1): number =>
  total(values.map((value) => (value - average(values)) ** 2)) / (values.length - correction);

const usual = { domain: [-2, 2], ofNothing: false, ofOne: true } as const;

export const reductions: Readonly<Record<string, Reduction>> = {
  sum: { ...usual, run: stm.sum, fold: total, ofNothing: true },
  mean: { ...usual, run: stm.mean, fold: average },
  prod: {
    run: stm.prod,
    fold: (values) => values.reduce((result, value) => result * value, 1),
    domain: [0.9, 1.1], // of some thousand numbers, too
    ofNothing: true,
    ofOne: true,
  },
  max: { ...usual, run: stm.max, fold: (values) => Math.max(...values) },
  min: { ...usual, run: stm.min, fold: (values) => Math.min(...values) },
  variance: { ...usual, run: stm.variance, fold: spreadOf, ofOne: false },
  std: { ...usual, run: stm.std, fold: (values) => Math.sqrt(spreadOf(values)), ofOne: false },
  logSumExp: { ...usual, run: stm.logSumExp, fold: (values) => Math.log(total(values.map(Math.exp))) },
  norm: {
    ...usual,
    run: stm.norm,
    fold: (values) => Math.sqrt(total(values.map((value) => value * value))),
    ofNothing: true,
  },
};
