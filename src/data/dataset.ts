import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { SamplerSettings } from './sampler';

/** What a DataLoader says of an item that it asks for. */
export interface ItemOptions {
  /**
   * What is random in the item, as an augmentation, should depend on this number alone, a whole one below 2^53. It
   * follows from the walk, its epoch and the index, and so it is the same whoever makes the item, when, and in which
   * order. Absent where nobody walks, as in `dataset.at(3)`: give the item as it is then.
   */
  readonly seed?: number | undefined;
}

/** A list of items. Items are made or read when they are asked for. */
export interface Dataset<Item> {
  /** Number of items. */
  readonly length: number;
  /**
   * One item. What it draws from the generator of `manualSeed` while a DataLoader walks follows from `options.seed`,
   * too, and leaves that generator where it was.
   *
   * @param index  in 0..length-1
   */
  at(index: number, options?: ItemOptions): Item;
  /** What tells it from other datasets: a position that a DataLoader saved for one of other settings is refused. */
  readonly settings?: SamplerSettings;
}

/**
 * A list of items that are yet to come when they are asked for, as from files or other threads. A DataLoader of it is
 * walked over by `for await`, and asks for all items of a batch at once. What an item draws after it has first waited
 * should come from `options.seed`.
 */
export interface AsyncDataset<Item> {
  /** Number of items. */
  readonly length: number;
  /**
   * One item.
   *
   * @param index  in 0..length-1
   */
  at(index: number, options?: ItemOptions): Promise<Item>;
  /** What tells it from other datasets, as of a Dataset. */
  readonly settings?: SamplerSettings;
}

/**
 * A dataset over an array of `items`, which is not copied.
 *
 * @throws {OptionError} if it is given something else
 */
export class ArrayDataset<Item> implements Dataset<Item>, Iterable<Item> {
  readonly #items: readonly Item[];

  constructor(items: readonly Item[]) {
    if (!Array.isArray(items))
      throw new OptionError('ArrayDataset', {
        given: describe(items),
        expected: 'an array of items',
        fix: 'pass such as [{ input, target }, …]',
      });
    this.#items = items;
  }

  /** Number of items. */
  get length(): number {
    return this.#items.length;
  }

  /** @throws {OptionError} if there is no item of that index */
  at(index: number): Item {
    const item = this.#items[checkIndex('ArrayDataset.at', index, this.length)];
    if (item === undefined)
      throw new OptionError('ArrayDataset.at', {
        given: `a hole at index ${index}`,
        expected: 'an item',
        fix: 'fill the array',
      });
    return item;
  }

  /** What `fn` makes of each item, in order. */
  map<R>(fn: (item: Item, index: number) => R): R[] {
    return Array.from(itemsOf(this), fn);
  }

  /** The items in order. */
  *[Symbol.iterator](): Generator<Item> {
    yield* itemsOf(this);
  }
}

/** Every item of a dataset in order, made or read one at a time. */
export function* itemsOf<Item>(dataset: Dataset<Item>): Generator<Item> {
  for (let index = 0; index < dataset.length; index++) yield dataset.at(index);
}

/**
 * The dataset that is meant: an array becomes one, which is not copied.
 *
 * @param op  who asks, for the message
 * @throws {OptionError} if it is neither an array nor a dataset
 */
export function asDataset<Item>(op: string, source: readonly Item[] | Dataset<Item>): Dataset<Item> {
  if (isArray(source)) return new ArrayDataset(source);
  const isObject = typeof source === 'object' && source !== null;
  if (isObject && typeof source.at === 'function' && typeof source.length === 'number') return source;
  const expected = 'a dataset with length and at(index)';
  throw new OptionError(op, { given: describe(source), expected, fix: 'wrap an array: new ArrayDataset(items)' });
}

const isArray = <Item>(source: Dataset<Item> | readonly Item[]): source is readonly Item[] => Array.isArray(source);

/**
 * Some items of a dataset or an array: those at `indices`, in that order. A walk by `for` reads them so, too.
 *
 * @throws {OptionError} if it is given neither, `indices` are no array, or one is not of the dataset
 */
export class Subset<Item> implements Dataset<Item>, Iterable<Item> {
  /** The dataset below. */
  readonly dataset: Dataset<Item>;
  /** Places in the dataset below. */
  readonly indices: readonly number[];

  constructor(items: readonly Item[], indices: readonly number[]);
  constructor(dataset: Dataset<Item>, indices: readonly number[]);
  constructor(source: readonly Item[] | Dataset<Item>, indices: readonly number[]) {
    const dataset = asDataset('Subset', source);
    if (!Array.isArray(indices) && !ArrayBuffer.isView(indices))
      throw new OptionError('Subset', {
        given: `indices ${describe(indices)}`,
        expected: 'an array of places in the dataset',
        fix: 'pass such as [0, 3, 7]',
      });
    for (const index of indices) checkIndex('Subset', index, dataset.length);
    this.dataset = dataset;
    this.indices = [...indices];
  }

  /** Number of indices. */
  get length(): number {
    return this.indices.length;
  }

  /** @throws {OptionError} if there is no item of that index */
  at(index: number, options: ItemOptions = {}): Item {
    return this.dataset.at(this.indices[checkIndex('Subset.at', index, this.length)] ?? -1, options);
  }

  /** What `fn` makes of each item, in the order of `indices`. */
  map<R>(fn: (item: Item, index: number) => R): R[] {
    return Array.from(itemsOf(this), fn);
  }

  /** The items in the order of `indices`. */
  *[Symbol.iterator](): Generator<Item> {
    yield* itemsOf(this);
  }
}

/** @throws {OptionError} if there is no item of that index */
export function checkIndex(op: string, index: number, length: number): number {
  if (Number.isInteger(index) && index >= 0 && index < length) return index;
  throw new OptionError(op, {
    given: `index ${describe(index)}`,
    expected: `a whole number in 0..${length - 1}`,
    fix: `the dataset has ${length} items`,
  });
}
