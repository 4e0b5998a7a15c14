// The op functions of one number, each with what it gives in plain TypeScript: rows of the op table, and what the
// fuzzer compares with.
import * as stm from 'stmnet';
import type { Tensor } from 'stmnet';

/** Inputs lie between these. */
export type Range = readonly [number, number];

/** One op, element by element. */
export interface Elementwise<Run, Of> {
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

/** erf by its power series, exact to f64 for |x| below 3 and to 1e-9 below 6. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const phi = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;
const sigmoid = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

/** Nearest whole number, halves to even. */
function evenRound(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** Where inputs lie unless a row says otherwise. */
export const everywhere: Range = [-2, 2];

const unary = (run: Unary['run'], of: Unary['of'], domain = everywhere, smooth = domain): Unary => ({
  run,
  of,
  domain,
  smooth,
});
/** By their names. */
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
  round: unary(stm.round, evenRound, everywhere, [0.6, 1.4]),
  relu: unary(stm.relu, (x) => Math.max(x, 0)),
  sigmoid: unary(stm.sigmoid, sigmoid, [-3, 3]),
  tanh: unary(stm.tanh, Math.tanh, [-3, 3]),
  gelu: unary(stm.gelu, (x) => x * phi(x)),
  silu: unary(stm.silu, (x) => x * sigmoid(x), [-3, 3]),
  softplus: unary(stm.softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), [-3, 3]),
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
