// Numbers on the host: what they are, and how they become elements of a dtype. Arrays are told apart by what they are
// and not by `instanceof`, which knows only the classes of one realm: a test runner, a vm context and an iframe have
// Float32Arrays of their own.
import { markOf, remedy } from './package-copies';
import type { DType, NestedArray, TypedArray } from './element-types';
import { DTypeError, NativeError, OptionError, ShapeError } from './errors';
import { describe } from './options';

/**
 * Typed arrays that become tensors. Float32Array, Float64Array, Int32Array, Uint8Array (bool: 0 or 1) and Int8Array
 * (i8) are what a tensor gives back; Int8Array, unless i8 is asked for, Int16Array, Uint8ClampedArray, Uint16Array,
 * Uint32Array and the bigint arrays make i32, where their numbers must fit; a Float16Array, where there is one, makes
 * f32.
 */
export type SourceArray =
  TypedArray | Int8Array | Int16Array | Uint8ClampedArray | Uint16Array | Uint32Array | BigInt64Array | BigUint64Array;

/** What lies on the host before it becomes a tensor: elements in row-major order, and their shape. */
export interface HostArray<Data extends SourceArray = TypedArray> {
  /** The elements, the last axis running fastest. */
  readonly data: Data;
  /** Extents, outermost axis first; their product is the number of elements. */
  readonly shape: readonly number[];
}

/** Of what a value is a part, for a message: ' in input of item 3'. */
export type Where = () => string;

const nowhere: Where = () => '';

/** Numbers as they were given: those of a typed array, or of nested arrays in one list. */
export interface HostValues {
  readonly data: ArrayLike<number | bigint>;
  readonly shape: readonly number[];
  /** What they become unless something else is asked for: never chosen by the values. */
  readonly dtype: DType;
}

/** An accessor that reads the name of its class from the typed array itself, whatever the realm of that class. */
const classSlot = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

/** The class of a typed array. Undefined for anything else, also for a DataView. */
const classOf = (value: unknown): unknown => classSlot?.get?.call(value);

/** What each kind of typed array becomes. */
const dtypes: Readonly<Record<string, DType>> = {
  Float32Array: 'f32',
  Float64Array: 'f64',
  Int32Array: 'i32',
  Uint8Array: 'bool',
  Float16Array: 'f32',
  Int8Array: 'i32',
  Int16Array: 'i32',
  Uint8ClampedArray: 'i32',
  Uint16Array: 'i32',
  Uint32Array: 'i32',
  BigInt64Array: 'i32',
  BigUint64Array: 'i32',
};

/** The kind that the addon takes for each dtype, and gives. */
export const kinds = { f32: Float32Array, f64: Float64Array, i32: Int32Array, bool: Uint8Array, i8: Int8Array };

/** The dtype of a typed array's elements; undefined for what is none. */
function dtypeOfArray(value: unknown): DType | undefined {
  const name = classOf(value);
  return typeof name === 'string' ? dtypes[name] : undefined;
}

/** Whether `value` is the kind of typed array that the addon takes for `dtype`, and gives. */
export const isOfKind = (value: unknown, dtype: DType): value is TypedArray => classOf(value) === kinds[dtype].name;

/** Whether `value` is a typed array that tensors are made of. */
export const isSourceArray = (value: unknown): value is SourceArray => dtypeOfArray(value) !== undefined;

/** Whether `value` is a number, or a boolean, which counts as one. */
export const isScalar = (value: unknown): value is number | boolean =>
  typeof value === 'number' || typeof value === 'boolean';

/** Whether `value` is what `readHostValues` reads, but for what is in its arrays. */
export const isHostData = (value: unknown): boolean =>
  isScalar(value) ||
  isSourceArray(value) ||
  Array.isArray(value) ||
  (isHostArray(value) && isSourceArray(value.data) && Array.isArray(value.shape));

/**
 * Whether `value` has the form of a HostArray; its parts may still be wrong. A tensor, with its method data, is none.
 */
export const isHostArray = (value: unknown): value is { data: unknown; shape: unknown } =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  'data' in value &&
  'shape' in value &&
  markOf(value) === undefined;

/** How many elements a tensor of a shape has. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/**
 * As many axes as a tensor may have. Deeper arrays are refused before they are read: one that holds itself has no end.
 */
const MOST_AXES = 6;

/**
 * Reads numbers on the host.
 *
 * @param op     the caller, for the message
 * @param value  a number or boolean, nested arrays, a typed array (one axis), or `{ data, shape }`; undefined comes
 *               back for anything else
 * @param where  of what the value is a part, for the message: ' in input of item 3'
 * @throws {ShapeError} if nested arrays are ragged or too deep; {DTypeError} if they hold something else than numbers;
 *                      {OptionError} if `data` or `shape` is not what a HostArray has
 */
export function readHostValues(op: string, value: unknown, where: Where = nowhere): HostValues | undefined {
  if (isScalar(value) || Array.isArray(value)) return readNested(op, value, where);
  const dtype = dtypeOfArray(value);
  if (isSourceArray(value) && dtype !== undefined) {
    const data = unshared(value);
    return { data, shape: [data.length], dtype };
  }
  if (ArrayBuffer.isView(value)) throw notNumbers(op, `${describe(value)}${where()}`);
  if (!isHostArray(value)) return undefined;
  const { data, shape } = value;
  const own = dtypeOfArray(data);
  if (!isSourceArray(data) || own === undefined || !Array.isArray(shape))
    throw notNumbers(op, `{ data: ${describe(data)}, shape: ${describe(shape)} }${where()}`);
  // A copy, made before the data is looked at: an extent may be a getter, and a buffer may shrink.
  const extents: readonly number[] = [...(shape as readonly number[])];
  const size = sizeOf(extents);
  if (size !== data.length) {
    throw new ShapeError(op, {
      given: `${data.length} values${where()}`,
      expected: `${size} for shape ${describe(extents)}`,
      fix: 'correct the shape or the data',
    });
  }
  return { data: unshared(data), shape: extents, dtype: own };
}

/**
 * Reads the numbers of one item of a batch. Those of plain arrays make f32, booleans too: what an item becomes must not
 * depend on whether others hold numbers.
 *
 * @returns undefined for what is no number on the host
 * @throws as `readHostValues`
 */
export function readItem(op: string, item: unknown, where: Where = nowhere): HostValues | undefined {
  const host = readHostValues(op, item, where);
  return host !== undefined && Array.isArray(item) ? { ...host, dtype: 'f32' } : host;
}

/** Where another thread may write meanwhile, a copy: what is checked has to be what is taken. */
function unshared(data: SourceArray): SourceArray {
  return Object.prototype.toString.call(data.buffer) === '[object SharedArrayBuffer]' ? data.slice() : data;
}

const notNumbers = (op: string, given: string): OptionError =>
  new OptionError(op, {
    given,
    expected: 'a typed array of numbers, or { data: typed array, shape: array of extents }',
    fix: 'read the bytes as what they are, as in new Float32Array(view.buffer)',
  });

/** What stands among numbers and is none. */
function noNumber(op: string, value: unknown, place: string): DTypeError {
  const isText = typeof value === 'string' || typeof value === 'bigint';
  return new DTypeError(op, {
    given: `${describe(value)}${place}, which is no number`,
    expected: 'nested arrays of numbers',
    fix: isText ? 'make a number of it: Number(x)' : remedy(value, 'put a number in its place, or leave it out'),
  });
}

/** All numbers of nested arrays in one list, and their shape. */
function readNested(op: string, source: NestedArray, where: Where): HostValues {
  const shape: number[] = [];
  for (let level: unknown = source; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > MOST_AXES) {
      throw new ShapeError(op, {
        given: `arrays nested more than ${MOST_AXES} deep${where()}`,
        expected: `at most ${MOST_AXES} axes`,
        fix: 'flatten axes that belong together; an array must not hold itself',
      });
    }
  }
  const data: number[] = [];
  let booleans = 0;
  const copy = (value: unknown, depth: number): void => {
    if (Array.isArray(value) && value.length === shape[depth]) {
      for (const part of value) copy(part, depth + 1);
    } else if (isScalar(value) && depth === shape.length) {
      if (typeof value === 'boolean') booleans++;
      data.push(Number(value));
    } else if (!Array.isArray(value) && !isSourceArray(value) && !isScalar(value)) {
      throw noNumber(op, value, ` at depth ${depth}${where()}`);
    } else {
      throw new ShapeError(op, {
        given: `${describe(value)} at depth ${depth}${where()}`,
        expected: `nested arrays of numbers of shape ${describe(shape)}`,
        fix: isSourceArray(value)
          ? 'put the numbers of all arrays into one typed array, { data, shape }, or into plain ones: Array.from(x)'
          : 'give all parts one shape, or pad() sequences of different lengths',
      });
    }
  };
  copy(source, 0);
  return { data, shape, dtype: booleans > 0 && booleans === data.length ? 'bool' : 'f32' };
}

/**
 * Refuses a name that is no element type.
 *
 * @throws {DTypeError} if it is none
 */
export function checkDType(op: string, value: unknown): DType {
  const found = (['f32', 'f64', 'i32', 'bool', 'i8'] as const).find((dtype) => dtype === value);
  if (found !== undefined) return found;
  throw new DTypeError(op, {
    given: `dtype ${describe(value)}`,
    expected: "'f32', 'f64', 'i32' or 'bool', or 'i8' to keep",
    fix: 'choose one of them',
  });
}

/**
 * The numbers as elements of a dtype, rounded once. Itself if they are that already.
 *
 * @param where  of which the numbers are, for the message: ' as target of item 3'
 * @throws {DTypeError} if a number does not fit: a fraction or more than 32 bits in i32, another number than 0 and 1
 *                      in bool
 */
export function toElements(op: string, data: HostValues['data'], dtype: DType, where: Where = nowhere): TypedArray {
  if (isOfKind(data, dtype)) return dtype === 'bool' ? checked(op, data, dtype, where) : data;
  const target = zeroElements(dtype, data.length);
  writeElements(op, target, 0, data, dtype, where);
  return target;
}

/** Zeros that hold `length` elements of a dtype. @throws {NativeError} if there is no memory for them */
export function zeroElements(dtype: DType, length: number): TypedArray {
  try {
    return new kinds[dtype](length);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const parts = {
      given: `an array on the host that cannot be made (${error.message})`,
      expected: 'memory for it',
      fix: 'use a smaller batch, or give the process more memory',
    };
    throw new NativeError('tensor', parts, 'ERR_STM_OUT_OF_MEMORY');
  }
}

/** Writes numbers into elements of a dtype from place `at` on, rounded once. @throws {DTypeError} as `toElements` */
export function writeElements(
  op: string,
  target: TypedArray,
  at: number,
  data: HostValues['data'],
  dtype: DType,
  where: Where = nowhere,
): void {
  const numbers =
    typeof data[0] === 'bigint'
      ? Array.from(data, (value) => exactNumber(op, value, where))
      : (data as ArrayLike<number>);
  target.set(
    dtype === 'f32' || dtype === 'f64' || (isOfKind(data, 'i32') && dtype === 'i32')
      ? numbers
      : checked(op, numbers, dtype, where),
    at,
  );
}

/** A bigint as the number that it is. */
function exactNumber(op: string, value: number | bigint, where: Where): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new DTypeError(op, {
    given: `the value ${value}n${where()}`,
    expected: 'whole numbers of 53 bits',
    fix: 'keep such numbers out of tensors, or scale them down',
  });
}

/** What the types of whole numbers hold, and how it is said. */
const limits: Record<'i32' | 'i8' | 'bool', [fits: (value: number) => boolean, expected: string]> = {
  i32: [(value) => (value | 0) === value, 'whole numbers of 32 bits for dtype i32'],
  i8: [(value) => (value << 24) >> 24 === value, 'whole numbers of 8 bits for dtype i8'],
  bool: [(value) => value === 0 || value === 1, '0, 1, false or true for dtype bool'],
};

function checked<Numbers extends ArrayLike<number>>(op: string, values: Numbers, dtype: DType, where: Where): Numbers {
  const [fits, expected] = limits[dtype === 'bool' || dtype === 'i8' ? dtype : 'i32'];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (fits(value)) continue;
    throw new DTypeError(op, {
      given: `the value ${value}${where()}`,
      expected,
      fix: "correct the value, or choose another dtype, as in dtype: 'f32'",
    });
  }
  return values;
}

/**
 * The numbers of several items behind each other as elements of one dtype, from place `index * stride` on each; zeros
 * between them.
 *
 * @param named  what an item is to the caller, for the message: 'target of item 3'
 * @throws {DTypeError} as `toElements`
 */
export function joinElements(
  op: string,
  named: (index: number) => string,
  items: readonly HostValues[],
  dtype: DType,
  stride: number,
): TypedArray {
  const target = zeroElements(dtype, items.length * stride);
  items.forEach(({ data }, index) =>
    writeElements(op, target, index * stride, data, dtype, () => ` as ${named(index)}`),
  );
  return target;
}
