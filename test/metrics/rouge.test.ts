// Reference values: scripts/metric-references.py texts (torchmetrics 1.9.0, which computes in f32).
import { expect, test } from 'vitest';
import { ROUGELScore } from 'stmnet';
import { outputs, pairs, references } from '../support/text-data';

test('ROUGE-L is that of torchmetrics, whatever the batch size', async () => {
  for (const size of [1, 2, 5]) {
    const [one, several] = [new ROUGELScore(), new ROUGELScore()];
    for (let at = 0; at < outputs.length; at += size) {
      one.update(outputs.slice(at, at + size), references.slice(at, at + size));
      several.update(outputs.slice(at, at + size), pairs.slice(at, at + size));
    }
    expect(await one.compute()).toBeCloseTo(0.7370370626449585, 6);
    expect(await several.compute()).toBeCloseTo(0.7537037134170532, 6);
  }
});

test('texts count by their weights, and words are a-z and 0-9', async () => {
  const rouge = new ROUGELScore();
  rouge.update(['a x b y c', 'zz'], ['A, b, c!', 'a'], { weight: [3, 1] });
  expect(await rouge.compute()).toBeCloseTo((3 * (6 / 8)) / 4, 14);
  rouge.reset();
  expect(await rouge.compute()).toBeNaN();
  rouge.update(['日本'], ['日本']);
  expect(await rouge.compute()).toBe(0);
});
