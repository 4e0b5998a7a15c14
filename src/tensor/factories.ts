import type { TensorId } from '../native/binding.generated';
import { binding } from '../native/load';
import { defaultDevice } from './device';
import { markOf, remedy } from './package-copies';
import { OptionError } from './errors';
import { checkDType, readHostValues, toElements, type HostArray, type SourceArray } from './host-array';
import { within } from './op-name';
import { describe, nonNegativeInteger } from './options';
import { asGiven, readOptions, withDefault } from './read-options';
import { checkTensor, wrap, type DType, type NestedArray, type Tensor } from './tensor';

/** Options of the factories. */
export interface TensorOptions {
  /** Element type. Default: that of a typed array; `f32` for numbers, whole ones too, `bool` for booleans. */
  dtype?: DType;
  /** Whether `backward` leaves a gradient here. Default false. */
  requiresGrad?: boolean;
  /** Where the tensor lives. Default: `setDefaultDevice`'s. */
  device?: string;
}

/**
 * Makes a tensor as the options ask for it.
 *
 * @param make      a native call, mistakes in which are reported under the name of `op`
 * @param defaults  dtype and device where the options name none
 * @internal
 */
export function create(
  op: string,
  options: TensorOptions,
  make: (dtype: DType, device: string) => TensorId,
  defaults: { dtype: DType; device: string } = { dtype: 'f32', device: defaultDevice() },
): Tensor {
  const { dtype, requiresGrad, device } = readOptions(op, options, {
    dtype: withDefault(asGiven<DType>, defaults.dtype),
    requiresGrad: withDefault(asGiven<boolean>, false),
    device: withDefault(asGiven<string>, defaults.device),
  });
  return within(op, () => {
    const result = wrap(make(dtype, device));
    return requiresGrad === true ? result.requiresGrad_(true) : result;
  });
}

/** Everything that `tensor` makes a tensor of. */
export type TensorSource = HostArray<SourceArray> | SourceArray | NestedArray;

/**
 * A tensor holding a copy of `source`, taken before the call returns.
 *
 * @param source  a number, nested arrays of one shape, a typed array (one axis), or `{ data, shape }`
 * @throws {ShapeError} if nested arrays are ragged, or `data` does not have as many elements as `shape` says
 * @throws {DTypeError} if a value does not fit `dtype`: a fraction or more than 32 bits in i32, another number than 0
 * and 1 in bool
 */
export function tensor(source: TensorSource, options: TensorOptions = {}): Tensor {
  return tensorOfShape(source, options, (shape) => shape);
}

/**
 * As `tensor`, with other extents.
 *
 * @param extents  of the tensor, from the shape of the source, for as many elements
 * @throws as `tensor`, and what `extents` throws
 * @internal
 */
export function tensorOfShape(
  source: TensorSource,
  options: TensorOptions,
  extents: (shape: readonly number[]) => readonly number[],
): Tensor {
  refuseShape(options);
  const host = readHostValues('tensor', source);
  if (host === undefined) {
    throw new OptionError('tensor', {
      given: describe(source),
      expected: 'a number, nested arrays, a typed array, or { data: typed array, shape }',
      fix: remedy(
        source,
        markOf(source)?.own === true ? 'take it as it is; clone() copies a tensor' : 'pass the numbers themselves',
      ),
    });
  }
  const { data, dtype } = host;
  const shape = extents(host.shape);
  return create(
    'tensor',
    options,
    (type, device) => binding.fromArray(toElements('tensor', data, checkDType('tensor', type)), shape, device),
    { dtype, device: defaultDevice() },
  );
}

/** A shape goes with the numbers: it is no option. */
function refuseShape(options: unknown): void {
  const shape: unknown =
    typeof options === 'object' && options !== null && 'shape' in options ? options.shape : options;
  if (!Array.isArray(shape)) return;
  throw new OptionError('tensor', {
    given: `the shape ${describe(shape)} ${shape === options ? 'in place of options' : 'as an option'}`,
    expected: 'it beside the numbers',
    fix: `write tensor({ data, shape: ${describe(shape)} }), or tensor(data).reshape(${describe(shape)})`,
  });
}

/**
 * A tensor of `shape` with every element `value`.
 *
 * @throws {DTypeError} if `dtype` does not hold it: a fraction or more than 32 bits in i32, another number than 0 and 1
 * in bool
 */
export const full = (shape: readonly number[], value: number, options: TensorOptions = {}): Tensor =>
  filled('full', shape, value, options);

/** A tensor of `shape`, all zeros. @throws {OptionError} if an extent is no whole number of 0 or more */
export const zeros = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  filled('zeros', shape, 0, options);

/** A tensor of `shape`, all ones. @throws {OptionError} if an extent is no whole number of 0 or more */
export const ones = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  filled('ones', shape, 1, options);

/**
 * Zeros of the shape, and unless told otherwise of the dtype and device, of `x`.
 *
 * @throws {OptionError} if `x` is no tensor, or an option is unknown
 */
export const zerosLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('zerosLike', x, 0, options);

/**
 * Ones of the shape, and unless told otherwise of the dtype and device, of `x`.
 *
 * @throws {OptionError} if `x` is no tensor, or an option is unknown
 */
export const onesLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('onesLike', x, 1, options);

function like(op: string, x: Tensor, value: number, options: TensorOptions): Tensor {
  checkTensor(x, op);
  return filled(op, x.shape, value, options, x);
}

const filled = (
  op: string,
  shape: readonly number[],
  value: number,
  options: TensorOptions,
  defaults?: { dtype: DType; device: string },
): Tensor => create(op, options, (dtype, device) => binding.full(shape, value, dtype, device), defaults);

/**
 * The numbers `start`, `start + step`, … below `end`, as one axis: element i is start + i · step, computed in f64.
 *
 * @throws {OptionError} if `step` is 0 or leads away from `end`
 * @throws {ShapeError} if there are more than 2^40 of them
 * @throws {DTypeError} if they do not fit `dtype`: fractions or more than 32 bits in i32, others than 0 and 1 in bool
 */
export const arange = (start: number, end: number, step = 1, options: TensorOptions = {}): Tensor =>
  create('arange', options, (dtype, device) => binding.arange(start, end, step, dtype, device));

/**
 * The identity matrix [n, n].
 *
 * @throws {OptionError} if `n` is no whole number of 0 or more; {ShapeError} if n² is more than 2^40
 */
export const eye = (n: number, options: TensorOptions = {}): Tensor =>
  create('eye', options, (dtype, device) => binding.eye(nonNegativeInteger('eye', 'n', n), dtype, device));
