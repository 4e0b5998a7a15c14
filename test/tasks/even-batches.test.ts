import { expect, it } from 'vitest';
import { evenBatches, evenLoader } from '../../src/tasks/even-batches';

const lengths = [3, 20_000, 0, 7, 9_000, 8_000, 1];
const lengthOf = ({ length }: { length: number }): number => length;
const items = lengths.map((length) => ({ length }));

it('puts items of like lengths together, the longest first, within so many steps', () => {
  const batches = evenBatches(items, lengthOf);
  expect(batches.map(({ places }) => places)).toEqual([[1], [4], [5, 3], [0, 2, 6]]);
  for (const { places, items: some } of batches) expect(some).toEqual(places.map((place) => items[place]));
});

it('has every item once, 256 in a batch at most', () => {
  const many = Array.from({ length: 1000 }, (_, length) => ({ length: length % 5 }));
  const batches = evenBatches(many, lengthOf);
  expect(Math.max(...batches.map(({ places }) => places.length))).toBe(256);
  expect(batches.flatMap(({ places }) => places).sort((a, b) => a - b)).toEqual(many.map((_, place) => place));
  expect(evenBatches([], lengthOf)).toEqual([]);
});

it('makes a loader of all items', () => {
  const loader = evenLoader(
    [1, 2, 3].map((length) => ({ x: new Float32Array(length).fill(length) })),
    ({ x }) => x.length,
  );
  expect([...loader].map(({ x }) => x.shape)).toEqual([[3, 3]]);
});
