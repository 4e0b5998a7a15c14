import { describe, expect, test } from 'vitest';
import {
  ArrayDataset,
  kFold,
  manualSeed,
  OptionError,
  randomSplit,
  RandomSampler,
  SequentialSampler,
  Subset,
  type Dataset,
  type Fold,
} from 'stmnet';

const alphabet = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
const letters = new ArrayDataset(alphabet);
const itemsOf = <Item>(dataset: Dataset<Item>): Item[] =>
  Array.from({ length: dataset.length }, (_, i) => dataset.at(i));

test('a subset gives the items asked for, in that order', () => {
  expect(itemsOf(new Subset(letters, [7, 0, 7]))).toEqual(['h', 'a', 'h']);
});

test('a subset, a split and a fold of an array are those of its dataset, and can be walked', () => {
  expect([...new Subset(alphabet, [7, 0, 7])]).toEqual(['h', 'a', 'h']);
  expect([...letters]).toEqual(alphabet);
  const halves = <Item>({ train, validation }: Fold<Item>): Subset<Item>[] => [train, validation];
  const walk = (parts: readonly Subset<string>[]): string[][] => parts.map((part) => [...part]);
  manualSeed(4);
  const parts = walk([...randomSplit(alphabet, [6, 4]), ...kFold(alphabet, 2).flatMap(halves)]);
  manualSeed(4);
  expect(walk([...randomSplit(letters, [6, 4]), ...kFold(letters, 2).flatMap(halves)])).toEqual(parts);
  expect(parts.map(({ length }) => length)).toEqual([6, 4, 5, 5, 5, 5]);
});

test('a subset of a dataset that makes its items makes each when it is asked for', () => {
  const made: number[] = [];
  const squares: Dataset<number> = { length: 100, at: (index) => (made.push(index), index * index) };
  for (const item of new Subset(squares, [3, 5, 7])) if (item === 25) break;
  expect(made).toEqual([3, 5]);
});

test('randomSplit divides all items, the same way for the same seed', () => {
  const split = (): string[][] => {
    manualSeed(1);
    return randomSplit(letters, [7, 3]).map(itemsOf);
  };
  const parts = split();
  expect(parts.map((part) => part.length)).toEqual([7, 3]);
  expect(parts.flat().sort()).toEqual(alphabet);
  expect(parts.flat()).not.toEqual(alphabet);
  expect(split()).toEqual(parts);
});

test.each([
  [
    [0.9, 0.1],
    [9, 1],
  ],
  [
    [0.5, 0.25, 0.25],
    [5, 3, 2],
  ],
  [
    [1 / 3, 1 / 3, 1 / 3],
    [3, 4, 3],
  ],
])('randomSplit by parts %j', (parts, counts) => {
  expect(randomSplit(letters, parts).map(({ length }) => length)).toEqual(counts);
});

test('kFold uses every item for validation once and never trains on it', () => {
  const folds = kFold(letters, 3);
  expect(folds.map(({ train, validation }) => [train.length, validation.length])).toEqual([
    [7, 3],
    [7, 3],
    [6, 4],
  ]);
  for (const { train, validation } of folds)
    expect([...itemsOf(train), ...itemsOf(validation)].sort()).toEqual(alphabet);
  expect(folds.flatMap(({ validation }) => itemsOf(validation)).sort()).toEqual(alphabet);
});

test('samplers', () => {
  manualSeed(2);
  const random = new RandomSampler(50);
  const [first, second] = [[...random], [...random]];
  expect(first).not.toEqual(second);
  expect([...first].sort((a, b) => a - b)).toEqual([...new SequentialSampler(50)]);
  manualSeed(2);
  expect([...random]).toEqual(first);
});

test('a permutation puts every item everywhere equally often', () => {
  manualSeed(3);
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  const sampler = new RandomSampler(4);
  for (let round = 0; round < 4000; round++) {
    [...sampler].forEach((item, place) => {
      const row = counts[item];
      if (row !== undefined) row[place] = (row[place] ?? 0) + 1;
    });
  }
  for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(140);
});

test('map gives an array of what a function makes of the items', () => {
  const subset = new Subset(['a', 'b', 'c'], [2, 0]);
  expect(subset.map((letter, place) => `${letter}${place}`)).toEqual(['c0', 'a1']);
  expect(new ArrayDataset(['a', 'b']).map((letter) => letter.toUpperCase())).toEqual(['A', 'B']);
});

describe('mistakes', () => {
  test('what is neither an array nor a dataset', () => {
    const users = {
      Subset: (x: never) => new Subset(x, []),
      randomSplit: (x: never) => randomSplit(x, []),
      kFold: (x: never) => kFold(x, 2),
    };
    const values = new Map<unknown, string>([
      [undefined, 'undefined'],
      [null, 'null'],
      [3, '3'],
      [{ length: 3 }, '{ length }'],
    ]);
    for (const [op, make] of Object.entries(users)) {
      for (const [wrong, given] of values) {
        const message =
          `${op}: got ${given}, expected a dataset with length and at(index).\n` +
          '  Fix: wrap an array: new ArrayDataset(items).';
        expect(() => make(wrong as never)).toThrow(message);
      }
    }
  });

  test('places that are not there', () => {
    expect(() => letters.at(10)).toThrow(
      'ArrayDataset.at: got index 10, expected a whole number in 0..9.\n  Fix: the dataset has 10 items.',
    );
    expect(() => letters.at(-1)).toThrow(OptionError);
    expect(() => new Subset(letters, [1, 11])).toThrow('Subset: got index 11');
  });
  test('indices and sizes that are none', () => {
    expect(() => new Subset(letters, 5 as never)).toThrow(
      'Subset: got indices 5, expected an array of places in the dataset.\n  Fix: pass such as [0, 3, 7].',
    );
    for (const wrong of [undefined, null, '12', new Set([1]), {}])
      expect(() => new Subset(letters, wrong as never)).toThrow(/^Subset: got indices /);
    expect([...new Subset(letters, Int32Array.of(1, 0) as never)]).toEqual(['b', 'a']);
    expect(() => new Subset(letters, [1n] as never)).toThrow(/^Subset: got index /);
    expect(() => randomSplit(letters, undefined as never)).toThrow(
      'randomSplit: got sizes undefined, expected whole numbers that add up to 10, or fractions that add up to 1.\n' +
        '  Fix: pass such as [0.9, 0.1].',
    );
    for (const wrong of [7, null, { train: 0.9 }, [5n, 5n], ['5', 5], [Symbol('x')], Float64Array.of(5, 5)])
      expect(() => randomSplit(letters, wrong as never)).toThrow(/^randomSplit: got sizes /);
    expect(randomSplit([], [])).toEqual([]);
  });
  test('something that is no array', () => {
    expect(() => new ArrayDataset('abc' as unknown as string[])).toThrow(
      'ArrayDataset: got "abc", expected an array of items.',
    );
  });
  test('sizes that do not add up, and folds that cannot be', () => {
    expect(() => randomSplit(letters, [5, 4])).toThrow(
      'randomSplit: got sizes [5, 4], expected whole numbers that add up to 10',
    );
    expect(() => randomSplit(letters, [0.5, 0.4])).toThrow(OptionError);
    expect(() => kFold(letters, 1)).toThrow('kFold: got k: 1, expected 2..10');
    expect(() => kFold(letters, 11)).toThrow(OptionError);
  });
});
