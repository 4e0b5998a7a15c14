import { binding } from '../../native/load';
import { OptionError } from '../errors';
import { full } from '../factories';
import { checkOptions } from '../options';
import { wrap, type DType, type Tensor } from '../tensor';

// Binary ops broadcast as in NumPy; both operands have one dtype, and a number takes the tensor's. All are differentiable where the mathematics are.

/** Element-wise `a + b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const add = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.addScalar(a.id, b) : binding.add(a.id, b.id));

/** Element-wise `a - b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const sub = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.addScalar(a.id, -b) : binding.sub(a.id, b.id));

/** Element-wise `a · b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const mul = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.mulScalar(a.id, b) : binding.mul(a.id, b.id));

/** Element-wise `a / b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const div = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.mulScalar(a.id, 1 / b) : binding.div(a.id, b.id));

/** a to the power of b. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const pow = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.powScalar(a.id, b) : binding.pow(a.id, b.id));

/** The larger of a and b; where both are equal, each gets half of the gradient. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const maximum = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.maximumScalar(a.id, b) : binding.maximum(a.id, b.id));

/** The smaller of a and b; where both are equal, each gets half of the gradient. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const minimum = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.minimumScalar(a.id, b) : binding.minimum(a.id, b.id));

/** Element-wise `value - x`. */
export const rsub = (x: Tensor, value: number): Tensor => wrap(binding.rsub(x.id, value));

/** Element-wise `value / x`. */
export const rdiv = (x: Tensor, value: number): Tensor => wrap(binding.rdiv(x.id, value));

/** Element-wise `base` to the power of `x`. */
export const rpow = (x: Tensor, base: number): Tensor => wrap(binding.rpow(x.id, base));

/** `-x`. Shape of `x` is kept. */
export const neg = (x: Tensor): Tensor => wrap(binding.neg(x.id));

/** Absolute value. Shape of `x` is kept. */
export const abs = (x: Tensor): Tensor => wrap(binding.abs(x.id));

/** -1, 0 or 1. Shape of `x` is kept. */
export const sign = (x: Tensor): Tensor => wrap(binding.sign(x.id));

/** `e^x`. Shape of `x` is kept. */
export const exp = (x: Tensor): Tensor => wrap(binding.exp(x.id));

/** `e^x - 1`, exact near 0. Shape of `x` is kept. */
export const expm1 = (x: Tensor): Tensor => wrap(binding.expm1(x.id));

/** Natural logarithm. Shape of `x` is kept. */
export const log = (x: Tensor): Tensor => wrap(binding.log(x.id));

/** `log(1 + x)`, exact near 0. Shape of `x` is kept. */
export const log1p = (x: Tensor): Tensor => wrap(binding.log1p(x.id));

/** Square root. Shape of `x` is kept. */
export const sqrt = (x: Tensor): Tensor => wrap(binding.sqrt(x.id));

/** `1 / sqrt(x)`. Shape of `x` is kept. */
export const rsqrt = (x: Tensor): Tensor => wrap(binding.rsqrt(x.id));

/** `x²`. Shape of `x` is kept. */
export const square = (x: Tensor): Tensor => wrap(binding.square(x.id));

/** `1 / x`. Shape of `x` is kept. */
export const reciprocal = (x: Tensor): Tensor => wrap(binding.reciprocal(x.id));

/** Sine of `x` in radians. Shape of `x` is kept. */
export const sin = (x: Tensor): Tensor => wrap(binding.sin(x.id));

/** Cosine of `x` in radians. Shape of `x` is kept. */
export const cos = (x: Tensor): Tensor => wrap(binding.cos(x.id));

/** Error function. Shape of `x` is kept. */
export const erf = (x: Tensor): Tensor => wrap(binding.erf(x.id));

/** Largest integer not above `x`; gradient 0. Shape of `x` is kept. */
export const floor = (x: Tensor): Tensor => wrap(binding.floor(x.id));

/** Smallest integer not below `x`; gradient 0. Shape of `x` is kept. */
export const ceil = (x: Tensor): Tensor => wrap(binding.ceil(x.id));

/** Nearest integer, halves to even; gradient 0. Shape of `x` is kept. */
export const round = (x: Tensor): Tensor => wrap(binding.round(x.id));

/** `max(x, 0)`. Shape of `x` is kept. */
export const relu = (x: Tensor): Tensor => wrap(binding.relu(x.id));

/** `1 / (1 + e^-x)`, in (0, 1). Shape of `x` is kept. */
export const sigmoid = (x: Tensor): Tensor => wrap(binding.sigmoid(x.id));

/** Hyperbolic tangent, in (-1, 1). Shape of `x` is kept. */
export const tanh = (x: Tensor): Tensor => wrap(binding.tanh(x.id));

/** `x · Φ(x)`, Φ the normal distribution function (Hendrycks and Gimpel, 2016). Shape of `x` is kept. */
export const gelu = (x: Tensor): Tensor => wrap(binding.gelu(x.id));

/** `x · sigmoid(x)`. Shape of `x` is kept. */
export const silu = (x: Tensor): Tensor => wrap(binding.silu(x.id));

/** `log(1 + e^x)`. Shape of `x` is kept. */
export const softplus = (x: Tensor): Tensor => wrap(binding.softplus(x.id));

/** `x / (1 + |x|)`, in (-1, 1). Shape of `x` is kept. */
export const softsign = (x: Tensor): Tensor => wrap(binding.softsign(x.id));

/** `x` above 0, `alpha · (e^x - 1)` below (Clevert et al., 2016). */
export const elu = (x: Tensor, alpha = 1): Tensor => wrap(binding.elu(x.id, alpha));

/** `x` above 0, `slope · x` below. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => wrap(binding.leakyRelu(x.id, slope));

/** Bounds of `clamp`, one of them at least. */
export interface ClampOptions {
  min?: number;
  max?: number;
}

/**
 * `x` moved into `min..max`; gradients pass where `x` lies inside.
 *
 * @throws {OptionError} if neither bound is given, or `min` exceeds `max`
 */
export function clamp(x: Tensor, options: ClampOptions): Tensor {
  checkOptions('clamp', options, ['min', 'max']);
  const { min, max } = options;
  if ((min === undefined && max === undefined) || (min !== undefined && max !== undefined && min > max)) {
    throw new OptionError('clamp', { given: `min ${min}, max ${max}`, expected: 'one bound or both, min ≤ max', fix: 'write clamp(x, { min: 0 })' });
  }
  const above = min === undefined ? x : maximum(x, min);
  return max === undefined ? above : minimum(above, max);
}

/** Element-wise `a = b` as bool. Shapes broadcast. */
export const eq = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.eqScalar(a.id, b) : binding.eq(a.id, b.id));

/** Element-wise `a ≠ b` as bool. Shapes broadcast. */
export const ne = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.neScalar(a.id, b) : binding.ne(a.id, b.id));

/** Element-wise `a < b` as bool. Shapes broadcast. */
export const lt = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.ltScalar(a.id, b) : binding.lt(a.id, b.id));

/** Element-wise `a ≤ b` as bool. Shapes broadcast. */
export const le = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.leScalar(a.id, b) : binding.le(a.id, b.id));

/** Element-wise `a > b` as bool. Shapes broadcast. */
export const gt = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.gtScalar(a.id, b) : binding.gt(a.id, b.id));

/** Element-wise `a ≥ b` as bool. Shapes broadcast. */
export const ge = (a: Tensor, b: Tensor | number): Tensor => wrap(typeof b === 'number' ? binding.geScalar(a.id, b) : binding.ge(a.id, b.id));

/** Element-wise `a and b` of bool tensors. */
export const logicalAnd = (a: Tensor, b: Tensor): Tensor => minimum(cast(a, 'bool'), cast(b, 'bool'));

/** Element-wise `a or b` of bool tensors. */
export const logicalOr = (a: Tensor, b: Tensor): Tensor => maximum(cast(a, 'bool'), cast(b, 'bool'));

/** Element-wise `not x` of a bool tensor. */
export const logicalNot = (x: Tensor): Tensor => eq(cast(x, 'bool'), 0);

/** Where `x` is not a number, as bool. */
export const isNaN = (x: Tensor): Tensor => ne(x, x);

/** Where `x` is neither infinite nor NaN, as bool. */
export const isFinite = (x: Tensor): Tensor => lt(abs(x), Number.POSITIVE_INFINITY);

const like = (other: Tensor, value: number): Tensor => full([], value, { dtype: other.dtype, device: other.device });

/**
 * `a` where `condition` holds, `b` elsewhere. Shapes broadcast; a number takes the other's dtype.
 *
 * @throws {DTypeError} if `condition` is not bool, or `a` and `b` differ
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const known = typeof a !== 'number' ? a : typeof b !== 'number' ? b : full([], 0, { device: condition.device });
  const first = typeof a === 'number' ? like(known, a) : a;
  const second = typeof b === 'number' ? like(known, b) : b;
  return wrap(binding.where(condition.id, first.id, second.id));
}

/** `value` where `mask` (bool, broadcast) holds, `x` elsewhere. */
export const maskedFill = (x: Tensor, mask: Tensor, value: number): Tensor => where(mask, value, x);

/** `x` in another dtype: floats are cut to integers, and become true where they are not 0. */
export const cast = (x: Tensor, dtype: DType): Tensor => wrap(binding.cast(x.id, dtype));

/** A dense copy. */
export const clone = (x: Tensor): Tensor => wrap(binding.clone(x.id));

/** `x` if its elements lie densely, else a dense copy. */
export const contiguous = (x: Tensor): Tensor => wrap(binding.contiguous(x.id));

// In-place ops change `x` and return it. They refuse tensors that the graph follows: use them in noGrad().

/** `x += b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export function add_(x: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') binding.addScalarInPlace(x.id, b);
  else binding.addInPlace(x.id, b.id);
  return x;
}

/** `x -= b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export function sub_(x: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') binding.addScalarInPlace(x.id, -b);
  else binding.subInPlace(x.id, b.id);
  return x;
}

/** `x ·= b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export function mul_(x: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') binding.mulScalarInPlace(x.id, b);
  else binding.mulInPlace(x.id, b.id);
  return x;
}

/** `x /= b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export function div_(x: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') binding.mulScalarInPlace(x.id, 1 / b);
  else binding.divInPlace(x.id, b.id);
  return x;
}

/** Overwrites `x` with `value`, broadcast. @throws {GraphError} if the graph follows either */
export function copy_(x: Tensor, value: Tensor): Tensor {
  binding.copyInPlace(x.id, value.id);
  return x;
}

/** Sets every element of `x` to `value`. @throws {GraphError} if the graph follows `x` */
export function fill_(x: Tensor, value: number): Tensor {
  binding.fillInPlace(x.id, value);
  return x;
}

/** Sets every element of `x` to 0. @throws {GraphError} if the graph follows `x` */
export const zero_ = (x: Tensor): Tensor => fill_(x, 0);
