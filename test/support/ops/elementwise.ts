// The element-wise op functions, each with what it computes in plain TypeScript: `opCase` compares small inputs with
// that, and table.ts runs large ones on a GPU and on the CPU.
import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';

type Range = readonly [number, number];

/** One op, element by element. */
interface Elementwise<Run, Of> {
  run: Run;
  /** One element of its result. */
  of: Of;
  /** Inputs lie between these. */
  domain: Range;
  /** Inputs of gradients lie between these, where the op has no jump. Default the domain. */
  smooth?: Range;
  /** False for ops that have no gradient. Default true. */
  gradient?: boolean;
}
type Unary = Elementwise<(x: Tensor) => Tensor, (x: number) => number>;
type Binary = Elementwise<(a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number>;

/** erf by its power series: exact to f64 for |x| below 3. */
function erf(x: number): number {
  let term = x,
    sum = x;
  for (let n = 1; n < 100; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const phi = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const everywhere: Range = [-2, 2];

const unary = (run: Unary['run'], of: Unary['of'], domain = everywhere, smooth = domain): Unary => ({
  run,
  of,
  domain,
  smooth,
});
const binary = (run: Binary['run'], of: Binary['of'], domain = everywhere): Binary => ({ run, of, domain });
const without = (run: Binary['run'], of: (a: number, b: number) => number | boolean, domain = everywhere): Binary => ({
  run,
  of: (a, b) => Number(of(a, b)),
  domain,
  gradient: false,
});

export const unaryOps: Readonly<Record<string, Unary>> = {
  neg: unary(stm.neg, (x) => -x),
  abs: unary(stm.abs, Math.abs),
  sign: unary(stm.sign, Math.sign),
  exp: unary(stm.exp, Math.exp),
  expm1: unary(stm.expm1, Math.expm1),
  log: unary(stm.log, Math.log, [0.1, 3]),
  log1p: unary(stm.log1p, Math.log1p, [-0.5, 3]),
  sqrt: unary(stm.sqrt, Math.sqrt, [0.1, 3]),
  rsqrt: unary(stm.rsqrt, (x) => 1 / Math.sqrt(x), [0.1, 3]),
  square: unary(stm.square, (x) => x * x),
  reciprocal: unary(stm.reciprocal, (x) => 1 / x, [0.2, 3]),
  sin: unary(stm.sin, Math.sin, [-3, 3]),
  cos: unary(stm.cos, Math.cos, [-3, 3]),
  erf: unary(stm.erf, erf),
  floor: unary(stm.floor, Math.floor, everywhere, [0.1, 0.9]),
  ceil: unary(stm.ceil, Math.ceil, everywhere, [0.1, 0.9]),
  round: unary(stm.round, Math.round, everywhere, [0.6, 1.4]),
  relu: unary(stm.relu, (x) => Math.max(x, 0)),
  sigmoid: unary(stm.sigmoid, sigmoid, [-3, 3]),
  tanh: unary(stm.tanh, Math.tanh, [-3, 3]),
  gelu: unary(stm.gelu, (x) => x * phi(x)),
  silu: unary(stm.silu, (x) => x * sigmoid(x), [-3, 3]),
  softplus: unary(stm.softplus, (x) => Math.log1p(Math.exp(x)), [-3, 3]),
  softsign: unary(stm.softsign, (x) => x / (1 + Math.abs(x))),
  elu: unary(
    (x) => stm.elu(x, 0.7),
    (x) => (x > 0 ? x : 0.7 * Math.expm1(x)),
  ),
  leakyRelu: unary(
    (x) => stm.leakyRelu(x, 0.1),
    (x) => (x > 0 ? x : 0.1 * x),
  ),
  rsub: unary(
    (x) => stm.rsub(x, 3),
    (x) => 3 - x,
  ),
  rdiv: unary(
    (x) => stm.rdiv(x, 3),
    (x) => 3 / x,
    [0.3, 2],
  ),
  rpow: unary(
    (x) => stm.rpow(x, 1.5),
    (x) => 1.5 ** x,
  ),
  clamp: unary(
    (x) => stm.clamp(x, { min: -0.5, max: 1 }),
    (x) => Math.min(Math.max(x, -0.5), 1),
  ),
  clone: unary(stm.clone, (x) => x),
};

export const binaryOps: Readonly<Record<string, Binary>> = {
  add: binary(stm.add, (a, b) => a + b),
  sub: binary(stm.sub, (a, b) => a - b),
  mul: binary(stm.mul, (a, b) => a * b),
  div: binary(stm.div, (a, b) => a / b, [0.3, 2]),
  pow: binary(stm.pow, (a, b) => a ** b, [0.3, 2]),
  maximum: binary(stm.maximum, Math.max),
  minimum: binary(stm.minimum, Math.min),
  floorDivide: without(stm.floorDivide, (a, b) => Math.floor(a / b), [0.5, 9]),
  remainder: binary(stm.remainder, (a, b) => a - b * Math.floor(a / b), [0.5, 9]),
  eq: without(
    (a, b) => stm.eq(stm.round(a), stm.round(b)),
    (a, b) => Math.round(a) === Math.round(b),
  ),
  ne: without(
    (a, b) => stm.ne(stm.round(a), stm.round(b)),
    (a, b) => Math.round(a) !== Math.round(b),
  ),
  lt: without(stm.lt, (a, b) => a < b),
  le: without(stm.le, (a, b) => a <= b),
  gt: without(stm.gt, (a, b) => a > b),
  ge: without(stm.ge, (a, b) => a >= b),
};
