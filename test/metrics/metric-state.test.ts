// What a metric has counted goes into a checkpoint, and its name tells callbacks in which direction it is better.
import { expect, test } from 'vitest';
import * as stm from 'stmnet';
import { EntityF1Score, TopKAccuracy, type Metric, type MetricInput } from 'stmnet';
import { packTree } from '../../src/io/checkpoint-tree';
import { directionOf } from '../../src/training/figure-direction';
import { exportedClasses } from '../support/exports';

/** Each exported metric that counts, of its defaults or the least that it needs. */
const metrics = exportedClasses<Metric>(stm.Metric)
  .filter(([, Class]) => 'count' in Class.prototype)
  .map(([name, Class]): [string, Metric] => [name, name === 'TopKAccuracy' ? new TopKAccuracy({ k: 1 }) : new Class()]);

/** Batches of which a metric compares the first that it takes. */
const batches: readonly (readonly [output: MetricInput, target: MetricInput])[] = [
  [
    [
      ['B-a', 'I-a', 'O'],
      ['O', 'B-b', 'B-a'],
    ],
    [
      ['B-a', 'O', 'O'],
      ['O', 'B-b', 'O'],
    ],
  ],
  [['the cat sat on the mat'], ['the cat sat on a mat']],
  [
    [
      [0.75, 0.25],
      [0.5, 0.5],
      [0.125, 0.875],
    ],
    [1, 0, 1],
  ],
  [
    [0.5, 0.25, 0.75],
    [1, 0, 1],
  ],
  [
    [1.5, 2, 3],
    [1, 2.5, 4],
  ],
];

test.each(metrics)('what %s has counted is plain data, and goes on from there', async (name, metric) => {
  for (const [output, target] of batches) {
    if (name !== 'EntityF1Score' && output === batches[0]?.[0]) continue; // tags are for it alone
    const [first, second] = [metric.begin(), metric.begin()];
    try {
      first.update(output, target);
    } catch {
      continue;
    }
    const { json, arrays } = packTree('save', { state: await first.state() });
    expect(Object.keys(arrays).length + json.length).toBeGreaterThan(10);
    second.loadState(await first.state());
    first.update(output, target);
    second.update(output, target);
    const value = await first.compute();
    expect(await second.compute()).toBe(value);
    expect(value).not.toBeNaN();
    return;
  }
  expect.fail(`${name} takes none of the batches`);
});

test.each(metrics)('the name of %s tells whether it should become small or large', (name, metric) => {
  const small = /Error|Rate|Distance|Loss|Brier|Perplexity|Bits/u.test(name);
  expect(directionOf('EarlyStopping', `validation.${metric.name}`)).toBe(small ? 'min' : 'max');
});

test('a type of entities may be called as one likes', async () => {
  const metric = new EntityF1Score();
  metric.update([['B-__proto__', 'O']], [['B-__proto__', 'B-constructor']]);
  expect(Object.keys((await metric.report()).types)).toEqual(['__proto__', 'constructor']);
  expect(await metric.compute()).toBeCloseTo(2 / 3, 14);
});
