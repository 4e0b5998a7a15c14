import { binding } from '../../native/load';
import { checkOptions } from '../options';
import { idOf, wrap, type Tensor } from '../tensor';

/** Options of `embedding`. */
export interface EmbeddingLookupOptions {
  /** A row whose gradient stays 0. */
  paddingIdx?: number;
}

/**
 * Rows of `weight` by index. The gradient adds rows up in the order of the indices, the same on every run.
 *
 * Shapes: indices […] of i32, or of f32 or f64 that hold whole numbers; weight [V, E] → […, E].
 *
 * @throws {OptionError} if an index is out of range, at the call where it came from the host, else {NativeError} at the
 * next read
 */
export function embedding(indices: Tensor, weight: Tensor, options: EmbeddingLookupOptions = {}): Tensor {
  checkOptions('embedding', options, ['paddingIdx']);
  return wrap(
    binding.embedding(idOf(indices, 'embedding', 'indices'), idOf(weight, 'embedding', 'weight'), options.paddingIdx),
  );
}

/** Places of `x` along `dim` in the order of `indices` (i32 [n]). @throws {OptionError} if one is out of range */
export const indexSelect = (x: Tensor, dim: number, indices: Tensor): Tensor =>
  wrap(binding.indexSelect(idOf(x, 'indexSelect'), dim, idOf(indices, 'indexSelect', 'indices')));

/** One place of `x` along `dim` for each element of `index` (i32), which has the shape of `x` except along `dim`. */
export const gather = (x: Tensor, dim: number, index: Tensor): Tensor =>
  wrap(binding.gather(idOf(x, 'gather'), dim, idOf(index, 'gather', 'index')));

/** `x` with each element of `source` added at its place `index` (i32, of the shape of `source`) along `dim`. */
export const scatterAdd = (x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor =>
  wrap(
    binding.scatterAdd(
      idOf(x, 'scatterAdd'),
      dim,
      idOf(index, 'scatterAdd', 'index'),
      idOf(source, 'scatterAdd', 'source'),
    ),
  );

/**
 * 1 at the place of each index, 0 elsewhere (f32).
 *
 * Shapes: indices […] of i32, or of f32 or f64 that hold whole numbers → […, numClasses].
 *
 * @throws {OptionError} if an index is not in 0..numClasses-1, at the call where it came from the host, else
 * {NativeError} at the next read
 */
export const oneHot = (indices: Tensor, numClasses: number): Tensor =>
  wrap(binding.oneHot(idOf(indices, 'oneHot', 'indices'), numClasses));

/** Elements in order, and their places (i32) along the axis. */
export interface Sorted {
  values: Tensor;
  indices: Tensor;
}

/** The `k` largest (or smallest) elements along `dim`, in order. @throws {OptionError} if there are fewer */
export function topK(x: Tensor, k: number, dim = -1, options: { largest?: boolean } = {}): Sorted {
  checkOptions('topK', options, ['largest']);
  const [values, indices] = binding.topK(idOf(x, 'topK'), k, dim, options.largest ?? true);
  return { values: wrap(values), indices: wrap(indices) };
}

/** Elements in order along `dim`; equal ones keep theirs. */
export function sort(x: Tensor, dim = -1, options: { descending?: boolean } = {}): Sorted {
  checkOptions('sort', options, ['descending']);
  const [values, indices] = binding.sort(idOf(x, 'sort'), dim, options.descending ?? false);
  return { values: wrap(values), indices: wrap(indices) };
}

/** Options of `unfold`. */
export interface UnfoldOptions {
  /** Steps from one window to the next. Default 1. */
  stride?: number;
  /** Steps from one element of a window to the next. Default 1. */
  dilation?: number;
}

/**
 * Windows of `size` elements along `dim`, as a new last axis.
 *
 * @throws {OptionError} if a window does not fit
 */
export function unfold(x: Tensor, dim: number, size: number, options: UnfoldOptions = {}): Tensor {
  checkOptions('unfold', options, ['stride', 'dilation']);
  return wrap(binding.unfold(idOf(x, 'unfold'), dim, size, options.stride ?? 1, options.dilation ?? 1));
}
