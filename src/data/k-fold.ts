import { OptionError } from '../tensor/errors';
import { nonNegativeInteger, positiveInteger } from '../tensor/options';
import { permutation } from '../tensor/ops/random';
import { optional, readOptions } from '../tensor/read-options';
import { asDataset, Subset, type Dataset } from './dataset';
import { assignGroups } from './group-assignment';
import { classesOf, itemsByKey, keyFunction, type KeyOf } from './items-by-key';
import { portableRandom } from './portable-random';

/** One fold of a cross-validation. */
export interface Fold<Item> {
  /** All items but those of `validation`. */
  train: Subset<Item>;
  /** One k-th of the items. */
  validation: Subset<Item>;
}

/** Options of `kFold`. */
export interface KFoldOptions<Item> {
  /** The class of an item: each fold has as many of a class as the others, give or take one. */
  stratifyBy?: KeyOf<Item> | undefined;
  /** What an item belongs to, such as a customer, whose items are all in one fold. */
  groupBy?: KeyOf<Item> | undefined;
  /** Makes the folds a function of this number. Default: drawn from the generator that `manualSeed` starts. */
  seed?: number | undefined;
}

/**
 * Divides a dataset or an array of `items` at random into k parts, each of which is the validation set of one fold.
 * Sizes differ by one at most; with `groupBy` by as little as whole groups allow, those of the classes too if there is
 * `stratifyBy`. With an option, parts are in the order of the items.
 *
 * @param k  in 2..length, or 2..groups
 * @throws {OptionError} if it is not, a class has one example or is in one group alone, or an option is out of range
 */
export function kFold<Item>(items: readonly Item[], k: number, options?: KFoldOptions<Item>): Fold<Item>[];
export function kFold<Item>(dataset: Dataset<Item>, k: number, options?: KFoldOptions<Item>): Fold<Item>[];
export function kFold<Item>(
  source: readonly Item[] | Dataset<Item>,
  k: number,
  options: KFoldOptions<Item> = {},
): Fold<Item>[] {
  const op = 'kFold';
  const dataset = asDataset(op, source);
  const { stratifyBy, groupBy, seed } = readOptions(op, options, {
    stratifyBy: optional(keyFunction<Item>),
    groupBy: optional(keyFunction<Item>),
    seed: optional(nonNegativeInteger),
  });
  const groups = groupBy === undefined ? undefined : itemsByKey(op, dataset, 'groupBy', groupBy).size;
  const most = groups ?? dataset.length;
  if (positiveInteger(op, 'k', k) < 2 || k > most) {
    throw new OptionError(op, {
      given: `k: ${k}`,
      expected: `2..${most}, the number of ${groups === undefined ? 'items' : 'groups'}`,
      fix: 'choose fewer folds, such as 5',
    });
  }
  if (stratifyBy === undefined && groupBy === undefined && seed === undefined)
    return inTurn(dataset, permutation(dataset.length), k);
  const random = portableRandom(seed);
  if (groupBy !== undefined) {
    const shares = Array.from({ length: k }, () => 1 / k);
    return foldsOf(dataset, assignGroups(op, dataset, { groupBy, stratifyBy }, { shares, random }));
  }
  const all = Array.from({ length: dataset.length }, (_, index) => index);
  const classes = stratifyBy === undefined ? [all] : classesOf(op, dataset, stratifyBy);
  const parts = Array.from({ length: k }, (): number[] => []);
  // Dealt out as cards are, one class behind the other, so that the sizes of the folds stay alike, too.
  const cards = classes.flatMap((indices) => random.shuffle(indices));
  cards.forEach((index, place) => parts[place % k]?.push(index));
  return foldsOf(
    dataset,
    parts.map((indices) => indices.sort((a, b) => a - b)),
  );
}

/** Folds of an order: one run of it after the other is for validation. */
const inTurn = <Item>(dataset: Dataset<Item>, order: readonly number[], k: number): Fold<Item>[] =>
  Array.from({ length: k }, (_, fold) => {
    const [begin, end] = [Math.floor((fold * order.length) / k), Math.floor(((fold + 1) * order.length) / k)];
    return {
      train: new Subset(dataset, [...order.slice(0, begin), ...order.slice(end)]),
      validation: new Subset(dataset, order.slice(begin, end)),
    };
  });

/** Folds of parts. */
const foldsOf = <Item>(dataset: Dataset<Item>, parts: readonly (readonly number[])[]): Fold<Item>[] =>
  parts.map((validation) => {
    const held = new Set(validation);
    const train = Array.from({ length: dataset.length }, (_, index) => index).filter((index) => !held.has(index));
    return { train: new Subset(dataset, train), validation: new Subset(dataset, validation) };
  });
