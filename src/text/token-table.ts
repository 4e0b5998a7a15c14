import type { Spans } from './tokenizer';

/**
 * Tokens by number, found by their UTF-16 units. As a Map of strings, but nothing is allocated to look one up: several
 * times as fast where tokens are pieces of a text.
 *
 *   slots   open addressing, number + 1 or 0     hash of the units → first slot
 *   units   ┌ token 0 ┬ token 1 ┬ … ┐            ends[i] is where token i ends
 *
 * @internal
 */
export class TokenTable {
  #slots = new Int32Array(1 << 10);
  #hashes = new Int32Array(1 << 9);
  #ends = new Int32Array(1 << 9);
  #units = new Uint16Array(1 << 13);
  #size = 0;

  /** A table of tokens, the first of which has the number 0; of two that are equal, the second is not found. */
  constructor(tokens: readonly string[] = []) {
    for (const token of tokens) {
      const units = Uint16Array.from({ length: token.length }, (_, i) => token.charCodeAt(i));
      const hash = hashOf(units, 0, units.length);
      this.#insert(units, 0, units.length, hash);
    }
  }

  /** Number of tokens. */
  get size(): number {
    return this.#size;
  }

  /** The number of a token, -1 if it is not there. */
  find(units: Uint16Array, begin: number, end: number): number {
    return this.#look(units, begin, end, hashOf(units, begin, end));
  }

  /** The number of a token, which is added if it is not there. */
  findOrAdd(units: Uint16Array, begin: number, end: number): number {
    const hash = hashOf(units, begin, end);
    const found = this.#look(units, begin, end, hash);
    return found >= 0 ? found : this.#insert(units, begin, end, hash);
  }

  /** The numbers of tokens, `otherwise` for those that are not there, into `target` from `at` on. */
  findAll({ units, bounds, count }: Spans, otherwise: number, target: Int32Array, at: number): void {
    for (let i = 0; i < count; i++) {
      const found = this.find(units, bounds[2 * i] ?? 0, bounds[2 * i + 1] ?? 0);
      target[at + i] = found < 0 ? otherwise : found;
    }
  }

  /** All tokens in the order of their numbers. */
  tokens(): string[] {
    return Array.from({ length: this.#size }, (_, i) =>
      textOf(this.#units.subarray(i === 0 ? 0 : this.#ends[i - 1], this.#ends[i])),
    );
  }

  #look(units: Uint16Array, begin: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = (slots[slot] ?? 0) - 1;
      if (number < 0 || (this.#hashes[number] === hash && this.#equals(number, units, begin, end))) return number;
    }
  }

  #equals(number: number, units: Uint16Array, begin: number, end: number): boolean {
    const own = this.#units;
    let at = number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
    if ((this.#ends[number] ?? 0) - at !== end - begin) return false;
    for (let i = begin; i < end; i++) if (own[at++] !== units[i]) return false;
    return true;
  }

  #insert(units: Uint16Array, begin: number, end: number, hash: number): number {
    const number = this.#size++;
    const start = number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
    const last = start + end - begin;
    if (number >= this.#ends.length) {
      this.#ends = longer(this.#ends, number + 1);
      this.#hashes = longer(this.#hashes, number + 1);
    }
    if (last > this.#units.length) this.#units = longer(this.#units, last);
    this.#units.set(units.subarray(begin, end), start);
    this.#ends[number] = last;
    this.#hashes[number] = hash;
    if (2 * this.#size > this.#slots.length) this.#slots = new Int32Array(2 * this.#slots.length);
    else return this.#place(number, hash);
    for (let i = 0; i < this.#size; i++) this.#place(i, this.#hashes[i] ?? 0);
    return number;
  }

  #place(number: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = number + 1;
    return number;
  }
}

/** FNV-1a over the units, and its high bits mixed into the low ones, which choose the slot. */
function hashOf(units: Uint16Array, begin: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = begin; i < end; i++) hash = Math.imul(hash ^ (units[i] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** The same numbers in an array at least twice as long. @internal */
export function longer<A extends Int32Array | Uint16Array>(array: A, least: number): A {
  const length = Math.max(2 * array.length, least);
  const copy = (array instanceof Int32Array ? new Int32Array(length) : new Uint16Array(length)) as A;
  copy.set(array);
  return copy;
}

/** The text of units, a string of its own. */
function textOf(units: Uint16Array): string {
  if (units.length <= 1024) return String.fromCharCode(...units);
  return Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le');
}
