import { createHash, type Hash } from 'node:crypto';
import { Tensor } from '../tensor/tensor';
import { SequenceList } from './sequence-list';

/** Items that are looked at. */
const SAMPLES = 64;
/** Arrays and objects within an item that are looked into. */
const DEPTH = 8;

/**
 * A short text that two lists of items share only if they are the same, as far as a few items spread over them tell.
 * Tensors count by shape and dtype: their numbers may be on a device.
 *
 */
export function fingerprintOf(items: { readonly length: number; at(index: number): unknown }): string {
  const hash = createHash('sha256');
  const count = Math.min(SAMPLES, items.length);
  for (let sample = 0; sample < count; sample++) {
    const index = count === 1 ? 0 : Math.round((sample * (items.length - 1)) / (count - 1));
    addValue(hash, items.at(index), DEPTH);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The same of numbers, all of which count. */
export const fingerprintOfNumbers = (numbers: readonly number[]): string =>
  createHash('sha256').update(Float64Array.from(numbers)).digest('hex').slice(0, 16);

function addValue(hash: Hash, value: unknown, depth: number): void {
  if (ArrayBuffer.isView(value)) {
    hash.update(`${value.constructor.name}:${value.byteLength}:`);
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (value instanceof Tensor) {
    hash.update(`${value.dtype}[${value.shape.join()}]`);
  } else if (value instanceof SequenceList) {
    addValue(hash, value.sequences, depth);
  } else if (typeof value === 'object' && value !== null) {
    addParts(hash, value, depth);
  } else {
    hash.update(typeof value === 'function' ? 'function;' : `${typeof value}:${String(value)};`);
  }
}

function addParts(hash: Hash, value: object, depth: number): void {
  const entries = Object.entries(value);
  hash.update(`${Array.isArray(value) ? '[' : '{'}${entries.length}:`);
  if (depth === 0) return;
  for (const [name, part] of entries) {
    if (!Array.isArray(value)) hash.update(`${name}=`);
    addValue(hash, part, depth - 1);
  }
}
