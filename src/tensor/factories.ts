import { binding } from '../native/load';
import { defaultDevice } from './device';
import { markOf, remedy } from './copies';
import { OptionError } from './errors';
import { checkDType, readHostValues, toElements, type HostArray, type SourceArray } from './host-array';
import { within } from './op-name';
import { checkOptions, describe, nonNegativeInteger } from './options';
import { checkTensor, wrap, type DType, type NestedArray, type Tensor } from './tensor';

export type { HostArray, SourceArray } from './host-array';
export type { NestedArray } from './tensor';

/** Options of the factories. */
export interface TensorOptions {
  /** Element type. Default: that of a typed array; `f32` for numbers, whole ones too, `bool` for booleans. */
  dtype?: DType;
  /** Whether `backward` leaves a gradient here. Default false. */
  requiresGrad?: boolean;
  /** Where the tensor lives. Default: `setDefaultDevice`'s. */
  device?: string;
}

/** Names of the TensorOptions. */
export const OPTION_NAMES = ['dtype', 'requiresGrad', 'device'];

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
  refuseShape(options);
  checkOptions('tensor', options, OPTION_NAMES);
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
  const dtype = options.dtype === undefined ? host.dtype : checkDType('tensor', options.dtype);
  return within('tensor', () =>
    finish(
      binding.fromArray(toElements('tensor', host.data, dtype), host.shape, options.device ?? defaultDevice()),
      options,
    ),
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

/** The tensor of an id that a native call has just returned, as the options ask for it. */
export const finish = (id: number, { requiresGrad }: TensorOptions): Tensor => {
  const result = wrap(id);
  return requiresGrad === true ? result.requiresGrad_(true) : result;
};

/**
 * A tensor of `shape` with every element `value`.
 *
 * @throws {DTypeError} if `dtype` does not hold it: a fraction or more than 32 bits in i32, another number than 0 and 1
 * in bool
 */
export function full(shape: readonly number[], value: number, options: TensorOptions = {}): Tensor {
  checkOptions('full', options, OPTION_NAMES);
  return within('full', () =>
    finish(binding.full(shape, value, options.dtype ?? 'f32', options.device ?? defaultDevice()), options),
  );
}

/** A tensor of zeros. */
export const zeros = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  within('zeros', () => full(shape, 0, options));

/** A tensor of ones. */
export const ones = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  within('ones', () => full(shape, 1, options));

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
 * The numbers `start`, `start + step`, … below `end`, as one axis: element i is start + i · step, computed in f64.
 *
 * @throws {OptionError} if `step` is 0 or leads away from `end`
 * @throws {ShapeError} if there are more than 2^40 of them
 * @throws {DTypeError} if they do not fit `dtype`: fractions or more than 32 bits in i32, others than 0 and 1 in bool
 */
export function arange(start: number, end: number, step = 1, options: TensorOptions = {}): Tensor {
  checkOptions('arange', options, OPTION_NAMES);
  const { dtype = 'f32', device = defaultDevice() } = options;
  return finish(binding.arange(start, end, step, dtype, device), options);
}

/**
 * The identity matrix [n, n].
 *
 * @throws {OptionError} if `n` is no whole number of 0 or more; {ShapeError} if n² is more than 2^40
 */
export function eye(n: number, options: TensorOptions = {}): Tensor {
  checkOptions('eye', options, OPTION_NAMES);
  const { dtype = 'f32', device = defaultDevice() } = options;
  return finish(binding.eye(nonNegativeInteger('eye', 'n', n), dtype, device), options);
}
