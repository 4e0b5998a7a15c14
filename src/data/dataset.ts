import { OptionError } from '../tensor/errors';
import { describe, positiveInteger } from '../tensor/options';
import { permutation } from '../tensor/ops/random';

/** A list of items. Items are made or read when they are asked for. */
export interface Dataset<Item> {
  /** Number of items. */
  readonly length: number;
  /**
   * One item.
   *
   * @param index  in 0..length-1
   */
  at(index: number): Item;
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
 * @throws {OptionError} if it is given neither, or an index is not one of the dataset's
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
    for (const index of indices) checkIndex('Subset', index, dataset.length);
    this.dataset = dataset;
    this.indices = [...indices];
  }

  /** Number of indices. */
  get length(): number {
    return this.indices.length;
  }

  /** @throws {OptionError} if there is no item of that index */
  at(index: number): Item {
    return this.dataset.at(this.indices[checkIndex('Subset.at', index, this.length)] ?? -1);
  }

  /** The items in the order of `indices`. */
  *[Symbol.iterator](): Generator<Item> {
    yield* itemsOf(this);
  }
}

function checkIndex(op: string, index: number, length: number): number {
  if (Number.isInteger(index) && index >= 0 && index < length) return index;
  throw new OptionError(op, {
    given: `index ${describe(index)}`,
    expected: `a whole number in 0..${length - 1}`,
    fix: `the dataset has ${length} items`,
  });
}

/**
 * Divides a dataset or an array of `items` at random, by the generator that `manualSeed` starts.
 *
 * @param sizes  whole numbers that add up to the length, or parts of it (fractions above 0) that add up to 1
 * @returns one dataset a size
 * @throws {OptionError} if they do not add up, or it is given something else
 */
export function randomSplit<Item>(items: readonly Item[], sizes: readonly number[]): Subset<Item>[];
export function randomSplit<Item>(dataset: Dataset<Item>, sizes: readonly number[]): Subset<Item>[];
export function randomSplit<Item>(source: readonly Item[] | Dataset<Item>, sizes: readonly number[]): Subset<Item>[] {
  const dataset = asDataset('randomSplit', source);
  const counts =
    sizes.length > 0 && sizes.every((size) => size > 0 && size < 1) ? countsOf(dataset.length, sizes) : sizes;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (!counts.every((count) => Number.isInteger(count) && count >= 0) || total !== dataset.length) {
    throw new OptionError('randomSplit', {
      given: `sizes ${describe(sizes)}`,
      expected: `whole numbers that add up to ${dataset.length}, or fractions that add up to 1`,
      fix: 'pass such as [0.9, 0.1]',
    });
  }
  const order = permutation(dataset.length);
  let begin = 0;
  return counts.map((count) => {
    const part = new Subset(dataset, order.slice(begin, begin + count));
    begin += count;
    return part;
  });
}

/**
 * How many items each fraction comes to: whole numbers near length · fraction that add up to `length`. Fractions that
 * do not add up to 1 are returned as they are, and the caller's check refuses them.
 */
function countsOf(length: number, fractions: readonly number[]): readonly number[] {
  if (Math.abs(fractions.reduce((sum, fraction) => sum + fraction, 0) - 1) > 1e-9) return fractions;
  let [end, before] = [0, 0];
  return fractions.map((fraction, index) => {
    end += fraction * length;
    const last = index === fractions.length - 1 ? length : Math.round(end);
    const count = last - before;
    before = last;
    return count;
  });
}

/** One fold of a cross-validation. */
export interface Fold<Item> {
  /** All items but those of `validation`. */
  train: Subset<Item>;
  /** One k-th of the items. */
  validation: Subset<Item>;
}

/**
 * Divides a dataset or an array of `items` at random into k parts, each of which is the validation set of one fold.
 * Sizes differ by one at most.
 *
 * @param k  in 2..length
 * @throws {OptionError} if it is not, or it is given something else
 */
export function kFold<Item>(items: readonly Item[], k: number): Fold<Item>[];
export function kFold<Item>(dataset: Dataset<Item>, k: number): Fold<Item>[];
export function kFold<Item>(source: readonly Item[] | Dataset<Item>, k: number): Fold<Item>[] {
  const dataset = asDataset('kFold', source);
  if (positiveInteger('kFold', 'k', k) < 2 || k > dataset.length) {
    throw new OptionError('kFold', {
      given: `k: ${k}`,
      expected: `2..${dataset.length}, the number of items`,
      fix: 'choose fewer folds, such as 5',
    });
  }
  const order = permutation(dataset.length);
  return Array.from({ length: k }, (_, fold) => {
    const [begin, end] = [Math.floor((fold * order.length) / k), Math.floor(((fold + 1) * order.length) / k)];
    return {
      train: new Subset(dataset, [...order.slice(0, begin), ...order.slice(end)]),
      validation: new Subset(dataset, order.slice(begin, end)),
    };
  });
}
