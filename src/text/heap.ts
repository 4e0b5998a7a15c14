/** Items of which the first one, in an order of their own, can be taken out. @internal */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** @param before  whether an item comes before another one */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  /** Puts an item in. */
  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    for (; at > 0;) {
      const above = (at - 1) >> 1;
      const other = items[above];
      if (other === undefined || !this.#before(item, other)) break;
      items[at] = other;
      at = above;
    }
    items[at] = item;
  }

  /** Takes the first item out; undefined if there is none. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let other = items[below];
      const right = items[below + 1];
      if (other === undefined) break;
      if (right !== undefined && this.#before(right, other)) [below, other] = [below + 1, right];
      if (!this.#before(other, last)) break;
      items[at] = other;
      at = below;
    }
    items[at] = last;
    return first;
  }
}
