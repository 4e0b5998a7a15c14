// Reference values: scripts/metric-references.py regression (scikit-learn 1.9.1).
import { expect, test } from 'vitest';
import { PaddedSequence, R2Score, tensor } from 'stmnet';
import { describeDevices } from '../support/devices';
import { inBatches, regression, regressionOfOne } from '../support/metric-data';

describeDevices('R2Score', () => {
  test('is that of scikit-learn, whatever the batch size', async () => {
    for (const size of [1, 7, 40]) {
      const r2 = new R2Score();
      expect(await inBatches(r2, regressionOfOne(), { size })).toBeCloseTo(0.9847936325126855, 13);
      expect(await inBatches(r2, regressionOfOne(), { size, weighted: true })).toBeCloseTo(0.9850640894108433, 13);
      expect(await inBatches(r2, regression(), { size })).toBeCloseTo(0.9845813173166322, 13);
      const [first = 0, second = 0] = await r2.perOutput();
      expect(first).toBeCloseTo(0.9847936325126855, 13);
      expect(second).toBeCloseTo(0.984369, 6);
      expect(await inBatches(r2, regression(), { size, weighted: true })).toBeCloseTo(0.9847780821367773, 13);
      const weighted = new R2Score({ multioutput: 'varianceWeighted' });
      expect(await inBatches(weighted, regression(), { size, weighted: true })).toBeCloseTo(0.9847780821367772, 13);
    }
  });

  test('does not cancel where targets are large', async () => {
    for (const size of [1, 7, 40])
      expect(await inBatches(new R2Score(), regressionOfOne(1e9), { size })).toBeCloseTo(0.9847936321075365, 9);
  });

  test('of targets that are all equal, and of fewer than two rows', async () => {
    const value = async (output: number[], target: number[], batch = output.length): Promise<number> => {
      const r2 = new R2Score();
      for (let at = 0; at < output.length; at += batch)
        r2.update(output.slice(at, at + batch), target.slice(at, at + batch));
      return r2.compute();
    };
    expect(await value([1, 1, 1], [1, 1, 1])).toBe(1);
    expect(await value([1, 2, 1], [1, 1, 1])).toBe(0);
    for (const batch of [1, 2, 3]) expect(await value([0.1, 0.1, 0.2], [0.1, 0.1, 0.1], batch)).toBe(0);
    expect(await value([1], [1])).toBeNaN();
    expect(await value([], [])).toBeNaN();
    expect(await new R2Score().perOutput()).toEqual([]);
  });

  test('padding and what has no weight do not count', async () => {
    const r2 = new R2Score();
    const nan = Number.NaN;
    const [said, truth] = [tensor([[1, 2], [2, nan]]), tensor([[1, 3], [2, 5]])]; // prettier-ignore
    r2.update(new PaddedSequence(said, [2, 1]), new PaddedSequence(truth, [2, 1]));
    r2.update([nan, 4], [nan, 4], { weight: [0, 1] });
    expect(await r2.compute()).toBeCloseTo(1 - 1 / 5, 14); // targets 1, 3, 2, 4
  });
});
