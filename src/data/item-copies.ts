import { describe, isPlainObject } from '../tensor/options';
import { SequenceList } from './sequence-list';

/** An item, or data, on its way from one thread to another. */
export interface Packed {
  readonly value: unknown;
  /** Where an array stands for a SequenceList: the keys on the way to it. */
  readonly lists: readonly (readonly string[])[];
}

/** A value that would come as something else, or not at all. */
export class NotSendable extends Error {
  /** The keys on the way to it. */
  readonly path: readonly string[];
  /** What a message says of it. */
  readonly words: string;

  constructor(path: readonly string[], words: string) {
    super(`got ${words}`);
    this.path = path;
    this.words = words;
  }

  /** As `input.words[3]`, behind the name of the whole. */
  placeIn(whole: string): string {
    return this.path.reduce((text, key) => (/^\d+$/.test(key) ? `${text}[${key}]` : `${text}.${key}`), whole);
  }
}

/** What may be sent, in words. */
export const SENDABLE = 'numbers, texts, truth values, arrays, typed arrays, and records of these';

/** Numbers of so many bytes and more are handed over; of fewer, another copy takes less time. */
const HANDED_OVER = 2 ** 14;
/** A value that is nested deeper holds itself, or is none that a batch is made of. */
const MOST_DEPTH = 64;

const BUILT_IN = [ArrayBuffer, SharedArrayBuffer, Date, RegExp];

/**
 * An item as it can be sent, with what may be handed over in place of being copied. A typed array is a copy: a dataset
 * may give the same one again, or a part of a larger one.
 *
 * @throws {NotSendable} if it holds something else, as an object of a class, which would lose that class
 */
export function packItem(item: unknown): { packed: Packed; transfer: ArrayBuffer[] } {
  const packing = new Packing(true);
  const value = packing.of(item, []);
  return { packed: { value, lists: packing.lists }, transfer: packing.transfer };
}

/** The same of data, whose typed arrays are those that were given. @throws {NotSendable} as `packItem` */
export function packData(data: unknown): Packed {
  const packing = new Packing(false);
  const value = packing.of(data, []);
  return { value, lists: packing.lists };
}

/** What was packed, once it has come. */
export function unpack({ value, lists }: Packed): unknown {
  const whole = { value };
  for (const path of lists) {
    const [last = '', ...before] = ['value', ...path].reverse();
    const holder = before.reverse().reduce<object>((at, key) => Reflect.get(at, key) as object, whole);
    Reflect.set(holder, last, new SequenceList(Reflect.get(holder, last) as []));
  }
  return whole.value;
}

class Packing {
  readonly lists: (readonly string[])[] = [];
  readonly transfer: ArrayBuffer[] = [];
  readonly #copies: boolean;

  constructor(copies: boolean) {
    this.#copies = copies;
  }

  of(value: unknown, path: readonly string[]): unknown {
    if (isSimple(value)) return value;
    if (typeof value !== 'object' || value === null) throw new NotSendable(path, describe(value));
    if (path.length > MOST_DEPTH) throw new NotSendable(path.slice(0, 3), 'a value that holds itself');
    if (isHandedOver(ArrayBuffer.isView(value) ? value.buffer : value))
      throw new NotSendable(path, 'an ArrayBuffer that was handed over before, and is empty now');
    if (ArrayBuffer.isView(value)) return this.#copies ? this.#copyOf(value) : value;
    if (value instanceof SequenceList) return this.#sequences(value, path);
    if (Array.isArray(value)) return this.#list(value, path);
    if (isPlainObject(value))
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, this.of(part, [...path, name])]));
    if (value instanceof Map || value instanceof Set) return this.#collection(value, path);
    if (BUILT_IN.some((kind) => value instanceof kind)) return value;
    throw new NotSendable(path, describe(value));
  }

  #sequences({ sequences }: SequenceList, path: readonly string[]): unknown {
    const before = this.lists.push(path);
    const packed = this.#list(sequences, path);
    const inner = this.lists[before];
    if (inner !== undefined) throw new NotSendable(inner, 'a SequenceList within another one');
    return packed;
  }

  #collection(value: Map<unknown, unknown> | Set<unknown>, path: readonly string[]): unknown {
    const inner = new Packing(false);
    const parts = inner.of([...value], path) as unknown[];
    if (inner.lists.length > 0) throw new NotSendable(path, 'a SequenceList within a Map or a Set');
    return value instanceof Map ? new Map(parts as [unknown, unknown][]) : new Set(parts);
  }

  /** A new array: an array may have further properties, which cannot all be sent. */
  #list(values: readonly unknown[], path: readonly string[]): readonly unknown[] {
    if (values.every(isSimple)) return [...values];
    return Array.from(values, (part, index) => this.of(part, [...path, String(index)]));
  }

  #copyOf(view: ArrayBufferView): ArrayBufferView {
    const { buffer } = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
    if (buffer.byteLength >= HANDED_OVER) this.transfer.push(buffer);
    const kind = Object.prototype.toString.call(view).slice('[object '.length, -1); // of a Buffer, Uint8Array
    const Kind = Reflect.get(globalThis, kind) as new (bytes: ArrayBuffer) => ArrayBufferView;
    return new Kind(buffer);
  }
}

const isSimple = (value: unknown): boolean =>
  value === null || value === undefined || ['number', 'string', 'boolean', 'bigint'].includes(typeof value);

/** Whether an ArrayBuffer has no bytes any more, since another thread has them. */
function isHandedOver(value: unknown): boolean {
  if (!(value instanceof ArrayBuffer) || value.byteLength > 0) return false;
  try {
    return new Uint8Array(value).length > 0;
  } catch {
    return true;
  }
}
