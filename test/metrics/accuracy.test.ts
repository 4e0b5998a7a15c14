// Reference values: scripts/metric-references.py classes (scikit-learn 1.9.1, torchmetrics 1.9.0).
import { expect, test } from 'vitest';
import { Accuracy, OptionError, PaddedSequence, tensor, TopKAccuracy } from 'stmnet';
import { describeDevices } from '../support/devices';
import { classes, inBatches } from '../support/metric-data';

describeDevices('accuracy', () => {
  test('is that of scikit-learn, whatever the batch size', async () => {
    for (const size of [1, 7, 40]) {
      expect(await inBatches(new Accuracy(), classes, { size })).toBe(0.25);
      expect(await inBatches(new Accuracy(), classes, { size, weighted: true })).toBeCloseTo(0.22857142857142856, 14);
    }
  });

  test('of answers: whole numbers, or texts with labels', async () => {
    const accuracy = new Accuracy();
    accuracy.update([0, 2, 1], [0, 1, 1]);
    accuracy.update(tensor([[2, 3]], { dtype: 'i32' }), tensor([[2, -100]]));
    expect(await accuracy.compute()).toBe(3 / 4);
    const named = new Accuracy({ labels: ['no', 'yes', 'maybe'] });
    named.update(['no', 'maybe'], ['no', 'yes']);
    named.update([[0.1, 0.2, 0.9]], ['maybe']); // prettier-ignore
    expect(await named.compute()).toBe(2 / 3);
    expect(() => named.update(['never'], ['no'])).toThrow(OptionError);
  });

  test('among the top k is that of torchmetrics and scikit-learn', async () => {
    for (const [k, expected] of [
      [1, 0.25],
      [2, 0.55],
      [3, 0.85],
      [5, 1],
    ] as const)
      // prettier-ignore
      for (const size of [7, 40]) expect(await inBatches(new TopKAccuracy({ k }), classes, { size })).toBe(expected);
    const weighted = await inBatches(new TopKAccuracy({ k: 2 }), classes, { weighted: true });
    expect(weighted).toBeCloseTo(0.5571428571428572, 14);
  });
});

test('equal scores stand in the order of the classes; NaN, odd labels and padding are no hit', async () => {
  const top = new TopKAccuracy({ k: 2 });
  expect(top.name).toBe('top2Accuracy');
  const same = [1, 1, 1];
  top.update([same, same, same, [3, 2, Number.NaN], [3, 2, 1], [3, 2, 1]], [0, 1, 2, 0, 7, -100]);
  expect(await top.compute()).toBe(2 / 5);
  top.reset();
  const output = new PaddedSequence(tensor([[[0, 5, 1], [9, 9, 9]]]), [1]); // prettier-ignore
  top.update(output, new PaddedSequence(tensor([[2, 0]]), [1]));
  expect(await top.compute()).toBe(1);
});

test('fewer classes than k, or none, are refused', () => {
  const top = new TopKAccuracy({ k: 4 });
  expect(() => top.update([[1, 2, 3.5]], [1])).toThrow(
    // prettier-ignore
    /TopKAccuracy: got output f64\[1, 3\] .*, expected scores of 4 classes or more along the last axis/,
  );
  expect(() => top.update([1, 2], [1, 2])).toThrow(/expected scores of 4 classes/);
  expect(() => new TopKAccuracy({ k: 0 })).toThrow(/k: 0/);
  expect(() => new TopKAccuracy({ k: 1, threshold: 0.5 } as { k: number })).toThrow(/got an option threshold/);
});
