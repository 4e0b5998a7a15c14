// Reference values: scripts/metric-references.py texts (sacrebleu 2.6.0).
import { expect, test } from 'vitest';
import { CHRFScore, type CHRFScoreOptions } from 'stmnet';
import { outputs, pairs, references } from '../support/text-data';

async function chrf(
  output: readonly string[],
  target: readonly string[] | readonly (readonly string[])[],
  options: CHRFScoreOptions = {},
  size = output.length,
): Promise<number> {
  const metric = new CHRFScore(options);
  for (let at = 0; at < output.length; at += size)
    metric.update(output.slice(at, at + size), target.slice(at, at + size) as string[]);
  return metric.compute();
}

test('chrF and chrF++ are those of sacreBLEU, whatever the batch size', async () => {
  for (const size of [1, 2, 5]) {
    expect(await chrf(outputs, references, {}, size)).toBeCloseTo(57.29179164397669, 11);
    expect(await chrf(outputs, pairs, {}, size)).toBeCloseTo(69.91346070553784, 11);
    expect(await chrf(outputs, references, { wordOrder: 2 }, size)).toBeCloseTo(54.12286306563999, 11);
    expect(await chrf(outputs, pairs, { wordOrder: 2 }, size)).toBeCloseTo(64.5824651758954, 11);
  }
});

test('nothing in common is 0, and short texts count by the n-grams they have', async () => {
  expect(await chrf(['abc'], ['xyz'])).toBe(0);
  expect(await chrf(['ab'], ['ab'])).toBeCloseTo(100, 12);
  expect(await chrf(['AB'], ['ab'], { lowercase: true })).toBeCloseTo(100, 12);
  expect(await chrf([''], [''])).toBe(0);
  expect(await new CHRFScore().compute()).toBeNaN();
  expect(() => new CHRFScore({ wordOrder: -1 })).toThrow(/wordOrder: -1/);
});
