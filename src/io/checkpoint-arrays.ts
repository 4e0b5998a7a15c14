import type { StoredArray } from './safetensors';
import { storedSizes, type StoredDType } from './safetensors-header';

/** How the typed arrays of one kind lie in a file: as they are, or as the whole numbers whose bytes they have. */
interface Kind {
  readonly dtype: StoredDType;
  /** Makes one of what the file holds, which the reader has turned into i32 where it is of whole numbers. */
  readonly restore: (read: ArrayBufferView) => ArrayBufferView | number[];
}

const numbers = (read: ArrayBufferView): Iterable<number> => read as Int32Array;
const words = (read: ArrayBufferView): ArrayBuffer => read.buffer as ArrayBuffer;

/** The kind of a plain array of numbers, and how long it is at least: the text of a header is no place for many. */
const plainKind = 'Array';
const plainLength = 64;

const kinds: Readonly<Record<string, Kind>> = {
  Float64Array: { dtype: 'F64', restore: (read) => read },
  [plainKind]: { dtype: 'F64', restore: (read) => Array.from(numbers(read)) },
  Float32Array: { dtype: 'F32', restore: (read) => read },
  Int32Array: { dtype: 'I32', restore: (read) => read },
  Int16Array: { dtype: 'I16', restore: (read) => Int16Array.from(numbers(read)) },
  Int8Array: { dtype: 'I8', restore: (read) => Int8Array.from(numbers(read)) },
  Uint16Array: { dtype: 'U16', restore: (read) => Uint16Array.from(numbers(read)) },
  Uint8Array: { dtype: 'U8', restore: (read) => Uint8Array.from(numbers(read)) },
  Uint8ClampedArray: { dtype: 'U8', restore: (read) => Uint8ClampedArray.from(numbers(read)) },
  // The reader makes i32 of whole numbers, which these may not fit: their bytes do.
  Uint32Array: { dtype: 'I32', restore: (read) => new Uint32Array(words(read)) },
  BigInt64Array: { dtype: 'I32', restore: (read) => new BigInt64Array(words(read)) },
  BigUint64Array: { dtype: 'I32', restore: (read) => new BigUint64Array(words(read)) },
};

/**
 * A copy of a typed array, or of a long plain one of numbers, for a file, with the name of its class; undefined for
 * anything else.
 */
export function storedArray(value: unknown): { kind: string; array: StoredArray } | undefined {
  if (Array.isArray(value))
    return value.length >= plainLength && !value.includes(undefined) && value.every((x) => typeof x === 'number')
      ? stored(Float64Array.from(value as number[]), plainKind)
      : undefined;
  if (!ArrayBuffer.isView(value)) return undefined;
  // A Buffer is a Uint8Array, and comes back as one.
  return stored(value, value instanceof Uint8Array ? 'Uint8Array' : value.constructor.name);
}

function stored(array: ArrayBufferView, kind: string): { kind: string; array: StoredArray } | undefined {
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (known === undefined) return undefined;
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
  return { kind, array: { data, dtype: known.dtype, shape: [data.byteLength / storedSizes[known.dtype]] } };
}

/** The array of which a file holds these numbers; undefined if its class is not known. */
export const restoredArray = (kind: string, read: ArrayBufferView): ArrayBufferView | number[] | undefined =>
  Object.hasOwn(kinds, kind) ? kinds[kind]?.restore(read) : undefined;
