import type { DType, TypedArray } from '../tensor/tensor';
import { formatError, quoted, type Source, type StoredDType, type StoredTensor } from './safetensors-header';

/** A tensor's data as the host holds it once it is read: converted to a type that tensors have. */
export interface DecodedData {
  data: TypedArray;
  dtype: DType;
}

/** How a tensor's type is written. */
export const storedDType: Record<DType, StoredDType> = { f32: 'F32', f64: 'F64', i32: 'I32', bool: 'BOOL', i8: 'I8' };

/**
 * Turns a tensor's bytes into numbers: F16 and BF16 become f32, every whole number i32, but for I8.
 *
 * @param bytes  the tensor's data, in a buffer of its own (aligned to eight bytes)
 * @throws {FormatError} if a whole number is outside i32, or a BOOL neither 0 nor 1
 */
export function decode(source: Source, stored: StoredTensor, bytes: ArrayBuffer): DecodedData {
  switch (stored.dtype) {
    case 'F64':
      return { dtype: 'f64', data: new Float64Array(bytes) };
    case 'F32':
      return { dtype: 'f32', data: new Float32Array(bytes) };
    case 'F16':
      return { dtype: 'f32', data: widenHalf(new Uint16Array(bytes)) };
    case 'BF16':
      return { dtype: 'f32', data: widenBfloat(new Uint16Array(bytes)) };
    case 'I32':
      return { dtype: 'i32', data: new Int32Array(bytes) };
    case 'I16':
      return { dtype: 'i32', data: Int32Array.from(new Int16Array(bytes)) };
    case 'I8':
      return { dtype: 'i8', data: new Int8Array(bytes) };
    case 'U16':
      return { dtype: 'i32', data: Int32Array.from(new Uint16Array(bytes)) };
    case 'U8':
      return { dtype: 'i32', data: Int32Array.from(new Uint8Array(bytes)) };
    case 'U32':
      return { dtype: 'i32', data: narrow(source, stored, new Uint32Array(bytes)) };
    case 'I64':
      return { dtype: 'i32', data: narrow(source, stored, new BigInt64Array(bytes)) };
    case 'U64':
      return { dtype: 'i32', data: narrow(source, stored, new BigUint64Array(bytes)) };
    case 'BOOL':
      return { dtype: 'bool', data: checkBooleans(source, stored, new Uint8Array(bytes)) };
  }
}

/** IEEE half precision to single: 1 sign, 5 exponent, 10 fraction bits. Exact. */
function widenHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = (half & 0x8000) === 0 ? 1 : -1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** bfloat16 is the upper half of a single. */
function widenBfloat(uppers: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(uppers, (upper) => upper << 16).buffer);
}

function narrow(
  source: Source,
  stored: StoredTensor,
  values: Uint32Array | BigInt64Array | BigUint64Array,
): Int32Array {
  const narrowed = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value < -2_147_483_648 || value > 2_147_483_647) {
      throw formatError(
        source,
        `tensor ${quoted(stored.name)} of dtype ${stored.dtype} with the value ${String(values[i])} at ${i}`,
        'whole numbers from -2147483648 to 2147483647',
        'store the tensor as F64, which holds whole numbers up to 2 ** 53',
      );
    }
    narrowed[i] = value;
  }
  return narrowed;
}

function checkBooleans(source: Source, stored: StoredTensor, bytes: Uint8Array): Uint8Array {
  const odd = bytes.findIndex((byte) => byte > 1);
  if (odd >= 0)
    throw formatError(
      source,
      `tensor ${quoted(stored.name)} of dtype BOOL with the byte ${bytes[odd]} at ${odd}`,
      '0 or 1',
    );
  return bytes;
}
