import * as stm from 'stmnet';
import { unaryOps } from '../../../test/support/ops/unary';
import { floating, known, type KnownOptions } from '../inputs';
import { elementwise, type Plain } from '../plain';
import type { Draw } from '../random';
import { shown, type CaseMaker } from './case';

/** Where inputs lie, beyond what the rows of the op table say. */
const wide: Readonly<Record<string, readonly [number, number]>> = {
  sin: [-9, 9],
  cos: [-9, 9],
  erf: [-4, 4],
  floor: [-9, 9],
  ceil: [-9, 9],
  round: [-9, 9],
  sigmoid: [-20, 20],
  tanh: [-12, 12],
  gelu: [-5, 5],
  silu: [-12, 12],
  softplus: [-30, 30],
  softsign: [-9, 9],
};

/** Those of the op table, and a copy in order. */
const unary: typeof unaryOps = {
  ...unaryOps,
  contiguous: { run: stm.contiguous, of: (x: number) => x, domain: [-2, 2] },
};

const unaryCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(unary));
  const { run, of, domain } = unary[name]!;
  const [low, high] = wide[name] ?? domain;
  return {
    label: name,
    inputs: [known(draw, draw.shape(), { dtype: floating(draw), low, high })],
    run,
    plain: (x) => elementwise(of, x),
  };
};

type Binary = readonly [
  stm: (a: stm.Tensor, b: stm.Tensor) => stm.Tensor,
  plain: (a: number, b: number) => number,
  range?: readonly [number, number],
];
const binary: Readonly<Record<string, Binary>> = {
  add: [stm.add, (a, b) => a + b],
  sub: [stm.sub, (a, b) => a - b],
  mul: [stm.mul, (a, b) => a * b],
  div: [stm.div, (a, b) => a / b, [0.2, 2]],
  pow: [stm.pow, Math.pow, [0.2, 2]],
  maximum: [stm.maximum, Math.max],
  minimum: [stm.minimum, Math.min],
};

/** Two shapes that broadcast to each other. */
export function broadcastPair(draw: Draw): [number[], number[]] {
  const long = draw.shape();
  const short = long.map((extent) => (draw.chance(0.3) ? 1 : extent)).slice(draw.whole(0, long.length));
  return draw.chance(0.5) ? [long, short] : [short, long];
}

const binaryCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(binary));
  const [run, plain, [low, high] = [-2, 2]] = binary[name]!;
  const options = { dtype: floating(draw), low, high };
  return {
    label: name,
    inputs: broadcastPair(draw).map((shape) => known(draw, shape, options)),
    run,
    plain: (a, b) => elementwise(plain, a, b),
  };
};

const scalars = [2, 3, 0.5, 7, 10, 49, 1e-3, -3, 0.1];
const withNumber: Readonly<
  Record<
    string,
    readonly [
      stm: (x: stm.Tensor, n: number) => stm.Tensor,
      plain: (x: number, n: number) => number,
      positive?: boolean,
    ]
  >
> = {
  add: [(x, n) => stm.add(x, n), (x, n) => x + n],
  sub: [(x, n) => stm.sub(x, n), (x, n) => x - n],
  mul: [(x, n) => stm.mul(x, n), (x, n) => x * n],
  div: [(x, n) => stm.div(x, n), (x, n) => x / n],
  rsub: [stm.rsub, (x, n) => n - x],
  rdiv: [stm.rdiv, (x, n) => n / x, true],
  pow: [(x, n) => stm.pow(x, n), Math.pow, true],
  maximum: [(x, n) => stm.maximum(x, n), Math.max],
  minimum: [(x, n) => stm.minimum(x, n), Math.min],
};

const numberCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(withNumber));
  const [run, plain, inDomain] = withNumber[name]!;
  const n = draw.pick(scalars);
  const range = inDomain ? { low: 0.2, high: 2 } : {};
  const rounded = (x: number): number => plain(x, n);
  return {
    label: `${name} number ${n}`,
    inputs: [known(draw, draw.shape(), { dtype: floating(draw), ...range })],
    run: (x) => run(x, n),
    plain: (x) => elementwise(rounded, x),
  };
};

const comparisons: Readonly<
  Record<string, readonly [stm: (a: stm.Tensor, b: stm.Tensor) => stm.Tensor, plain: (a: number, b: number) => boolean]>
> = {
  eq: [stm.eq, (a, b) => a === b],
  ne: [stm.ne, (a, b) => a !== b],
  lt: [stm.lt, (a, b) => a < b],
  le: [stm.le, (a, b) => a <= b],
  gt: [stm.gt, (a, b) => a > b],
  ge: [stm.ge, (a, b) => a >= b],
};

const comparisonCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(comparisons));
  const [run, plain] = comparisons[name]!;
  const options: KnownOptions = { dtype: draw.pick(['f32', 'f64', 'i32', 'bool']), gradient: false };
  const inputs = broadcastPair(draw).map((shape) => known(draw, shape, options));
  return { label: name, inputs, run, plain: (a, b) => elementwise((x, y) => Number(plain(x, y)), a, b) };
};

const wholeOps: Readonly<
  Record<string, readonly [stm: (a: stm.Tensor, b: stm.Tensor) => stm.Tensor, plain: (a: number, b: number) => number]>
> = {
  add: [stm.add, (a, b) => a + b],
  sub: [stm.sub, (a, b) => a - b],
  mul: [stm.mul, (a, b) => a * b],
  maximum: [stm.maximum, Math.max],
  minimum: [stm.minimum, Math.min],
};

const wholeCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(wholeOps));
  const [run, plain] = wholeOps[name]!;
  const inputs = broadcastPair(draw).map((shape) => known(draw, shape, { dtype: 'i32', low: -1000, high: 1000 }));
  return { label: `${name} of i32`, inputs, run, plain: (a, b) => elementwise(plain, a, b) };
};

const whereCase: CaseMaker = (draw) => {
  const [shape, dtype] = [draw.shape(), floating(draw)];
  const narrow = (): number[] => shape.map((extent) => (draw.chance(0.3) ? 1 : extent));
  const inputs = [
    known(draw, narrow(), { dtype: 'bool' }),
    known(draw, shape, { dtype }),
    known(draw, narrow(), { dtype }),
  ];
  return {
    label: 'where',
    inputs,
    run: stm.where,
    plain: (c, a, b) => elementwise((x, y, z) => (x === 0 ? z : y), c, a, b),
  };
};

/** What a number becomes in a dtype. */
const casts: Readonly<Record<Exclude<stm.DType, 'i8'>, (x: number) => number>> = {
  f32: Math.fround,
  f64: (x) => x,
  i32: Math.trunc,
  bool: (x) => Number(x !== 0),
};

const castCase: CaseMaker = (draw) => {
  const to = draw.pick(Object.keys(casts) as (keyof typeof casts)[]);
  const dtype = draw.pick(['f32', 'f64', 'i32', 'bool'] as const);
  const inputs = [known(draw, draw.shape(), { dtype, low: -9, high: 9 })];
  // Rounding to f32 has steps, which the plain evaluation would take for slopes.
  return {
    label: `cast ${dtype} to ${to}`,
    inputs,
    run: (x) => stm.cast(x, to),
    plain: (x) => elementwise(casts[to], x),
    smooth: to === 'f64',
  };
};

const inPlaceOps: Readonly<
  Record<string, readonly [(x: stm.Tensor, y: stm.Tensor) => stm.Tensor, (x: number, y: number) => number]>
> = {
  add_: [stm.add_, (x, y) => x + y],
  sub_: [stm.sub_, (x, y) => x - y],
  mul_: [stm.mul_, (x, y) => x * y],
  div_: [stm.div_, (x, y) => x / y],
  copy_: [stm.copy_, (_, y) => y],
};

/** Written through a view into a fresh copy: what lies beside the view must stay. */
const inPlaceCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(inPlaceOps));
  const [run, plain] = inPlaceOps[name]!;
  const options = { dtype: floating(draw), low: 0.3, high: 2, gradient: false };
  const shape = draw.fullShape(2);
  const [rows, columns] = [shape[0]!, shape[1]!];
  const source = draw.chance(0.5) ? shape : [columns];
  const inputs = [known(draw, [rows + 2, columns + 1], options), known(draw, source, options)];
  const inside = ([row, column]: readonly number[]): boolean => row! >= 1 && row! <= rows && column! < columns;
  return {
    label: shown(name, source),
    inputs,
    run: (x, y) => {
      const copy = stm.clone(x);
      run(copy.slice([1, 0], [rows + 1, columns]), y);
      return copy;
    },
    plain: (x, y) =>
      written(x, (place, old) =>
        inside(place)
          ? plain(old, y.data[y.shape.length === 1 ? place[1]! : (place[0]! - 1) * columns + place[1]!]!)
          : old,
      ),
  };
};

/** `x` with each element replaced. */
function written(x: Plain, fn: (place: readonly number[], old: number) => number): Plain {
  const [, columns] = x.shape;
  return { shape: x.shape, data: x.data.map((old, flat) => fn([Math.floor(flat / columns!), flat % columns!], old)) };
}

export const elementwiseCases: readonly CaseMaker[] = [
  unaryCase,
  unaryCase,
  binaryCase,
  binaryCase,
  numberCase,
  comparisonCase,
  wholeCase,
  whereCase,
  castCase,
  inPlaceCase,
];
