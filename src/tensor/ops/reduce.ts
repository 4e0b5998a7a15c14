import { binding } from '../../native/load';
import { OptionError } from '../errors';
import { within } from '../op-name';
import { checkOptions } from '../options';
import { checkTensor, idOf, wrap, type Tensor } from '../tensor';
import { abs, add, eq, exp, isFinite, log, maskedFill, pow, sqrt, square, sub, where } from './elementwise';
import { reshape } from './shape';

/** Options of reductions. */
export interface ReduceOptions {
  /** Keeps reduced axes with extent 1. Default false. */
  keepDim?: boolean;
}

/** One axis or several, counted from the end if negative; all axes if left out. */
export type Dims = number | readonly number[];

const list = (dim: Dims | undefined): readonly number[] | undefined => (typeof dim === 'number' ? [dim] : dim);

function keepDim(op: string, options: ReduceOptions): boolean {
  checkOptions(op, options, ['keepDim']);
  return options.keepDim ?? false;
}

/** Sum over `dim`, or of all elements. @throws {OptionError} if an axis is not there or named twice */
export const sum = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.sum(idOf(x, 'sum'), list(dim), keepDim('sum', options)));

/** Mean over `dim`, or of all elements. @throws {ShapeError} if there is nothing to average */
export const mean = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.mean(idOf(x, 'mean'), list(dim), keepDim('mean', options)));

/** Product over `dim`, or of all elements. */
export const prod = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.prod(idOf(x, 'prod'), list(dim), keepDim('prod', options)));

/** Largest element over `dim`, or of all; equal ones share the gradient. @throws {ShapeError} if there is nothing to choose from */
export const max = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.max(idOf(x, 'max'), list(dim), keepDim('max', options)));

/** Smallest element over `dim`, or of all; equal ones share the gradient. @throws {ShapeError} if there is nothing to choose from */
export const min = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.min(idOf(x, 'min'), list(dim), keepDim('min', options)));

/** Place (i32) of the largest element along `dim`, or in row-major order without it; the first of several. */
export const argmax = (x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor => wrap(binding.argmax(idOf(x, 'argmax'), dim, keepDim('argmax', options)));

/** Place (i32) of the smallest element along `dim`, or in row-major order without it; the first of several. */
export const argmin = (x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor => wrap(binding.argmin(idOf(x, 'argmin'), dim, keepDim('argmin', options)));

/** Whether any element over `dim`, or of all, is not 0 (bool); false if there is none. */
export const any = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.any(idOf(x, 'any'), list(dim), keepDim('any', options)));

/** Whether all elements over `dim`, or all of them, are not 0 (bool); true if there is none. */
export const all = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => wrap(binding.all(idOf(x, 'all'), list(dim), keepDim('all', options)));

/** Running sums along `dim`. */
export const cumsum = (x: Tensor, dim: number): Tensor => wrap(binding.cumsum(idOf(x, 'cumsum'), dim));

/** Options of `variance` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the number of elements in the divisor. Default 1, the unbiased estimate. */
  correction?: number;
}

/** Elements behind each result of a reduction of `x` over `dim`. */
function countOver(op: string, x: Tensor, dim: Dims | undefined): number {
  const axes = list(dim) ?? x.shape.map((_, axis) => axis);
  return axes.reduce((product, axis) => {
    const extent = x.shape[axis < 0 ? axis + x.rank : axis];
    if (extent === undefined) throw new OptionError(op, { given: `dim ${axis} of ${String(x)}`, expected: `${-x.rank}..${x.rank - 1}`, fix: 'name an axis that is there' });
    return product * extent;
  }, 1);
}

/**
 * Variance over `dim`, or of all elements: squared distances from the mean, added up and divided by their number less `correction`.
 *
 * @throws {ShapeError} if there is nothing to average; {OptionError} if no more elements than `correction`
 */
export function variance(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  checkTensor(x, 'variance');
  checkOptions('variance', options, ['keepDim', 'correction']);
  const { correction = 1, ...rest } = options;
  const count = countOver('variance', x, dim);
  if (count <= correction) throw new OptionError('variance', { given: `${count} elements and correction ${correction}`, expected: 'more elements than the correction', fix: 'set correction: 0' });
  const distance = sub(x, mean(x, dim, { keepDim: true }));
  const total = sum(square(distance), dim, rest);
  return wrap(binding.mulScalar(idOf(total, 'variance'), 1 / (count - correction)));
}

/** Standard deviation over `dim`, or of all elements: the root of `variance`. */
export const std = (x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor => sqrt(variance(x, dim, options));

/** `log(sum(exp(x)))` over `dim`, or of all elements, without overflow. */
export function logSumExp(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  checkTensor(x, 'logSumExp');
  return within('logSumExp', () => {
    const largest = max(x.detach(), dim, { keepDim: true });
    const shift = where(isFinite(largest), largest, 0);
    const total = log(sum(exp(sub(x, shift)), dim, options));
    return add(total, reshape(shift, total.shape));
  });
}

/**
 * The p-norm over `dim`, or of all elements; its gradient at zeros is 0.
 *
 * @param p  above 0, or Infinity for the largest absolute value. Default 2.
 * @throws {OptionError} if `p` is not above 0
 */
export function norm(x: Tensor, dim?: Dims, options: ReduceOptions & { p?: number } = {}): Tensor {
  checkTensor(x, 'norm');
  checkOptions('norm', options, ['keepDim', 'p']);
  const { p = 2, ...rest } = options;
  if (!(p > 0)) throw new OptionError('norm', { given: `p ${p}`, expected: 'a number above 0, or Infinity', fix: 'leave p out for the Euclidean norm' });
  if (p === Number.POSITIVE_INFINITY) return max(abs(x), dim, rest);
  const total = sum(p === 2 ? square(x) : pow(abs(x), p), dim, rest);
  const nothing = eq(total, 0); // where a root has no slope: 0 is the one in the middle of those around it
  const positive = maskedFill(total, nothing, 1);
  return maskedFill(p === 2 ? sqrt(positive) : pow(positive, 1 / p), nothing, 0);
}
