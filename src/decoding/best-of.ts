/**
 * The highest of what is offered, and no more than so many; of equal ones those that came first.
 *
 * @internal
 */
export class BestOf<Item> {
  readonly #count: number;
  /** Best first. */
  readonly #kept: { item: Item; score: number }[] = [];

  /** @param count  how many to keep, at least 1 */
  constructor(count: number) {
    this.#count = count;
  }

  /** What a score has to be above; -Infinity is never. */
  get limit(): number {
    return this.#kept.length < this.#count ? Number.NEGATIVE_INFINITY : (this.#kept.at(-1)?.score ?? 0);
  }

  offer(score: number, item: Item): void {
    if (!(score > this.limit)) return;
    let [low, high] = [0, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#kept[middle]?.score ?? 0) >= score) low = middle + 1;
      else high = middle;
    }
    this.#kept.splice(low, 0, { item, score });
    if (this.#kept.length > this.#count) this.#kept.pop();
  }

  /** Best first. */
  items(): Item[] {
    return this.#kept.map(({ item }) => item);
  }
}
