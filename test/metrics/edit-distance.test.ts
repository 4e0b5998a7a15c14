// Reference values: scripts/metric-references.py texts (torchmetrics 1.9.0, which computes in f32).
import { expect, test } from 'vitest';
import { CharErrorRate, EditDistance, PaddedSequence, tensor, WordErrorRate, type Metric } from 'stmnet';
import { describeDevices } from '../support/devices';
import { outputs, references } from '../support/text-data';

async function value(
  metric: Metric,
  output: readonly string[],
  target: readonly string[],
  size: number,
): Promise<number> {
  for (let at = 0; at < output.length; at += size)
    metric.update(output.slice(at, at + size), target.slice(at, at + size));
  return metric.compute();
}

test('edit distance and error rates are those of torchmetrics, whatever the batch size', async () => {
  for (const size of [1, 2, 5]) {
    expect(await value(new WordErrorRate(), outputs, references, size)).toBeCloseTo(0.4722222089767456, 6);
    expect(await value(new CharErrorRate(), outputs, references, size)).toBeCloseTo(0.25161290168762207, 6);
    expect(await value(new EditDistance(), outputs, references, size)).toBe(39 / 5);
  }
});

test('of tokens, with weights, and where nothing is to be said', async () => {
  const [distance, rate] = [new EditDistance(), new WordErrorRate()];
  for (const metric of [distance, rate]) {
    metric.update([['a', 'b', 'c'], ['x']], [['b', 'c'], ['y', 'z']], { weight: [3, 1] }); // prettier-ignore
  }
  expect([await distance.compute(), await rate.compute()]).toEqual([(3 * 1 + 2) / 4, (3 * 1 + 2) / (3 * 2 + 2)]);
  expect([await value(new CharErrorRate(), ['ab'], [''], 1), await value(new CharErrorRate(), [''], [''], 1)]).toEqual([
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ]);
  expect(await value(new CharErrorRate(), ['👍🏽a'], ['👍a'], 1)).toBe(1 / 2); // code points
  expect(() => new EditDistance().update(['a'], [])).toThrow(/got 1 outputs and 0 targets/);
  expect(() => new EditDistance().update(['a'], [1])).toThrow(/expected texts for both, or numbers for both/);
});

describeDevices('edit distance of numbers', () => {
  test('padded sequences of different lengths, and scores', async () => {
    const distance = new EditDistance();
    const target = new PaddedSequence(tensor([[1, 2, 3], [4, 0, 0]], { dtype: 'i32' }), [3, 1]); // prettier-ignore
    distance.update(new PaddedSequence(tensor([[1, 3], [5, 9]], { dtype: 'i32' }), [2, 1]), target); // prettier-ignore
    expect(await distance.compute()).toBe((1 + 1) / 2);
    distance.reset();
    distance.update(new PaddedSequence(tensor([[[0, 1], [1, 0]]]), [2]), [[1, 1]]); // prettier-ignore
    expect(await distance.compute()).toBe(1);
  });
});
