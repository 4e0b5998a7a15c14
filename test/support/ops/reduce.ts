// The op functions of src/tensor/ops/reduce.ts, each with what it gives in plain TypeScript.
import * as stm from 'stmnet';
import type { Dims, HostArray, ReduceOptions, Tensor } from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { bool, constant } from './inputs';

interface Reduction {
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

const reductions: Readonly<Record<string, Reduction>> = {
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

/** `fold` of the elements behind each result. */
export function reduced(
  x: HostArray,
  dim: Dims | undefined,
  keep: boolean,
  fold: (values: number[]) => number,
): HostArray {
  const rank = x.shape.length;
  const all = x.shape.map((_, axis) => axis);
  const given = dim === undefined ? all : [dim].flat();
  const axes = given.map((axis) => (axis < 0 ? axis + rank : axis));
  const inner = x.shape.filter((_, axis) => axes.includes(axis));
  const whole = generate(
    x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
    (place) => {
      const values: number[] = [];
      generate(inner, (within) =>
        values.push(
          at(
            x,
            place.map((index, axis) =>
              axes.includes(axis) ? (within[axes.filter((other) => other < axis).length] ?? 0) : index,
            ),
          ),
        ),
      );
      return fold(values);
    },
  );
  return keep ? whole : { data: whole.data, shape: x.shape.filter((_, axis) => !axes.includes(axis)) };
}

const cube = [5, 37, 24];
/** Larger inputs, for some choices of axes. */
function largeOf(dim: Dims | undefined): number[][][] {
  if (dim === 0) return [[cube], [[9000, 3]]];
  if (dim === -1) return [[cube], [[3, 9000]]];
  return dim === undefined || dim === 1 || String(dim) === '0,2' ? [[cube]] : [];
}

/**
 * Every way to name the axes of [2, 3, 4], with and without the kept axis, and shapes with extents of 1 (and 0, if the
 * op has a value for nothing).
 */
function casesOf(op: string, { run, fold, domain, ofNothing, ofOne }: Reduction): OpCase[] {
  const odd = [...(ofOne ? [[[1, 1, 1]]] : []), ...(ofNothing ? [[[2, 0, 4]], [[0, 3, 1]]] : [])];
  const choices = [undefined, 0, 1, -1, [0, 1], [0, 2], [2, 1], [0, 1, 2]].flatMap((dim) =>
    [false, true].map((keepDim): OpCase => ({
      op: `${op} over ${dim === undefined ? 'all' : String(dim)}${keepDim ? ', kept' : ''}`,
      run: (x) => run(x, dim, { keepDim }),
      reference: (x) => reduced(x, dim, keepDim, fold),
      shapes: [[[2, 3, 4]], ...odd],
      large: keepDim ? [] : largeOf(dim),
      domain,
    })),
  );
  const long: OpCase = {
    op: `${op} of long rows and columns`,
    run: (x) => run(x, 1),
    reference: (x) => reduced(x, 1, false, fold),
    shapes: [[[3, 37]], [[2, 19, 70]]],
    domain,
    gradient: false,
  };
  return [...choices, long];
}

/** The place of an extreme, along each axis and over everything. */
const extremes = (
  op: string,
  run: (x: Tensor, dim?: number) => Tensor,
  extreme: (...values: number[]) => number,
): OpCase[] =>
  [undefined, 0, 1, 2].map((dim) => ({
    op: `${op} over ${dim ?? 'all'}`,
    run: (x) => run(x, dim),
    reference: (x) => reduced(x, dim, false, (values) => values.indexOf(extreme(...values))),
    shapes: [[constant([2, 3, 4])], [constant([1, 1, 1])]],
    large: [[constant(cube)]],
  }));

const quantifier = (
  op: string,
  run: (x: Tensor, dim?: Dims) => Tensor,
  dims: readonly (Dims | undefined)[],
  of: (values: number[]) => boolean,
  large: readonly number[],
): OpCase[] =>
  dims.map((dim) => ({
    op: `${op} over ${dim === undefined ? 'all' : String(dim)}`,
    run: (x) => run(x, dim),
    reference: (x) => reduced(x, dim, false, (values) => Number(of(values))),
    shapes: [[bool([2, 3, 2])], [bool([2, 0, 1])], [constant([2, 3, 1])]],
    large: [[bool(large)]],
  }));

const sums = (dim: number): OpCase => ({
  op: `cumsum along ${dim}`,
  run: (x) => stm.cumsum(x, dim),
  reference: (x) =>
    generate(x.shape, (place) => {
      const axis = dim < 0 ? dim + place.length : dim;
      const upTo = Array.from({ length: (place[axis] ?? 0) + 1 }, (_, i) => at(x, place.with(axis, i)));
      return total(upTo);
    }),
  shapes: [[[3, 4]], [[2, 3, 4]], [[1, 1]], [[0, 3]], [[3, 0]]],
  large: [[cube], ...(dim === 1 ? [[[2, 9000]]] : [])],
});

export const reduceOps: readonly OpCase[] = [
  ...Object.entries(reductions).flatMap(([op, row]) => casesOf(op, row)),
  ...extremes('argmax', (x, dim) => stm.argmax(x, dim), Math.max),
  ...extremes('argmin', (x, dim) => stm.argmin(x, dim), Math.min),
  ...quantifier('any', stm.any, [undefined, 0, [0, 2]], (values) => values.some((x) => x !== 0), cube),
  ...quantifier('all', stm.all, [undefined, 1, [0, 2]], (values) => values.every((x) => x !== 0), [2, 3, 2]),
  ...[0, 1, -1].map(sums),
];
