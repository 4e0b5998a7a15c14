import { expect, test } from 'vitest';
import { mapValues, PaddedSequence, tensor } from 'stmnet';
import { here } from '../support/devices';

test('mapValues goes through either kind, with zeros in the padding', async () => {
  expect(await mapValues(tensor([1, 2]), (values) => values.add(1)).array()).toEqual([2, 3]);
  const mapped = mapValues(new PaddedSequence(tensor([[1, NaN]]), [1]), (values) => values.mul(2));
  expect([mapped.lengths, await mapped.values.array()]).toEqual([[1], [[2, 0]]]);
  expect(mapped.device).toBe(here);
});
