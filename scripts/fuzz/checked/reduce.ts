import * as stm from 'stmnet';
import { floating, known } from '../inputs';
import { alongAxis, logSumExp, reduce, softmaxOf, total } from '../plain';
import { shown, type CaseMaker } from './case';

const mean = (values: readonly number[]): number => total(values) / values.length;

function variance(values: readonly number[]): number {
  const middle = mean(values);
  return total(values.map((value) => (value - middle) ** 2)) / (values.length - 1);
}

type Reduction = readonly [
  stm: (x: stm.Tensor, dims: number[] | undefined, options: { keepDim: boolean }) => stm.Tensor,
  plain: (values: number[]) => number,
];

const floatReductions: Readonly<Record<string, Reduction>> = {
  sum: [stm.sum, total],
  mean: [stm.mean, mean],
  prod: [stm.prod, (values) => values.reduce((product, value) => product * value, 1)],
  max: [stm.max, (values) => Math.max(...values)],
  min: [stm.min, (values) => Math.min(...values)],
  variance: [stm.variance, variance],
  std: [stm.std, (values) => Math.sqrt(variance(values))],
  logSumExp: [stm.logSumExp, logSumExp],
  norm: [stm.norm, (values) => Math.sqrt(total(values.map((value) => value * value)))],
};

const wholeReductions: Readonly<Record<string, Reduction>> = {
  sum: [stm.sum, total],
  max: [stm.max, (values) => Math.max(...values)],
  min: [stm.min, (values) => Math.min(...values)],
  any: [stm.any, (values) => Number(values.some((value) => value !== 0))],
  all: [stm.all, (values) => Number(values.every((value) => value !== 0))],
};

const reductionCase: CaseMaker = (draw) => {
  const ofWhole = draw.chance(0.2);
  const table = ofWhole ? wholeReductions : floatReductions;
  const name = draw.pick(Object.keys(table));
  const [run, plain] = table[name]!;
  const needsTwo = name === 'variance' || name === 'std';
  const shape = draw.fullShape().map((extent) => (needsTwo && extent < 2 ? 2 : extent));
  const axes = draw.shuffled(shape.map((_, axis) => axis)).slice(0, draw.whole(1, shape.length));
  const dims = draw.chance(0.3) ? undefined : axes.map((axis) => (draw.chance(0.3) ? axis - shape.length : axis));
  const keepDim = draw.chance(0.5);
  return {
    label: shown(name, { shape, dims, keepDim }),
    inputs: [known(draw, shape, { dtype: ofWhole ? 'i32' : floating(draw), ...(ofWhole ? { low: -3, high: 4 } : {}) })],
    run: (x) => run(x, dims, { keepDim }),
    plain: (x) => reduce(x, dims, keepDim, plain),
    // A column that is constant, as expanded views are, has no derivative of its deviation.
    smooth: !ofWhole && name !== 'std' && name !== 'norm',
  };
};

const placeCase: CaseMaker = (draw) => {
  const largest = draw.chance(0.5);
  const shape = draw.fullShape();
  const dim = draw.whole(0, shape.length - 1);
  const best = (line: readonly number[]): number => line.indexOf(largest ? Math.max(...line) : Math.min(...line));
  return {
    label: shown(largest ? 'argmax' : 'argmin', { shape, dim }),
    inputs: [known(draw, shape, { dtype: draw.pick(['f32', 'f64', 'i32']), gradient: false })],
    run: (x) => (largest ? stm.argmax : stm.argmin)(x, dim, { keepDim: true }),
    plain: (x) => alongAxis(x, dim, (line) => [best(line)]),
  };
};

const lineOps: Readonly<
  Record<string, readonly [stm: (x: stm.Tensor, dim: number) => stm.Tensor, plain: (line: number[]) => number[]]>
> = {
  cumsum: [stm.cumsum, (line) => line.map((_, at) => total(line.slice(0, at + 1)))],
  softmax: [(x, dim) => stm.softmax(x, dim), softmaxOf],
  logSoftmax: [stm.logSoftmax, (line) => line.map((value) => value - logSumExp(line))],
};

const lineCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(lineOps));
  const [run, plain] = lineOps[name]!;
  const shape = draw.fullShape();
  const dim = draw.whole(0, shape.length - 1);
  return {
    label: shown(name, { shape, dim }),
    inputs: [known(draw, shape, { dtype: floating(draw), low: -5, high: 5 })],
    run: (x) => run(x, dim),
    plain: (x) => alongAxis(x, dim, plain),
  };
};

export const reduceCases: readonly CaseMaker[] = [reductionCase, reductionCase, placeCase, lineCase, lineCase];
