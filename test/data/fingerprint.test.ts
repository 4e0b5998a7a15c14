import { expect, test } from 'vitest';
import { DataLoader, tensor } from 'stmnet';
import { fingerprintOf } from '../../src/data/fingerprint';

const collate = (): number => 0;
const contentOf = (items: readonly unknown[]): unknown => new DataLoader(items, { collate }).state().data['content'];

test('tells items apart by what is in them', () => {
  const items: unknown[] = [
    [{ a: 1 }],
    [{ a: '1' }],
    [{ a: 2 }],
    [{ b: 1 }],
    [{ a: [1] }],
    [{ a: [[1]] }],
    [{ a: [1, 2] }],
    [{ a: [[1, 2]] }],
    [{ a: [[1], [2]] }],
    [{ a: null }],
    [{ a: undefined }],
    [{ a: true }],
    [{ a: Float32Array.of(1) }],
    [{ a: Int32Array.of(1) }],
    [{ a: tensor([1]) }],
    [{ a: tensor([1, 2]) }],
    [{ a: 1 }, { a: 1 }],
  ];
  const contents = items.map((list) => contentOf(list as unknown[]));
  expect(new Set(contents).size).toBe(items.length);
  expect(items.map((list) => contentOf(copiesOf(list as unknown[])))).toEqual(contents);
});

/** The same items as other objects; tensors stay. */
const copiesOf = (items: readonly unknown[]): unknown[] => items.map((item) => ({ ...(item as object) }));

test('has an end where items are huge, refer to each other or to themselves', () => {
  interface Row {
    all: Row[];
    self?: Row;
    wave: Float32Array;
    last: number;
  }
  const all: Row[] = [];
  const wave = new Float32Array(20_000_000);
  for (let i = 0; i < 100_000; i++) all.push({ all, wave, last: i });
  for (const row of all) row.self = row;
  const started = performance.now();
  const content = contentOf(all);
  expect(performance.now() - started).toBeLessThan(5000);
  wave[19_999_999] = 1;
  expect(contentOf(all)).not.toBe(content);
});

test('looks at all items where it is told to, in place of a few of them', () => {
  const items = Array.from({ length: 1000 }, (_, at) => ({ at }));
  const changed = items.with(5, { at: -1 });
  expect(fingerprintOf(changed)).toBe(fingerprintOf(items));
  expect(fingerprintOf(changed, Infinity)).not.toBe(fingerprintOf(items, Infinity));
  expect(fingerprintOf(structuredClone(items), Infinity)).toBe(fingerprintOf(items, Infinity));
});
