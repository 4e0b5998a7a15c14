import { binding } from '../../native/load';
import { asGiven, readOptions, withDefault } from '../read-options';
import { idOf, wrap, type Tensor } from '../tensor';

/** Options of `embedding`. */
export interface EmbeddingFunctionOptions {
  /** A row whose gradient stays 0. */
  paddingIdx?: number | undefined;
}

/**
 * Rows of `weight` by index. The gradient adds rows up in the order of the indices, the same on every run.
 *
 * Shapes: indices […] of i32, or of f32 or f64 that hold whole numbers; weight [V, E] → […, E].
 *
 * @throws {OptionError} if an index is out of range, at the call where it came from the host, else {NativeError} at the
 * next read
 */
export function embedding(indices: Tensor, weight: Tensor, options: EmbeddingFunctionOptions = {}): Tensor {
  const { paddingIdx } = readOptions('embedding', options, { paddingIdx: asGiven });
  return wrap(
    binding.embedding(idOf(indices, 'embedding', 'indices'), idOf(weight, 'embedding', 'weight'), paddingIdx),
  );
}

/** Places of `x` along `dim` in the order of `indices` (i32 [n]). @throws {OptionError} if one is out of range */
export const indexSelect = (x: Tensor, dim: number, indices: Tensor): Tensor =>
  wrap(binding.indexSelect(idOf(x, 'indexSelect'), dim, idOf(indices, 'indexSelect', 'indices')));

/**
 * One place of `x` along `dim` for each element of `index` (i32), which has the shape of `x` except along `dim`.
 *
 * @throws {ShapeError} if it has another; {DTypeError} if `index` is not i32; {OptionError} if a place is out of range,
 * at the call where it came from the host, else {NativeError} at the next read
 */
export const gather = (x: Tensor, dim: number, index: Tensor): Tensor =>
  wrap(binding.gather(idOf(x, 'gather'), dim, idOf(index, 'gather', 'index')));

/**
 * `x` with each element of `source` added at its place `index` (i32, of the shape of `source`) along `dim`.
 *
 * @throws {ShapeError} if the shapes do not fit; {DTypeError} if `index` is not i32; {OptionError} if a place is out of
 * range, at the call where it came from the host, else {NativeError} at the next read
 */
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
  /** The elements, in the dtype of the input. */
  values: Tensor;
  /** Where each of them stood along the axis, i32. */
  indices: Tensor;
}

/** Options of `topK`. */
export interface TopKOptions {
  /** Whether to take the largest elements; the smallest if false. Default true. */
  largest?: boolean;
}

/** The `k` largest (or smallest) elements along `dim`, in order. @throws {OptionError} if there are fewer */
export function topK(x: Tensor, k: number, dim = -1, options: TopKOptions = {}): Sorted {
  const { largest } = readOptions('topK', options, { largest: withDefault(asGiven<boolean>, true) });
  const [values, indices] = binding.topK(idOf(x, 'topK'), k, dim, largest);
  return { values: wrap(values), indices: wrap(indices) };
}

/** Options of `sort`. */
export interface SortOptions {
  /** Whether the largest comes first. Default false. */
  descending?: boolean;
}

/** Elements in order along `dim`; equal ones keep theirs. @throws {OptionError} if there is no such axis */
export function sort(x: Tensor, dim = -1, options: SortOptions = {}): Sorted {
  const { descending } = readOptions('sort', options, { descending: withDefault(asGiven<boolean>, false) });
  const [values, indices] = binding.sort(idOf(x, 'sort'), dim, descending);
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
  const { stride, dilation } = readOptions('unfold', options, {
    stride: withDefault(asGiven<number>, 1),
    dilation: withDefault(asGiven<number>, 1),
  });
  return wrap(binding.unfold(idOf(x, 'unfold'), dim, size, stride, dilation));
}
