import { binding } from '../../native/load';
import { within } from '../op-name';
import { asGiven, readOptions, withDefault, type Readers } from '../read-options';
import { checkTensor, idOf, wrap, type Tensor } from '../tensor';
import { add, exp, isFinite, log, sub, where } from './elementwise';
import { reshape } from './shape';

/** Options of reductions. */
export interface ReduceOptions {
  /** Keeps reduced axes with extent 1. Default false. */
  keepDim?: boolean;
}

/** One axis or several, counted from the end if negative; all axes if left out. */
export type Dims = number | readonly number[];

const keeping: Readers<ReduceOptions> = { keepDim: withDefault(asGiven<boolean>, false) };

const list = (dim: Dims | undefined): readonly number[] | undefined => (typeof dim === 'number' ? [dim] : dim);

const keepDim = (op: string, options: ReduceOptions): boolean => readOptions(op, options, keeping).keepDim;

/** Sum over `dim`, or of all elements. @throws {OptionError} if an axis is not there or named twice */
export const sum = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.sum(idOf(x, 'sum'), list(dim), keepDim('sum', options)));

/** Mean over `dim`, or of all elements. @throws {ShapeError} if there is nothing to average */
export const mean = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.mean(idOf(x, 'mean'), list(dim), keepDim('mean', options)));

/** Product over `dim`, or of all elements. @throws {OptionError} if an axis is not there or named twice */
export const prod = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.prod(idOf(x, 'prod'), list(dim), keepDim('prod', options)));

/**
 * Largest element over `dim`, or of all; equal ones share the gradient.
 *
 * @throws {ShapeError} if there is nothing to choose from
 */
export const max = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.max(idOf(x, 'max'), list(dim), keepDim('max', options)));

/**
 * Smallest element over `dim`, or of all; equal ones share the gradient.
 *
 * @throws {ShapeError} if there is nothing to choose from
 */
export const min = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.min(idOf(x, 'min'), list(dim), keepDim('min', options)));

/**
 * Place (i32) of the largest element along `dim`, or in row-major order without it; the first of several.
 *
 * @throws {ShapeError} if it chooses from more than 2^31
 */
export const argmax = (x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor =>
  wrap(binding.argmax(idOf(x, 'argmax'), dim, keepDim('argmax', options)));

/**
 * Place (i32) of the smallest element along `dim`, or in row-major order without it; the first of several.
 *
 * @throws {ShapeError} if it chooses from more than 2^31
 */
export const argmin = (x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor =>
  wrap(binding.argmin(idOf(x, 'argmin'), dim, keepDim('argmin', options)));

/**
 * Whether any element over `dim`, or of all, is not 0 (bool); false if there is none.
 *
 * @throws {OptionError} if an axis is not there or named twice
 */
export const any = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.any(idOf(x, 'any'), list(dim), keepDim('any', options)));

/**
 * Whether all elements over `dim`, or all of them, are not 0 (bool); true if there is none.
 *
 * @throws {OptionError} if an axis is not there or named twice
 */
export const all = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  wrap(binding.all(idOf(x, 'all'), list(dim), keepDim('all', options)));

/** Running sums along the axis `dim`. @throws {OptionError} if it is not there */
export const cumsum = (x: Tensor, dim: number): Tensor => wrap(binding.cumsum(idOf(x, 'cumsum'), dim));

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the number of elements in the divisor. Default 1, the unbiased estimate. */
  correction?: number;
}

const spread: Readers<VarianceOptions> = { ...keeping, correction: withDefault(asGiven<number>, 1) };

/**
 * Variance over `dim`, or of all elements: squared distances from the mean, added up and divided by their number less
 * `correction`.
 *
 * Exact for large numbers that lie close together, too.
 *
 * @throws {DTypeError} if `x` is neither f32 nor f64; {OptionError} if no more elements than `correction`
 */
export function variance(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  const { correction, keepDim } = readOptions('variance', options, spread);
  return wrap(binding.variance(idOf(x, 'variance'), list(dim), correction, keepDim));
}

/**
 * Standard deviation over `dim`, or of all elements: the root of `variance`; its gradient where all elements are equal
 * is 0.
 *
 * @throws {DTypeError} if `x` is neither f32 nor f64; {OptionError} if no more elements than `correction`
 */
export function std(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  const { correction, keepDim } = readOptions('std', options, spread);
  return wrap(binding.std(idOf(x, 'std'), list(dim), correction, keepDim));
}

/**
 * `log(sum(exp(x)))` over `dim`, or of all elements, without overflow.
 *
 * @throws {DTypeError} if `x` is neither f32 nor f64; {OptionError} if an axis is not there or named twice
 */
export function logSumExp(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  checkTensor(x, 'logSumExp');
  return within('logSumExp', () => {
    const largest = max(x.detach(), dim, { keepDim: true });
    const shift = where(isFinite(largest), largest, 0);
    const total = log(sum(exp(sub(x, shift)), dim, options));
    return add(total, reshape(shift, total.shape));
  });
}

/** Options of `norm`. */
export interface NormOptions extends ReduceOptions {
  /** Which norm: above 0, or Infinity for the largest absolute value. Default 2. */
  p?: number;
}

/**
 * The p-norm over `dim`, or of all elements; its gradient at zeros is 0.
 *
 * @throws {OptionError} if `p` is not above 0, or an axis is not there or named twice
 */
export function norm(x: Tensor, dim?: Dims, options: NormOptions = {}): Tensor {
  const { keepDim, p } = readOptions('norm', options, { ...keeping, p: withDefault(asGiven<number>, 2) });
  return wrap(binding.norm(idOf(x, 'norm'), list(dim), p, keepDim));
}
