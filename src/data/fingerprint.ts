import { createHash, type Hash } from 'node:crypto';
import { Tensor } from '../tensor/tensor';
import { SequenceList } from './sequence-list';

/** Items that are looked at where nobody says how many. */
const SAMPLES = 64;
/** Values of an item that are looked at, those within arrays and objects among them. */
const VALUES = 4096;
/** Bytes of a typed array that are looked at on either side. */
const BYTES = 2 ** 15;

/**
 * A short text that two lists of items share only if they are the same, as far as a few items spread over them tell,
 * of large ones their first values. Tensors count by shape and dtype: their numbers may be on a device.
 *
 * @param samples  how many items are looked at, at most. Default 64; Infinity for all
 */
export function fingerprintOf(
  items: { readonly length: number; at(index: number): unknown },
  samples: number = SAMPLES,
): string {
  const hash = createHash('sha256');
  const count = Math.min(samples, items.length);
  for (let sample = 0; sample < count; sample++) {
    const index = count === 1 ? 0 : Math.round((sample * (items.length - 1)) / (count - 1));
    addItem(hash, items.at(index));
  }
  return hash.digest('hex').slice(0, 16);
}

/** The same of numbers, all of which count. */
export const fingerprintOfNumbers = (numbers: readonly number[]): string =>
  createHash('sha256').update(Float64Array.from(numbers)).digest('hex').slice(0, 16);

/** Walks over the values of an item level by level, so that one that refers to much else, or to itself, has an end. */
function addItem(hash: Hash, item: unknown): void {
  const text: string[] = [];
  const values: unknown[] = [item];
  for (let place = 0; place < values.length && place < VALUES; place++) {
    const value = values[place];
    if (ArrayBuffer.isView(value)) {
      text.push(`${value.constructor.name}:${value.byteLength}`);
      addBytes(hash, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    } else if (value instanceof Tensor) text.push(`${value.dtype}[${value.shape.join()}]`);
    else if (value instanceof SequenceList) values.push(value.sequences);
    else if (typeof value === 'object' && value !== null) text.push(addParts(values, value));
    else text.push(typeof value === 'function' ? 'function' : `${typeof value}:${String(value)}`);
  }
  hash.update(`${text.join(';')}|`);
}

function addBytes(hash: Hash, bytes: Uint8Array): void {
  if (bytes.length <= 2 * BYTES) hash.update(bytes);
  else hash.update(bytes.subarray(0, BYTES)).update(bytes.subarray(-BYTES));
}

/** Puts the parts of an array or object at the end of `values`. @returns what it is by itself */
function addParts(values: unknown[], value: object): string {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && values.length < VALUES; index++) values.push(value[index]);
    return `[${value.length}]`;
  }
  const names = Object.keys(value);
  for (const name of names) if (values.length < VALUES) values.push(Reflect.get(value, name));
  return `{${names.join()}}`;
}
