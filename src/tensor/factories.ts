import { binding } from '../native/load';
import { defaultDevice } from './device';
import { DTypeError, OptionError, ShapeError } from './errors';
import { within } from './op-name';
import { checkOptions, describe, nonNegativeInteger } from './options';
import { checkTensor, wrap, type DType, type NestedArray, type Tensor, type TypedArray } from './tensor';

export type { NestedArray } from './tensor';

/** What lies on the host before it becomes a tensor: elements in row-major order, and their shape. */
export interface HostArray {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

/** Options of the factories. */
export interface TensorOptions {
  /** Element type. Default: that of a typed array; `f32` for numbers, `bool` for booleans. */
  dtype?: DType;
  /** Whether `backward` leaves a gradient here. Default false. */
  requiresGrad?: boolean;
  /** Where the tensor lives. Default: `setDefaultDevice`'s. */
  device?: string;
}

const OPTION_NAMES = ['dtype', 'requiresGrad', 'device'];

/** Everything that `tensor` makes a tensor of. */
export type TensorSource = HostArray | TypedArray | NestedArray;

/**
 * A tensor holding a copy of `source`, taken before the call returns.
 *
 * @param source  a number, nested arrays of one shape, a typed array (one axis), or `{ data, shape }`
 * @throws {ShapeError} if nested arrays are ragged, or `data` does not have as many elements as `shape` says
 * @throws {DTypeError} if a value does not fit `dtype`: a fraction or more than 32 bits in i32, another number than 0 and 1 in bool
 */
export function tensor(source: TensorSource, options: TensorOptions = {}): Tensor {
  checkOptions('tensor', options, OPTION_NAMES);
  const { values, shape, dtype } = hostValues(source);
  const array = toDType(values, options.dtype ?? dtype);
  return within('tensor', () => finish(binding.fromArray(array, shape, options.device ?? defaultDevice()), options));
}

const finish = (id: number, { requiresGrad }: TensorOptions): Tensor => {
  const result = wrap(id);
  return requiresGrad === true ? result.requiresGrad_(true) : result;
};

interface HostValues {
  values: TypedArray | readonly number[];
  shape: readonly number[];
  dtype: DType;
}

function hostValues(source: TensorSource): HostValues {
  if (isTypedArray(source)) return { values: source, shape: [source.length], dtype: dtypeOf(source) };
  if (isHostArray(source)) return { values: source.data, shape: source.shape, dtype: dtypeOf(source.data) };
  const shape: number[] = [];
  for (let level: NestedArray | undefined = source; isList(level); level = level[0]) shape.push(level.length);
  const values: number[] = [];
  let booleans = 0;
  const copy = (value: NestedArray, depth: number): void => {
    if (isList(value) && value.length === shape[depth]) {
      for (const part of value) copy(part, depth + 1);
    } else if ((typeof value === 'number' || typeof value === 'boolean') && depth === shape.length) {
      if (typeof value === 'boolean') booleans++;
      values.push(Number(value));
    } else {
      throw new ShapeError('tensor', { given: `${describe(value)} at depth ${depth}`, expected: `nested arrays of numbers of shape ${describe(shape)}`, fix: 'make all rows equally long, or pad() sequences of different lengths' });
    }
  };
  copy(source, 0);
  return { values, shape, dtype: booleans > 0 && booleans === values.length ? 'bool' : 'f32' };
}

const isList = (value: unknown): value is readonly NestedArray[] => Array.isArray(value);
const isTypedArray = (value: unknown): value is TypedArray => value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;

function isHostArray(value: unknown): value is HostArray {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('data' in value && 'shape' in value)) return false;
  if (isTypedArray(value.data) && Array.isArray(value.shape)) return true;
  throw new OptionError('tensor', { given: `{ data: ${describe(value.data)}, shape: ${describe(value.shape)} }`, expected: '{ data: typed array, shape: array of extents }', fix: 'use Float32Array, Float64Array, Int32Array or Uint8Array' });
}

const dtypeOf = (array: TypedArray): DType => (array instanceof Float32Array ? 'f32' : array instanceof Float64Array ? 'f64' : array instanceof Int32Array ? 'i32' : 'bool');

function toDType(values: TypedArray | readonly number[], dtype: DType): TypedArray {
  switch (dtype) {
    case 'f32':
      return values instanceof Float32Array ? values : Float32Array.from(values);
    case 'f64':
      return values instanceof Float64Array ? values : Float64Array.from(values);
    case 'i32':
      return values instanceof Int32Array ? values : Int32Array.from(checked(values, dtype, (value) => (value | 0) === value));
    case 'bool':
      return Uint8Array.from(checked(values, dtype, (value) => value === 0 || value === 1));
    default:
      throw new DTypeError('tensor', { given: `dtype ${describe(dtype)}`, expected: "'f32', 'f64', 'i32' or 'bool'", fix: 'choose one of them' });
  }
}

function checked(values: TypedArray | readonly number[], dtype: DType, fits: (value: number) => boolean): TypedArray | readonly number[] {
  for (const value of values) {
    if (!fits(value)) {
      const expected = dtype === 'i32' ? 'whole numbers of 32 bits for dtype i32' : '0, 1, false or true for dtype bool';
      throw new DTypeError('tensor', { given: `the value ${value}`, expected, fix: 'correct the value, or choose another dtype' });
    }
  }
  return values;
}

/** A tensor of `shape` with every element `value`. */
export function full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
  checkOptions('full', options, OPTION_NAMES);
  return within('full', () => finish(binding.full(shape, value, options.dtype ?? 'f32', options.device ?? defaultDevice()), options));
}

/** A tensor of zeros. */
export const zeros = (shape: readonly number[], options: TensorOptions = {}): Tensor => within('zeros', () => full(shape, 0, options));

/** A tensor of ones. */
export const ones = (shape: readonly number[], options: TensorOptions = {}): Tensor => within('ones', () => full(shape, 1, options));

/** Zeros of the shape, dtype and device of `x`. */
export const zerosLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('zerosLike', x, 0, options);

/** Ones of the shape, dtype and device of `x`. */
export const onesLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('onesLike', x, 1, options);

function like(op: string, x: Tensor, value: number, options: TensorOptions): Tensor {
  checkTensor(x, op);
  checkOptions(op, options, OPTION_NAMES);
  return within(op, () => full(x.shape, value, { dtype: x.dtype, device: x.device, ...options }));
}

/**
 * The numbers `start`, `start + step`, … below `end`, as one axis.
 *
 * @throws {OptionError} if `step` is 0 or leads away from `end`
 */
export function arange(start: number, end: number, step = 1, options: TensorOptions = {}): Tensor {
  const count = Math.ceil((end - start) / step);
  if (!Number.isFinite(count) || step === 0 || count < 0) {
    throw new OptionError('arange', { given: `start ${start}, end ${end}, step ${step}`, expected: 'finite numbers and a step that leads from start to end', fix: 'correct the sign of step' });
  }
  return within('arange', () => tensor(Array.from({ length: count }, (_, index) => start + index * step), options));
}

/** The identity matrix [n, n]. */
export function eye(n: number, options: TensorOptions = {}): Tensor {
  const extent = nonNegativeInteger('eye', 'n', n);
  const data = new Float32Array(extent * extent);
  for (let index = 0; index < n; index++) data[index * (n + 1)] = 1;
  return within('eye', () => tensor({ data, shape: [n, n] }, options));
}
