import { describe, expect, test } from 'vitest';
import { getRandomState, manualSeed, splitDataset, type Dataset, type SplitOptions, type SplitSizes } from 'stmnet';

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);
/** 60 examples of four classes, two of which JavaScript's strings put in another order than code points do. */
const labelled = numbers(60).map((place) => {
  const letters = place % 3 === 0 ? 'a' : 'b';
  const rare = place % 2 === 0 ? '\uFF5E' : '\u{1F600}';
  return { place, label: place % 7 === 0 ? rare : letters, customer: `customer ${(place * place) % 13}` };
});
type Row = (typeof labelled)[number];
const stratifyBy = ({ label }: Row): string => label;
const groupBy = ({ customer }: Row): string => customer;
const places = (part: Dataset<Row> | undefined): number[] =>
  Array.from({ length: part?.length ?? 0 }, (_, i) => part?.at(i).place ?? -1);
const split = (sizes: SplitSizes, options: SplitOptions<Row>): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(splitDataset(labelled, sizes, options)).map(([name, part]) => [name, places(part)]),
  );
const shares = { train: 0.6, validation: 0.2, test: 0.2 };
const countBy = (rows: number[], keyOf: (row: Row) => string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const place of rows) {
    const row = labelled[place];
    if (row !== undefined) counts[keyOf(row)] = (counts[keyOf(row)] ?? 0) + 1;
  }
  return counts;
};

describe('splitDataset', () => {
  // By the lines of the docstring in Python 3.11, x = 16807*x % (2**31-1), sorted(classes), int(n*share + 0.5).
  test.each([
    [1, [0, 13, 15, 19, 23, 26, 27, 34, 36, 44, 47, 49], [1, 3, 17, 32, 35, 37, 42, 45, 50, 53, 54, 55]],
    [2, [0, 3, 8, 17, 20, 23, 27, 31, 49, 50, 54, 55], [1, 4, 6, 21, 25, 28, 30, 36, 43, 44, 46, 47]],
  ])('seed %i gives what the same lines of another language give', (seed, validation, testing) => {
    const parts = split(shares, { stratifyBy, seed });
    const held = new Set([...validation, ...testing]);
    expect(parts).toEqual({ train: numbers(60).filter((place) => !held.has(place)), validation, test: testing });
  });
  test('two parts, without classes', () => {
    const { train, validation } = splitDataset(numbers(25), { train: 0.7, validation: 0.3 }, { seed: 3 });
    expect([...validation]).toEqual([5, 7, 11, 13, 14, 15, 19, 23]); // by the same lines
    expect([...train]).toEqual([0, 1, 2, 3, 4, 6, 8, 9, 10, 12, 16, 17, 18, 20, 21, 22, 24]);
  });
  test('a class has the same share of each part, of fractions and of counts', () => {
    const all = countBy(numbers(60), stratifyBy);
    for (const sizes of [shares, { train: 31, validation: 17, test: 12 }]) {
      const parts = split(sizes, { stratifyBy, seed: 4 });
      const exact = sizes === shares ? undefined : Object.values(sizes);
      if (exact !== undefined) expect(Object.values(parts).map(({ length }) => length)).toEqual(exact);
      expect(
        Object.values(parts)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(numbers(60));
      for (const part of Object.values(parts))
        for (const [label, count] of Object.entries(countBy(part, stratifyBy)))
          expect(Math.abs(count - ((all[label] ?? 0) * part.length) / 60)).toBeLessThan(1.01);
    }
  });
  test('groups stay together, fractions are of groups', () => {
    const parts = split(shares, { groupBy, seed: 1 });
    const customers = Object.values(parts).map((part) => Object.keys(countBy(part, groupBy)));
    const distinct = new Set(labelled.map(groupBy)).size;
    expect(customers.flat()).toHaveLength(distinct);
    expect(customers.map(({ length }) => length)).toEqual([5, 1, 1]); // a fifth of 7 customers, rounded
    expect(parts['train']).toEqual(parts['train']?.toSorted((a, b) => a - b));
    expect(split(shares, { groupBy, seed: 2 })).not.toEqual(parts);
  });
  test('groups with classes: whole groups, and each class near its share', () => {
    const visits = numbers(3000).map((i) => ({ customer: (i * i + 7 * i) % 411, buys: (i * 31) % 10 < 2 }));
    const parts = splitDataset(
      visits,
      { train: 0.7, validation: 0.1, test: 0.2 },
      {
        groupBy: ({ customer }) => customer,
        stratifyBy: ({ buys }) => buys,
        seed: 1,
      },
    );
    const customers = Object.values(parts).map((part) => new Set([...part].map(({ customer }) => customer)));
    expect(customers.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(visits.map((v) => v.customer)).size);
    const buys = (rows: Iterable<{ buys: boolean }>): number => [...rows].filter((row) => row.buys).length;
    const [all, of] = [buys(visits), { train: 0.7, validation: 0.1, test: 0.2 }];
    for (const name of ['train', 'validation', 'test'] as const) {
      expect(Math.abs(parts[name].length / 3000 - of[name])).toBeLessThan(0.01);
      expect(Math.abs(buys(parts[name]) / all - of[name])).toBeLessThan(0.015);
    }
  });
  test('in time: the last are for the test', () => {
    expect(split({ train: 0.8, validation: 0.1, test: 0.1 }, { inOrder: true })).toEqual({
      train: numbers(48),
      validation: numbers(60).slice(48, 54),
      test: numbers(60).slice(54),
    });
    const { train, test: last } = splitDataset(numbers(5), { train: 3, test: 2 }, { inOrder: true });
    expect([[...train], [...last]]).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
  });
  test('without a seed manualSeed governs, and another call is another split', () => {
    manualSeed(5);
    const [first, second] = [split(shares, {}), split(shares, {})];
    manualSeed(5);
    expect(split(shares, {})).toEqual(first);
    expect(second).not.toEqual(first);
    const before = getRandomState();
    expect(split(shares, { seed: 0 })).not.toEqual(split(shares, { seed: 1 }));
    expect(getRandomState()).toEqual(before);
  });
  test('halves are rounded up, and what is nearly one too', () => {
    const tests = (length: number, share: number): number =>
      splitDataset(numbers(length), { train: 1 - share, test: share }, { seed: 1 }).test.length;
    expect([5, 15, 25, 35, 115, 1005].map((length) => tests(length, 0.1))).toEqual([1, 2, 3, 4, 12, 101]);
    expect([10, 30, 90, 70].map((length) => tests(length, 0.15))).toEqual([2, 5, 14, 11]);
  });
  test('groups of one class each are in every part', () => {
    const visits = numbers(200).map((i) => ({ label: Math.floor(i / 20), customer: Math.floor(i / 4) }));
    const keys = { groupBy: (visit: (typeof visits)[number]) => visit.customer, stratifyBy: ({ label = 0 }) => label };
    for (let seed = 0; seed < 5; seed++) {
      const parts = splitDataset(visits, { train: 0.8, validation: 0.1, test: 0.1 }, { ...keys, seed });
      expect([parts.train.length, parts.validation.length, parts.test.length]).toEqual([160, 20, 20]);
    }
  });
  test('one huge group, and many items', () => {
    const { train, test: held } = splitDataset(
      numbers(300_000),
      { train: 0.5, test: 0.5 },
      { groupBy: (n) => n < 200_000, seed: 1 },
    );
    expect(Math.abs(train.length - held.length)).toBe(100_000);
  });
});

describe('splitDataset refuses', () => {
  const attempt =
    (sizes: object, options: object = {}, rows: readonly unknown[] = labelled) =>
    () =>
      splitDataset(rows, sizes as never, options);

  test('a class with one example', () => {
    const rows = [...labelled, { place: 60, label: 'once', customer: 'new' }];
    expect(attempt(shares, { stratifyBy }, rows)).toThrow(
      'splitDataset: got the class "once" in item 60 alone, ' +
        'expected at least two examples of each class, for stratifyBy puts a class on both sides.\n' +
        '  Fix: leave the item out, join the class with another, or split without stratifyBy.',
    );
    const held = rows.flatMap((row) => (row.label === 'once' ? [row, row] : [row]));
    expect(attempt(shares, { stratifyBy, groupBy }, held)).toThrow(/got the class "once" in one group alone/);
  });
  test('sizes that do not add up, or are none', () => {
    expect(attempt({ train: 0.8, validation: 0.1 })).toThrow(
      'splitDataset: got sizes train: 0.8, validation: 0.1, in all 0.9, ' +
        'expected fractions that add up to 1, or whole numbers that add up to 60.\n' +
        '  Fix: pass such as { train: 0.8, validation: 0.1, test: 0.1 }.',
    );
    expect(attempt({ train: 50, test: 9 })).toThrow(/in all 59/);
    expect(attempt({ train: 59, test: 0.5 })).toThrow(/in all 59.5/);
    expect(attempt({ train: 1 })).toThrow('splitDataset: got one part, expected two or three');
    expect(attempt({ train: 0.9, dev: 0.1 })).toThrow(
      /^splitDataset: sizes: got an option dev, .*\n {2}Fix: write validation, if that is what you mean by dev/,
    );
    expect(attempt(shares, { stratify: stratifyBy })).toThrow(/Fix: write stratifyBy/);
    expect(attempt({ train: 0.9, test: 0 })).toThrow(
      'got test: 0, expected a fraction or a whole number above 0.\n  Fix: leave test out',
    );
    expect(attempt({ train: Number.NaN, test: 0.1 })).toThrow(/got train: NaN/);
    expect(attempt([0.9, 0.1])).toThrow(/got \[0.9, 0.1\]/);
  });
  test('parts that would be empty', () => {
    expect(attempt({ train: 0.999, test: 0.001 })).toThrow(
      'splitDataset: got test: 0.001 of 60 items, which leaves test empty, expected at least one item in each part.\n' +
        '  Fix: enlarge the part, or leave it out.',
    );
    expect(attempt({ train: 0.5, test: 0.5 }, {}, [])).toThrow(/of 0 items/);
    expect(attempt({ train: 0.5, test: 0.5 }, { groupBy: () => 'all' })).toThrow(/leaves train empty/);
  });
  test('options that contradict each other, and keys that are none', () => {
    expect(attempt(shares, { shuffle: false } as object)).toThrow(
      'Fix: leave it out: items are drawn at random; for shuffle: false, as of a time series, write inOrder: true.',
    );
    expect(attempt(shares, { inOrder: true, seed: 1 })).toThrow(
      'splitDataset: got both inOrder and seed, expected one of them: what is divided in time is neither drawn nor ' +
        'sorted.\n  Fix: leave seed out.',
    );
    expect(attempt(shares, { inOrder: true, groupBy })).toThrow(/both inOrder and groupBy/);
    expect(attempt({ train: 40, test: 20 }, { groupBy })).toThrow(
      'splitDataset: got counts of items with groupBy, expected fractions, since groups go as a whole.',
    );
    expect(attempt(shares, { stratifyBy: 'label' })).toThrow(
      'splitDataset: got stratifyBy: "label", expected a function that gives the key of an item.\n' +
        '  Fix: pass stratifyBy: (item) => item.label.',
    );
    expect(attempt(shares, { stratifyBy: ({ place }: Row) => (place === 7 ? undefined : 1) })).toThrow(
      'splitDataset: got undefined from stratifyBy for item 7, expected text, a number, or true or false.',
    );
    expect(attempt(shares, { groupBy: () => Number.NaN })).toThrow(/got NaN from groupBy for item 0/);
    const later = { length: 3, at: (index: number) => Promise.resolve({ label: index }) };
    expect(() => splitDataset(later, shares, { groupBy: (item) => Reflect.get(item, 'label') as number })).toThrow(
      'splitDataset: got undefined from groupBy for item 0, a Promise, expected text, a number, or true or false.\n' +
        '  Fix: know the keys before the items are there, as in groupBy: (_, index) => labels[index].',
    );
    expect(attempt(shares, { seed: -1 })).toThrow(/got seed: -1/);
    expect(() => splitDataset(undefined as never, shares)).toThrow(/got undefined, expected a dataset/);
  });
});
