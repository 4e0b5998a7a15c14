import { binding } from '../../native/load';
import { OptionError } from '../errors';
import { within } from '../op-name';
import { full } from '../factories';
import { describe } from '../options';
import { asGiven, readOptions } from '../read-options';
import { checkTensor, idOf, wrap, type DType, type Tensor } from '../tensor';

// Binary ops broadcast as in NumPy; both operands have one dtype, and a number takes the tensor's. All are
// differentiable where the mathematics are. A result that an i32 does not hold never wraps around: it rejects the next
// read, as a sum does.

const OPERAND = 'a Tensor or a number';

type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'floorDivide'
  | 'remainder'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge';

function binary(op: BinaryOp, scalar: `${BinaryOp}Scalar`, a: Tensor, b: Tensor | number): Tensor {
  return wrap(
    typeof b === 'number'
      ? binding[scalar](idOf(a, op, 'a'), b)
      : binding[op](idOf(a, op, 'a'), idOf(b, op, 'b', OPERAND)),
  );
}

/** Element-wise `a + b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const add = (a: Tensor, b: Tensor | number): Tensor => binary('add', 'addScalar', a, b);

/** Element-wise `a - b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const sub = (a: Tensor, b: Tensor | number): Tensor => binary('sub', 'subScalar', a, b);

/** Element-wise `a · b`. Shapes broadcast. @throws {ShapeError} if they do not; {DTypeError} if dtypes differ */
export const mul = (a: Tensor, b: Tensor | number): Tensor => binary('mul', 'mulScalar', a, b);

/**
 * Element-wise `a / b`, rounded once. Shapes broadcast.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if dtypes differ, or are not f32 or f64
 */
export const div = (a: Tensor, b: Tensor | number): Tensor => binary('div', 'divScalar', a, b);

/**
 * Element-wise floor of `a / b`, as Python's `//`: `-7` by `2` gives `-4`. Shapes broadcast; the gradient is 0. An i32
 * divided by 0 rejects the next read.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if dtypes differ; {OptionError} if an i32 tensor is divided by the
 * number 0
 */
export const floorDivide = (a: Tensor, b: Tensor | number): Tensor => binary('floorDivide', 'floorDivideScalar', a, b);

/**
 * Element-wise `a - b · floor(a / b)`, as Python's `%`: it has the sign of `b`, so `-7` by `2` leaves `1`. Shapes
 * broadcast. An i32 divided by 0 rejects the next read.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if dtypes differ; {OptionError} if an i32 tensor is divided by the
 * number 0
 */
export const remainder = (a: Tensor, b: Tensor | number): Tensor => binary('remainder', 'remainderScalar', a, b);

/**
 * a to the power of b. Shapes broadcast.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if dtypes differ; {OptionError} if `b` is a number below 0 and `a`
 * i32, which then has no whole result
 */
export const pow = (a: Tensor, b: Tensor | number): Tensor => binary('pow', 'powScalar', a, b);

/**
 * The larger of a and b; where both are equal, each gets half of the gradient. Shapes broadcast.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if dtypes differ
 */
export const maximum = (a: Tensor, b: Tensor | number): Tensor => binary('maximum', 'maximumScalar', a, b);

/**
 * The smaller of a and b; where both are equal, each gets half of the gradient. Shapes broadcast.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if dtypes differ
 */
export const minimum = (a: Tensor, b: Tensor | number): Tensor => binary('minimum', 'minimumScalar', a, b);

/** Element-wise `value - x`. @throws {OptionError} if `x` is i32 and `value` no whole number */
export const rsub = (x: Tensor, value: number): Tensor => wrap(binding.rsub(idOf(x, 'rsub'), value));

/** Element-wise `value / x`. @throws {DTypeError} if `x` is neither f32 nor f64 */
export const rdiv = (x: Tensor, value: number): Tensor => wrap(binding.rdiv(idOf(x, 'rdiv'), value));

/** Element-wise `base` to the power of `x`. @throws {OptionError} if `x` is i32 and `base` no whole number */
export const rpow = (x: Tensor, base: number): Tensor => wrap(binding.rpow(idOf(x, 'rpow'), base));

/** `-x`. Shape of `x` is kept. */
export const neg = (x: Tensor): Tensor => wrap(binding.neg(idOf(x, 'neg')));

/** Absolute value. Shape of `x` is kept. */
export const abs = (x: Tensor): Tensor => wrap(binding.abs(idOf(x, 'abs')));

/** -1, 0 or 1; 0 for NaN. Shape of `x` is kept. */
export const sign = (x: Tensor): Tensor => wrap(binding.sign(idOf(x, 'sign')));

/** `e^x`. Shape of `x` is kept. */
export const exp = (x: Tensor): Tensor => wrap(binding.exp(idOf(x, 'exp')));

/** `e^x - 1`, exact near 0. Shape of `x` is kept. */
export const expm1 = (x: Tensor): Tensor => wrap(binding.expm1(idOf(x, 'expm1')));

/** Natural logarithm. Shape of `x` is kept. */
export const log = (x: Tensor): Tensor => wrap(binding.log(idOf(x, 'log')));

/** `log(1 + x)`, exact near 0. Shape of `x` is kept. */
export const log1p = (x: Tensor): Tensor => wrap(binding.log1p(idOf(x, 'log1p')));

/** Square root. Shape of `x` is kept. */
export const sqrt = (x: Tensor): Tensor => wrap(binding.sqrt(idOf(x, 'sqrt')));

/** `1 / sqrt(x)`. Shape of `x` is kept. */
export const rsqrt = (x: Tensor): Tensor => wrap(binding.rsqrt(idOf(x, 'rsqrt')));

/** `x²`. Shape of `x` is kept. */
export const square = (x: Tensor): Tensor => wrap(binding.square(idOf(x, 'square')));

/** `1 / x`. Shape of `x` is kept. */
export const reciprocal = (x: Tensor): Tensor => wrap(binding.reciprocal(idOf(x, 'reciprocal')));

/** Sine of `x` in radians. Shape of `x` is kept. */
export const sin = (x: Tensor): Tensor => wrap(binding.sin(idOf(x, 'sin')));

/** Cosine of `x` in radians. Shape of `x` is kept. */
export const cos = (x: Tensor): Tensor => wrap(binding.cos(idOf(x, 'cos')));

/** Error function. Shape of `x` is kept. */
export const erf = (x: Tensor): Tensor => wrap(binding.erf(idOf(x, 'erf')));

/** Largest integer not above `x`; gradient 0. Shape of `x` is kept. */
export const floor = (x: Tensor): Tensor => wrap(binding.floor(idOf(x, 'floor')));

/** Smallest integer not below `x`; gradient 0. Shape of `x` is kept. */
export const ceil = (x: Tensor): Tensor => wrap(binding.ceil(idOf(x, 'ceil')));

/** Nearest integer, halves to even; gradient 0. Shape of `x` is kept. */
export const round = (x: Tensor): Tensor => wrap(binding.round(idOf(x, 'round')));

/** `max(x, 0)`. Shape of `x` is kept. */
export const relu = (x: Tensor): Tensor => wrap(binding.relu(idOf(x, 'relu')));

/** `1 / (1 + e^-x)`, in (0, 1). Shape of `x` is kept. */
export const sigmoid = (x: Tensor): Tensor => wrap(binding.sigmoid(idOf(x, 'sigmoid')));

/** Hyperbolic tangent, in (-1, 1). Shape of `x` is kept. */
export const tanh = (x: Tensor): Tensor => wrap(binding.tanh(idOf(x, 'tanh')));

/** `x · Φ(x)`, Φ the normal distribution function (Hendrycks and Gimpel, 2016). Shape of `x` is kept. */
export const gelu = (x: Tensor): Tensor => wrap(binding.gelu(idOf(x, 'gelu')));

/** `x · sigmoid(x)`. Shape of `x` is kept. */
export const silu = (x: Tensor): Tensor => wrap(binding.silu(idOf(x, 'silu')));

/** `log(1 + e^x)`. Shape of `x` is kept. */
export const softplus = (x: Tensor): Tensor => wrap(binding.softplus(idOf(x, 'softplus')));

/** `x / (1 + |x|)`, in (-1, 1). Shape of `x` is kept. */
export const softsign = (x: Tensor): Tensor => wrap(binding.softsign(idOf(x, 'softsign')));

/**
 * `x` above 0, `alpha · (e^x - 1)` below (Clevert et al., 2016). Shape of `x` is kept.
 *
 * @throws {DTypeError} if `x` is neither f32 nor f64; {OptionError} if `alpha` is no number
 */
export const elu = (x: Tensor, alpha = 1): Tensor => wrap(binding.elu(idOf(x, 'elu'), alpha));

/**
 * `x` above 0, `negativeSlope · x` below. Shape of `x` is kept.
 *
 * @throws {DTypeError} if `x` is neither f32 nor f64; {OptionError} if `negativeSlope` is no number
 */
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor =>
  wrap(binding.leakyRelu(idOf(x, 'leakyRelu'), negativeSlope));

/** Bounds of `clamp`, one of them at least. */
export interface ClampOptions {
  /** What is less becomes this. Default: no bound. */
  min?: number | undefined;
  /** What is more becomes this. Default: no bound. */
  max?: number | undefined;
}

/**
 * `x` moved into `min..max`; gradients pass where `x` lies inside or on a bound. Shape of `x` is kept.
 *
 * @throws {OptionError} if neither bound is given, or `min` exceeds `max`
 */
export function clamp(x: Tensor, options: ClampOptions): Tensor {
  const { min, max } = readOptions('clamp', options, { min: asGiven, max: asGiven });
  const isBound = (bound: unknown): boolean => bound === undefined || typeof bound === 'number';
  const some = min !== undefined || max !== undefined;
  if (!some || !isBound(min) || !isBound(max) || (min !== undefined && max !== undefined && min > max)) {
    throw new OptionError('clamp', {
      given: `min ${describe(min)}, max ${describe(max)}`,
      expected: 'one bound or both, min ≤ max',
      fix: 'write clamp(x, { min: 0 })',
    });
  }
  return wrap(binding.clamp(idOf(x, 'clamp'), min, max));
}

/** Element-wise `a = b` as bool. Shapes broadcast. @throws {ShapeError} if not; {DTypeError} if dtypes differ */
export const eq = (a: Tensor, b: Tensor | number): Tensor => binary('eq', 'eqScalar', a, b);

/** Element-wise `a ≠ b` as bool. Shapes broadcast. @throws {ShapeError} if not; {DTypeError} if dtypes differ */
export const ne = (a: Tensor, b: Tensor | number): Tensor => binary('ne', 'neScalar', a, b);

/** Element-wise `a < b` as bool. Shapes broadcast. @throws {ShapeError} if not; {DTypeError} if dtypes differ */
export const lt = (a: Tensor, b: Tensor | number): Tensor => binary('lt', 'ltScalar', a, b);

/** Element-wise `a ≤ b` as bool. Shapes broadcast. @throws {ShapeError} if not; {DTypeError} if dtypes differ */
export const le = (a: Tensor, b: Tensor | number): Tensor => binary('le', 'leScalar', a, b);

/** Element-wise `a > b` as bool. Shapes broadcast. @throws {ShapeError} if not; {DTypeError} if dtypes differ */
export const gt = (a: Tensor, b: Tensor | number): Tensor => binary('gt', 'gtScalar', a, b);

/** Element-wise `a ≥ b` as bool. Shapes broadcast. @throws {ShapeError} if not; {DTypeError} if dtypes differ */
export const ge = (a: Tensor, b: Tensor | number): Tensor => binary('ge', 'geScalar', a, b);

/** Element-wise `a and b`, of numbers whether they are not 0. Shapes broadcast. @throws {ShapeError} if they do not */
export const logicalAnd = (a: Tensor, b: Tensor): Tensor =>
  within('logicalAnd', () => minimum(cast(a, 'bool'), cast(b, 'bool')));

/** Element-wise `a or b`, of numbers whether they are not 0. Shapes broadcast. @throws {ShapeError} if they do not */
export const logicalOr = (a: Tensor, b: Tensor): Tensor =>
  within('logicalOr', () => maximum(cast(a, 'bool'), cast(b, 'bool')));

/** Element-wise `not x`: of numbers, whether they are 0. */
export const logicalNot = (x: Tensor): Tensor => within('logicalNot', () => eq(cast(x, 'bool'), 0));

/** Where an element of `x` is not a number, as bool. */
export const isNaN = (x: Tensor): Tensor => within('isNaN', () => ne(x, x));

/** Where an element of `x` is neither infinite nor NaN, as bool. */
export const isFinite = (x: Tensor): Tensor => within('isFinite', () => lt(abs(x), Number.POSITIVE_INFINITY));

const like = (other: Tensor, value: number): Tensor => full([], value, { dtype: other.dtype, device: other.device });

/**
 * `a` where `condition` holds, `b` elsewhere. Shapes broadcast; a number takes the other's dtype.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if `condition` is not bool, or the dtypes of `a` and `b` differ
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  checkTensor(condition, 'where', 'condition');
  if (typeof a !== 'number') checkTensor(a, 'where', 'a', OPERAND);
  if (typeof b !== 'number') checkTensor(b, 'where', 'b', OPERAND);
  const known = [a, b].find((x) => typeof x !== 'number') ?? full([], 0, { device: condition.device });
  const first = typeof a === 'number' ? like(known, a) : a;
  const second = typeof b === 'number' ? like(known, b) : b;
  return wrap(
    binding.where(
      idOf(condition, 'where', 'condition'),
      idOf(first, 'where', 'first'),
      idOf(second, 'where', 'second'),
    ),
  );
}

/**
 * `value` where `mask` holds, `x` elsewhere. Shapes broadcast.
 *
 * @throws {ShapeError} if they do not; {DTypeError} if `mask` is not bool
 */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  checkTensor(x, 'maskedFill');
  checkTensor(mask, 'maskedFill', 'mask');
  return within('maskedFill', () => where(mask, value, x));
}

/**
 * `x` in another dtype: floats are cut to integers, and become true where they are not 0. A float that no i32 holds, or
 * NaN, rejects the next read. Shape of `x` is kept.
 *
 * @throws {OptionError} if there is no such dtype
 */
export const cast = (x: Tensor, dtype: DType): Tensor => wrap(binding.cast(idOf(x, 'cast'), dtype));

/** A copy whose elements lie densely. */
export const clone = (x: Tensor): Tensor => wrap(binding.clone(idOf(x, 'clone')));

/** `x` if its elements lie densely, else a dense copy. */
export const contiguous = (x: Tensor): Tensor => wrap(binding.contiguous(idOf(x, 'contiguous')));

// In-place ops change `x` and return it. They refuse tensors that the graph follows: use them in noGrad().

type InPlaceOp = 'addInPlace' | 'subInPlace' | 'mulInPlace' | 'divInPlace';
type InPlaceScalarOp = 'addScalarInPlace' | 'subScalarInPlace' | 'mulScalarInPlace' | 'divScalarInPlace';

function inPlace(name: string, op: InPlaceOp, scalar: InPlaceScalarOp, x: Tensor, b: Tensor | number): Tensor {
  return within(name, () => {
    if (typeof b === 'number') binding[scalar](idOf(x, name), b);
    else binding[op](idOf(x, name), idOf(b, name, 'b', OPERAND));
    return x;
  });
}

/** `x += b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export const add_ = (x: Tensor, b: Tensor | number): Tensor => inPlace('add_', 'addInPlace', 'addScalarInPlace', x, b);

/** `x -= b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export const sub_ = (x: Tensor, b: Tensor | number): Tensor => inPlace('sub_', 'subInPlace', 'subScalarInPlace', x, b);

/** `x ·= b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export const mul_ = (x: Tensor, b: Tensor | number): Tensor => inPlace('mul_', 'mulInPlace', 'mulScalarInPlace', x, b);

/** `x /= b`, in place. `b` broadcasts to the shape of `x`. @throws {GraphError} if the graph follows either */
export const div_ = (x: Tensor, b: Tensor | number): Tensor => inPlace('div_', 'divInPlace', 'divScalarInPlace', x, b);

/**
 * Overwrites `x` with `value`, which broadcasts to the shape of `x`.
 *
 * @throws {GraphError} if the graph follows either; {ShapeError} if the shapes do not fit
 */
export function copy_(x: Tensor, value: Tensor): Tensor {
  within('copy_', () => binding.copyInPlace(idOf(x, 'copy_'), idOf(value, 'copy_', 'value')));
  return x;
}

/** Sets every element of `x` to `value`. @throws {GraphError} if the graph follows `x` */
export function fill_(x: Tensor, value: number): Tensor {
  within('fill_', () => binding.fillInPlace(idOf(x, 'fill_'), value));
  return x;
}

/** Sets every element of `x` to 0. @throws {GraphError} if the graph follows `x` */
export const zero_ = (x: Tensor): Tensor => within('zero_', () => fill_(x, 0));
