// Reference values: scripts/metric-references.py regression (scikit-learn 1.9.1, torchmetrics 1.9.0).
import { expect, test } from 'vitest';
import {
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  MeanSquaredError,
  PaddedSequence,
  RootMeanSquaredError,
  SymmetricMeanAbsolutePercentageError,
  tensor,
  type Sequence,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { inBatches, regressionOfOne } from '../support/metric-data';

const i32 = { dtype: 'i32' } as const;

test('mean absolute and squared errors, over real steps', async () => {
  const output: Sequence = new PaddedSequence(
    tensor([
      [[1], [2]],
      [[3], [99]],
    ]),
    [2, 1],
  );
  const target: Sequence = new PaddedSequence(
    tensor([
      [[0], [0]],
      [[0], [0]],
    ]),
    [2, 1],
  );
  const [absolute, squared] = [new MeanAbsoluteError(), new MeanSquaredError()];
  for (const metric of [absolute, squared]) {
    metric.update(output, target);
    metric.update(tensor([[4]]), tensor([[0]]));
  }
  expect(await absolute.compute()).toBe(10 / 4);
  expect(await squared.compute()).toBe(30 / 4);
});

test('errors are taken in f64, whatever outputs and targets are', async () => {
  const [absolute, squared] = [new MeanAbsoluteError(), new MeanSquaredError()];
  absolute.update(tensor([1, 2], i32), tensor([3.75, 3]));
  expect(await absolute.compute()).toBe((2.75 + 1) / 2);
  squared.update(tensor([100_000], i32), tensor([0], i32));
  expect(await squared.compute()).toBe(1e10);
  squared.reset();
  squared.update(tensor([2 ** 100]), tensor([0]));
  expect(await squared.compute()).toBe(2 ** 200);
});

describeDevices('mean errors', () => {
  test.each([
    [MeanAbsoluteError, 0, 0.6332384158989749, 0.6302736219735062],
    [MeanSquaredError, 0, 0.49704863326191295, 0.49276217109612447],
    [RootMeanSquaredError, 0, 0.7050167609794202, 0.7019702067011993],
    [MeanAbsolutePercentageError, 10, 0.13067148120335603, 0.13657066154508532],
  ])('%o is that of scikit-learn, whatever the batch size', async (Class, shift, plain, weighted) => {
    for (const size of [1, 7, 40]) {
      expect(await inBatches(new Class(), regressionOfOne(shift), { size })).toBeCloseTo(plain, 13);
      expect(await inBatches(new Class(), regressionOfOne(shift), { size, weighted: true })).toBeCloseTo(weighted, 13);
    }
  });

  test('the symmetric percentage error is that of torchmetrics', async () => {
    for (const size of [7, 40]) {
      const value = await inBatches(new SymmetricMeanAbsolutePercentageError(), regressionOfOne(), { size });
      expect(value).toBeCloseTo(0.3660946993270545, 13);
    }
  });
});

test('percentages of 0', async () => {
  const [plain, symmetric] = [new MeanAbsolutePercentageError(), new SymmetricMeanAbsolutePercentageError()];
  for (const metric of [plain, symmetric]) metric.update([1, 1], [0, 2]);
  expect(await plain.compute()).toBe(2251799813685248); // m.mean_absolute_percentage_error([0, 2], [1, 1])
  symmetric.reset();
  symmetric.update([0, 1], [0, 2]);
  expect(await symmetric.compute()).toBe(1 / 3);
  expect(await new RootMeanSquaredError().compute()).toBeNaN();
});
