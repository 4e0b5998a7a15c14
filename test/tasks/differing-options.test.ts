import { expect, test } from 'vitest';
import { differingOptions } from '../../src/tasks/differing-options';

test('options differ by what JSON has of them, but for those that may', () => {
  const before = { epochs: 9, header: false, weights: { a: 1 }, seed: 1 };
  const now = { epochs: 27, header: false, weights: { a: 1 }, seed: 2, tokens: undefined, cell: 'gru' };
  const { names, now: given } = differingOptions(before, now, ['seed']);
  expect(names).toEqual(['epochs', 'cell']);
  expect(given).toEqual({ epochs: 27, header: false, weights: { a: 1 }, seed: 2, cell: 'gru' });
  expect(differingOptions(before, before).names).toEqual([]);
});
