import { expect, test } from 'vitest';
import { kFold, manualSeed, permutation, type Fold } from 'stmnet';

const rows = Array.from({ length: 103 }, (_, place) => ({
  place,
  label: place % 10 < 2 ? 'rare' : 'common',
  customer: (place * 7) % 31,
}));
type Row = (typeof rows)[number];
const labelOf = ({ label }: Row): string => label;
const customerOf = ({ customer }: Row): number => customer;
const places = (part: Iterable<Row>): number[] => Array.from(part, ({ place }) => place);
const all = rows.map(({ place }) => place);

/** Every item is in one validation part, and on one side of each fold. */
function check(folds: Fold<Row>[]): void {
  expect(folds.flatMap(({ validation }) => places(validation)).sort((a, b) => a - b)).toEqual(all);
  for (const { train, validation } of folds)
    expect([...places(train), ...places(validation)].sort((a, b) => a - b)).toEqual(all);
}
const sizes = (folds: Fold<Row>[], label?: string): number[] =>
  folds.map(({ validation }) => [...validation].filter((row) => label === undefined || row.label === label).length);
const spread = (counts: number[]): number => Math.max(...counts) - Math.min(...counts);

test('without options the folds are runs of a permutation, as ever', () => {
  manualSeed(6);
  const folds = kFold(rows, 4);
  manualSeed(6);
  const order = permutation(103);
  expect(folds.map(({ validation }) => places(validation))).toEqual([
    order.slice(0, 25),
    order.slice(25, 51),
    order.slice(51, 77),
    order.slice(77),
  ]);
});

test('stratified: classes and sizes differ by one at most', () => {
  const folds = kFold(rows, 5, { stratifyBy: labelOf, seed: 1 });
  check(folds);
  expect([spread(sizes(folds)), spread(sizes(folds, 'rare')), spread(sizes(folds, 'common'))]).toEqual([1, 1, 1]);
  for (const { train } of folds) expect(places(train)).toEqual(places(train).sort((a, b) => a - b));
});

test('grouped: a group is in one fold', () => {
  for (const options of [{ groupBy: customerOf }, { groupBy: customerOf, stratifyBy: labelOf }]) {
    const folds = kFold(rows, 5, { ...options, seed: 2 });
    check(folds);
    for (const { train, validation } of folds) {
      const seen = new Set([...train].map(customerOf));
      expect([...validation].filter((row) => seen.has(customerOf(row)))).toEqual([]);
    }
    expect(spread(sizes(folds))).toBeLessThanOrEqual(4); // groups have three or four items
  }
  const mixed = sizes(kFold(rows, 5, { groupBy: customerOf, stratifyBy: labelOf, seed: 2 }), 'rare');
  expect(spread(mixed)).toBeLessThanOrEqual(2); // of 22 rare ones
});

test.each([
  [10, 3, 5],
  [2, 4, 8],
  [7, 2, 3],
])('%i classes of %i groups each, one class a group: %i folds of like size', (classes, groups, k) => {
  const visits = Array.from({ length: classes * groups * 4 }, (_, i) => ({
    label: Math.floor(i / (groups * 4)),
    customer: Math.floor(i / 4),
  }));
  const keys = { groupBy: (visit: (typeof visits)[number]) => visit.customer, stratifyBy: ({ label = 0 }) => label };
  for (let seed = 0; seed < 5; seed++) {
    const counts = kFold(visits, k, { ...keys, seed }).map(({ validation }) => validation.length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(visits.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(spread(counts)).toBeLessThanOrEqual(4); // one group
  }
});

test('a seed gives the same folds, whatever was drawn', () => {
  const folds = (seed: number): number[][] => kFold(rows, 3, { seed }).map(({ validation }) => places(validation));
  const before = folds(1);
  check(kFold(rows, 3, { seed: 1 }));
  manualSeed(77);
  expect(folds(1)).toEqual(before);
  expect(folds(2)).not.toEqual(before);
});

test('mistakes', () => {
  expect(() => kFold(rows, 40, { groupBy: customerOf })).toThrow(
    'kFold: got k: 40, expected 2..31, the number of groups.\n  Fix: choose fewer folds, such as 5.',
  );
  expect(() => kFold(rows, 5, { stratifyBy: ({ place }) => place === 0 })).toThrow(
    /^kFold: got the class true in item 0 alone/,
  );
  expect(() => kFold(rows, 5, { shuffle: true } as never)).toThrow(/got an option shuffle/);
});
