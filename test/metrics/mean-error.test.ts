import { expect, test } from 'vitest';
import { MeanAbsoluteError, MeanSquaredError, PaddedSequence, tensor, type Sequence } from 'stmnet';

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
