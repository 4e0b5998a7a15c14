/**
 * A small generator of its own (splitmix-like, 32 bits), so that a seed gives the same calls on every version of
 * stmnet.
 */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined && items.length === 0) throw new Error('fuzz: pick from an empty list');
    return item as T;
  }

  /** `count` things. */
  many<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  /** The items in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => [this.next(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }

  /** An extent: mostly small, sometimes 0 or 1, sometimes longer than a vector. */
  extent(): number {
    return this.pick([0, 1, 1, 2, 2, 3, 4, 5, 8, 17]);
  }

  /** An extent of 1 or more. */
  some(): number {
    return this.pick([1, 1, 2, 2, 3, 4, 5, 8, 17]);
  }

  /** A shape of `rank` axes. */
  shape(rank = this.whole(0, 4)): number[] {
    return this.many(rank, () => this.extent());
  }

  /** A shape without an empty axis. */
  fullShape(rank = this.whole(1, 4)): number[] {
    return this.many(rank, () => this.some());
  }
}
