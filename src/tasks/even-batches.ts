import { DataLoader } from '../data/data-loader';

/** Items that are computed together. */
export interface EvenBatch<Item> {
  /** Where they stand among all. */
  readonly places: readonly number[];
  /** The items. */
  readonly items: readonly Item[];
}

/** Items of a batch at most, and its steps with the padding, unless one item alone has more. */
const [MOST_ITEMS, MOST_STEPS] = [256, 16_384];

/**
 * Items of like lengths together, so that a long one does not make many short ones as long: the longest first.
 *
 * @param lengthOf  steps of an item
 */
export function evenBatches<Item>(items: readonly Item[], lengthOf: (item: Item) => number): EvenBatch<Item>[] {
  const sized = items.map((item, place) => ({ item, place, steps: Math.max(lengthOf(item), 1) }));
  sized.sort((a, b) => b.steps - a.steps || a.place - b.place);
  const batches: EvenBatch<Item>[] = [];
  for (let from = 0; from < sized.length;) {
    const rows = Math.min(Math.max(Math.floor(MOST_STEPS / (sized[from]?.steps ?? 1)), 1), MOST_ITEMS);
    const part = sized.slice(from, from + rows);
    batches.push({ places: part.map(({ place }) => place), items: part.map(({ item }) => item) });
    from += rows;
  }
  return batches;
}

/**
 * Batches of all items for anything but training, where their order does not matter.
 *
 * @param apart  more items, which are in no batch with the others
 */
export function evenLoader<Item>(
  items: readonly Item[],
  lengthOf: (item: Item) => number,
  apart: readonly Item[] = [],
) {
  const behind = evenBatches(apart, lengthOf).map(({ places }) => places.map((place) => items.length + place));
  const order = [...evenBatches(items, lengthOf).map(({ places }) => places), ...behind];
  return new DataLoader([...items, ...apart], { batchSampler: order });
}

/** These items as one batch, which is disposed of when it has been walked over. */
export const oneBatch = <Item>(items: readonly Item[]) => new DataLoader(items, { batchSize: items.length });
