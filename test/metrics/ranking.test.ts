// Reference values: scripts/metric-references.py ranking (scikit-learn 1.9.1).
import { describe, expect, test } from 'vitest';
import { AUROC, AveragePrecision, PaddedSequence, tensor } from 'stmnet';
import { describeDevices } from '../support/devices';
import { binary, chances, inBatches } from '../support/metric-data';

describeDevices('metrics of an order', () => {
  test('of yes or no are those of scikit-learn, whatever the batch size', async () => {
    for (const size of [1, 7, 40]) {
      expect(await inBatches(new AUROC(), binary, { size })).toBeCloseTo(0.68671679197995, 14);
      expect(await inBatches(new AUROC(), binary, { size, weighted: true })).toBeCloseTo(0.6892915642915644, 14);
      expect(await inBatches(new AveragePrecision(), binary, { size })).toBeCloseTo(0.6198616638733959, 14);
      const weighted = await inBatches(new AveragePrecision(), binary, { size, weighted: true });
      expect(weighted).toBeCloseTo(0.6639608588851973, 14);
    }
    const two = { ...binary, scores: binary.scores.map((p) => [1 - p, p]) };
    expect(await inBatches(new AUROC(), two)).toBeCloseTo(0.68671679197995, 14);
    const logits = { ...binary, scores: binary.scores.map((p) => [1 + 2 * p, 1 + 5 * p]) };
    const hints = { scores: 'classes' } as const;
    expect(await inBatches(new AUROC(), logits, { hints })).toBeCloseTo(0.68671679197995, 14);
  });

  test('of several classes are those of scikit-learn', async () => {
    const [auroc, precision] = [new AUROC(), new AveragePrecision()];
    for (const size of [7, 40]) {
      expect(await inBatches(auroc, chances, { size })).toBeCloseTo(0.6538829451481583, 14);
      expect(await inBatches(precision, chances, { size })).toBeCloseTo(0.3581259280733409, 14);
    }
    const areas = [0.7350427350427352, 0.5686274509803921, 0.561128526645768, 0.803921568627451, 0.6006944444444444];
    expect((await auroc.perClass()).map((x) => x.toFixed(12))).toEqual(areas.map((x) => x.toFixed(12)));
    const weighted = { average: 'weighted' } as const;
    expect(await inBatches(new AUROC(), chances, { weighted: true })).toBeCloseTo(0.6824737314529916, 14);
    expect(await inBatches(new AUROC(weighted), chances)).toBeCloseTo(0.659151031102096, 14);
    expect(await inBatches(new AUROC(weighted), chances, { weighted: true })).toBeCloseTo(0.6862040976182552, 14);
    expect(await inBatches(new AveragePrecision(weighted), chances)).toBeCloseTo(0.3924668466016793, 14);
    const logits = tensor(chances.given, { dtype: 'f64' }).mul(4);
    const [told, same] = [new AUROC({ logits: true }), new AUROC()];
    told.update(logits, chances.truth);
    same.update(logits.softmax(), chances.truth);
    expect(await told.compute()).toBe(await same.compute());
    expect(await told.compute()).not.toBeCloseTo(0.6538829451481583, 3);
  });

  test('padding and labels to ignore do not count', async () => {
    const auroc = new AUROC();
    const output = new PaddedSequence(tensor([[0.9, 0.2, 7], [0.4, 0.8, 9]]), [2, 2]); // prettier-ignore
    auroc.update(output, new PaddedSequence(tensor([[1, 0, 1], [1, -100, 0]]), [2, 2])); // prettier-ignore
    auroc.update([0.3, 0.5], [0, 0], { weight: [1, 0] });
    expect(await auroc.compute()).toBe(1);
  });
});

describe('what is not defined', () => {
  test.each([
    // m.roc_auc_score([1, 1], [.1, .2]), m.average_precision_score(…)
    [[0.1, 0.2], [1, 1], Number.NaN, 1],
    [[0.1, 0.2], [0, 0], Number.NaN, 0],
    [[0.5, 0.5], [0, 1], 0.5, 0.5],
    [[Number.NaN, 0.5], [0, 1], Number.NaN, Number.NaN],
    [[0.5], [-100], Number.NaN, Number.NaN],
  ])('scores %o of %o', async (scores, truth, area, precision) => {
    for (const [metric, expected] of [
      [new AUROC(), area],
      [new AveragePrecision(), precision],
    ] as const) {
      // prettier-ignore
      expect(await metric.compute()).toBeNaN();
      metric.update(scores, truth);
      expect(await metric.compute()).toEqual(expected);
    }
  });
  test('a class that does not occur', async () => {
    const scores = [[0.2, 0.3, 0.5], [0.1, 0.6, 0.3], [0.3, 0.4, 0.3]]; // prettier-ignore
    const [auroc, precision] = [new AUROC(), new AveragePrecision()];
    for (const metric of [auroc, precision]) metric.update(scores, [0, 1, 1]);
    expect([await auroc.compute(), await precision.compute()]).toEqual([Number.NaN, 0.5]);
    auroc.update(scores, [0, 5, -1]);
    await expect(auroc.compute()).rejects.toThrow(
      'AUROC: got 2 labels that are no class, expected whole numbers in 0..2',
    );
  });
});

test('a million scores', { timeout: 60_000 }, async () => {
  const [count, batch] = [1_000_000, 100_000];
  const auroc = new AUROC();
  for (let at = 0; at < count; at += batch) {
    const scores = Float64Array.from({ length: batch }, (_, i) => (((at + i) * 7919) % count) / count);
    // Right above a half, but for every tenth.
    const truth = Int32Array.from(scores, (score, i) => Number(score >= 0.5) ^ Number(i % 10 === 0));
    auroc.update(scores, truth);
  }
  const used = process.cpuUsage();
  expect(await auroc.compute()).toBeCloseTo(0.9, 3);
  const { user, system } = process.cpuUsage(used);
  expect((user + system) / 1e6).toBeLessThan(3); // seconds of the processor; some 0.3 where nothing else runs
});
