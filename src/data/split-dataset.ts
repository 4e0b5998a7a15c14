import { OptionError } from '../tensor/errors';
import { describe, flag, nonNegativeInteger } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import { asDataset, Subset, type Dataset } from './dataset';
import { assignGroups } from './group-assignment';
import { classesOf, itemsByKey, keyFunction, type KeyOf } from './items-by-key';
import { portableRandom } from './portable-random';

/** How large the parts of a split are: fractions that add up to 1, or counts that add up to the number of items. */
export interface SplitSizes {
  /** What a model learns from. */
  readonly train: number;
  /** What choices are made by. */
  readonly validation?: number | undefined;
  /** What is read once, at the end. */
  readonly test?: number | undefined;
}

/** The parts that were asked for. */
export type Split<Item, Sizes extends SplitSizes> = { [Name in keyof Sizes]: Subset<Item> };

/** Options of `splitDataset`. */
export interface SplitOptions<Item> {
  /** The class of an item: each class is divided for itself, so that the parts have the same proportions. */
  stratifyBy?: KeyOf<Item> | undefined;
  /** What an item belongs to, such as a customer, whose items all go into one part. */
  groupBy?: KeyOf<Item> | undefined;
  /** Makes the split a function of this number. Default: drawn from the generator that `manualSeed` starts. */
  seed?: number | undefined;
  /** Whether the items stand in time: train has the first, test the last. Default false. */
  inOrder?: boolean;
}

const PARTS = ['train', 'validation', 'test'] as const;
type PartName = (typeof PARTS)[number];
type Parts = Record<PartName, readonly number[]>;
const NO_PARTS: Parts = { train: [], validation: [], test: [] };

/** Sizes of the parts that are drawn; `train` is the rest. */
interface Shares {
  validation: number;
  test: number;
  /** Whether they are counts, and no fractions. */
  counts: boolean;
}

/**
 * Divides a dataset or an array of `items` into two or three parts, each in the order of the items:
 *
 *     const { train, validation, test } = splitDataset(
 *       rows,
 *       { train: 0.8, validation: 0.1, test: 0.1 },
 *       { stratifyBy: (row) => row.label, seed: 1 },
 *     );
 *
 * Counts of fractions are rounded, halves up, of each class for itself; `train` is what the others leave. With
 * `groupBy` fractions are those of the groups; with `stratifyBy` as well those of the items of each class, as nearly
 * as whole groups allow, and a class must be in two groups at least. Rare classes may be in `train` alone.
 *
 * A seed gives the same split everywhere, also in other languages. Generator: x ← 16807 · x mod (2³¹ − 1) from the seed
 * on, next(n) = x mod n. Shuffle: for i = n - 1 … 1 the items i and next(i + 1) are exchanged. Classes, in code-point
 * order of their names, are shuffled one after the other by one generator, and of each the first are test, the next
 * validation; without classes so are all items, or all groups in order of first appearance.
 *
 * @param sizes  fractions above 0 that add up to 1, or counts that add up to the number of items
 * @throws {OptionError} if they do not, a part would be empty, a class has one example, or an option is out of range or
 * contradicts another one
 */
export function splitDataset<Item, const Sizes extends SplitSizes>(
  items: readonly Item[],
  sizes: Sizes,
  options?: SplitOptions<Item>,
): Split<Item, Sizes>;
export function splitDataset<Item, const Sizes extends SplitSizes>(
  dataset: Dataset<Item>,
  sizes: Sizes,
  options?: SplitOptions<Item>,
): Split<Item, Sizes>;
export function splitDataset<Item>(
  source: readonly Item[] | Dataset<Item>,
  sizes: SplitSizes,
  options: SplitOptions<Item> = {},
): Partial<Record<PartName, Subset<Item>>> {
  const op = 'splitDataset';
  const dataset = asDataset(op, source);
  const read = readOptions(op, options, {
    stratifyBy: optional(keyFunction<Item>),
    groupBy: optional(keyFunction<Item>),
    seed: optional(nonNegativeInteger),
    inOrder: withDefault(flag, false),
  });
  const shares = readSizes(op, sizes, dataset.length);
  checkTogether(op, read, shares);
  const parts = divide(op, dataset, read, shares);
  const names = PARTS.filter((name) => sizes[name] !== undefined);
  for (const name of names)
    if (parts[name].length === 0)
      throw new OptionError(op, {
        given: `${name}: ${sizes[name]} of ${dataset.length} items, which leaves ${name} empty`,
        expected: 'at least one item in each part',
        fix: 'enlarge the part, or leave it out',
      });
  return Object.fromEntries(names.map((name) => [name, new Subset(dataset, parts[name])]));
}

function readSizes(op: string, given: SplitSizes, length: number): Shares {
  const sizes = readOptions(`${op}: sizes`, given, {
    train: size,
    validation: optional(size),
    test: optional(size),
  });
  const values = Object.values(sizes).filter((value) => value !== undefined);
  const counts = values.every((value) => Number.isInteger(value));
  const sum = values.reduce((total, value) => total + value, 0);
  const fractions = !counts && values.every((value) => value < 1) && Math.abs(sum - 1) < 1e-9;
  if (values.length < 2)
    throw new OptionError(op, {
      given: 'one part',
      expected: 'two or three: train with validation, test, or both',
      fix: 'pass such as { train: 0.9, validation: 0.1 }',
    });
  if (!fractions && !(counts && sum === length))
    throw new OptionError(op, {
      given: `sizes ${Object.entries(sizes)
        .map(([name, value]) => `${name}: ${value}`)
        .join(', ')}, in all ${sum}`,
      expected: `fractions that add up to 1, or whole numbers that add up to ${length}`,
      fix: 'pass such as { train: 0.8, validation: 0.1, test: 0.1 }',
    });
  return { validation: sizes.validation ?? 0, test: sizes.test ?? 0, counts };
}

const size = (op: string, name: string, value: unknown): number => {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a fraction or a whole number above 0',
    fix:
      name === 'train' ? 'pass such as { train: 0.9, validation: 0.1 }' : `leave ${name} out if there is no such part`,
  });
};

type CheckedSplit<Item> = Required<Omit<SplitOptions<Item>, 'inOrder'>> & { inOrder: boolean };

function checkTogether<Item>(op: string, { inOrder, ...others }: CheckedSplit<Item>, { counts }: Shares): void {
  const [name] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (inOrder && name !== undefined)
    throw new OptionError(op, {
      given: `both inOrder and ${name}`,
      expected: 'one of them: what is divided in time is neither drawn nor sorted',
      fix: `leave ${name} out`,
    });
  if (counts && others.groupBy !== undefined)
    throw new OptionError(op, {
      given: 'counts of items with groupBy',
      expected: 'fractions, since groups go as a whole',
      fix: 'pass such as { train: 0.8, test: 0.2 }',
    });
}

function divide<Item>(op: string, dataset: Dataset<Item>, options: CheckedSplit<Item>, shares: Shares): Parts {
  const { stratifyBy, groupBy, seed, inOrder } = options;
  const all = Array.from({ length: dataset.length }, (_, index) => index);
  if (inOrder) {
    const [test, validation] = drawn(all.length, shares);
    const begin = all.length - test;
    return {
      train: all.slice(0, begin - validation),
      validation: all.slice(begin - validation, begin),
      test: all.slice(begin),
    };
  }
  const random = portableRandom(seed);
  if (groupBy !== undefined && stratifyBy !== undefined) {
    const fractions = { train: 1 - shares.validation - shares.test, validation: shares.validation, test: shares.test };
    const names = PARTS.filter((name) => fractions[name] > 0);
    const keys = { groupBy, stratifyBy };
    const parts = assignGroups(op, dataset, keys, { shares: names.map((name) => fractions[name]), random });
    return { ...NO_PARTS, ...Object.fromEntries(names.map((name, part) => [name, parts[part] ?? []])) };
  }
  if (groupBy !== undefined) {
    const groups = random.shuffle([...itemsByKey(op, dataset, 'groupBy', groupBy).values()]);
    return cut([groups], [drawn(groups.length, shares)]);
  }
  const classes = stratifyBy === undefined ? [all] : classesOf(op, dataset, stratifyBy);
  const shuffled = classes.map((indices) => random.shuffle(indices).map((index) => [index]));
  return cut(
    shuffled,
    shares.counts ? apportioned(classes, shares) : classes.map(({ length }) => drawn(length, shares)),
  );
}

/** How many of `length` units are test, and how many validation. */
function drawn(length: number, { validation, test, counts }: Shares): readonly [number, number] {
  if (counts) return [test, validation];
  const rounded = (share: number): number => Math.floor(length * share + 0.5 + 1e-9); // 1e-9: of halves that are none
  const tests = rounded(test);
  return [tests, Math.min(rounded(validation), length - tests)];
}

/** Of each class as many as its share of all items, largest remainders first, so that the counts come out. */
function apportioned(classes: readonly (readonly number[])[], { test, validation }: Shares): [number, number][] {
  const sizes = classes.map(({ length }) => length);
  const tests = apportion(sizes, test);
  const rest = sizes.map((count, c) => count - (tests[c] ?? 0));
  const validations = apportion(rest, validation);
  return sizes.map((_, c) => [tests[c] ?? 0, validations[c] ?? 0]);
}

function apportion(sizes: readonly number[], count: number): number[] {
  const all = sizes.reduce((sum, length) => sum + length, 0);
  const quotas = sizes.map((length) => (length * count) / Math.max(all, 1));
  const given = quotas.map(Math.floor);
  const byRemainder = quotas.map((quota, c) => ({ c, remainder: quota % 1 })).sort((a, b) => b.remainder - a.remainder);
  const missing = count - given.reduce((sum, part) => sum + part, 0);
  for (const { c } of byRemainder.slice(0, missing)) given[c] = (given[c] ?? 0) + 1;
  return given;
}

/** The first units of each class are test, the next validation, the rest train; each part is put in order. */
function cut(
  classes: readonly (readonly (readonly number[])[])[],
  counts: readonly (readonly [number, number])[],
): Parts {
  const parts: Record<PartName, number[]> = { train: [], validation: [], test: [] };
  classes.forEach((units, c) => {
    const [test, validation] = counts[c] ?? [0, 0];
    units.forEach((indices, place) => {
      const drawnPart = place < test ? parts.test : parts.validation;
      const part = place < test + validation ? drawnPart : parts.train;
      for (const index of indices) part.push(index);
    });
  });
  for (const indices of Object.values(parts)) indices.sort((a, b) => a - b);
  return parts;
}
