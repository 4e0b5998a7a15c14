import { describe, expect, test } from 'vitest';
import { Accuracy, ConfusionMatrix, MeanAbsoluteError, MeanSquaredError, OptionError, PaddedSequence, scope, ShapeError, tensor, zeros, type Sequence } from 'stmnet';
import { handlesKept } from '../support/handles';
import { here } from '../support/devices';

const labels = (values: number[] | number[][]): ReturnType<typeof tensor> => tensor(values, { dtype: 'i32' });
/** Scores whose highest stands at the class given. */
const scores = (classes: readonly number[], count: number): number[][] => classes.map((wanted) => Array.from({ length: count }, (_, i) => (i === wanted ? 2 : Math.sin(i))));

test('Accuracy over batches, and from zero after reset', async () => {
  const accuracy = new Accuracy();
  expect(await accuracy.compute()).toBeNaN();
  accuracy.update(tensor(scores([0, 1, 2], 3)), labels([0, 1, 1]));
  accuracy.update(tensor(scores([2], 3)), labels([2]));
  expect(await accuracy.compute()).toBe(3 / 4);
  accuracy.reset();
  accuracy.update(tensor(scores([1], 3)), labels([0]));
  expect(await accuracy.compute()).toBe(0);
});

test('Accuracy counts real steps only, and not the label to ignore', async () => {
  const padded = new PaddedSequence(tensor([scores([1, 0, 0], 2), scores([1, 1, 0], 2)]), [1, 3]);
  const target = new PaddedSequence(labels([[1, 0, 0], [1, 0, -100]]), [1, 3]);
  const accuracy = new Accuracy();
  accuracy.update(padded, target);
  expect(await accuracy.compute()).toBe(2 / 3);
  const all = new Accuracy({ ignoreIndex: 0 });
  all.update(padded.values, new PaddedSequence(target.values, [1, 2]));
  expect(await all.compute()).toBe(1);
});

test('Accuracy by threshold', async () => {
  const accuracy = new Accuracy({ threshold: 0 });
  accuracy.update(tensor([[-1, 2], [3, -4]]), tensor([[0, 1], [0, 0]]));
  expect(await accuracy.compute()).toBe(3 / 4);
});

test('mean absolute and squared errors, over real steps', async () => {
  const output: Sequence = new PaddedSequence(tensor([[[1], [2]], [[3], [99]]]), [2, 1]);
  const target: Sequence = new PaddedSequence(tensor([[[0], [0]], [[0], [0]]]), [2, 1]);
  const [absolute, squared] = [new MeanAbsoluteError(), new MeanSquaredError()];
  for (const metric of [absolute, squared]) {
    metric.update(output, target);
    metric.update(tensor([[4]]), tensor([[0]]));
  }
  expect(await absolute.compute()).toBe(10 / 4);
  expect(await squared.compute()).toBe(30 / 4);
});

test('ConfusionMatrix: rows are true classes; its value is the mean recall of those that occur', async () => {
  const confusion = new ConfusionMatrix({ numClasses: 3 });
  confusion.update(tensor(scores([0, 1, 1, 2], 3)), labels([0, 0, 1, 1]));
  confusion.update(new PaddedSequence(tensor([scores([0, 2], 3)]), [1]), new PaddedSequence(labels([[0, 2]]), [1]));
  expect(await confusion.matrix()).toEqual([[2, 1, 0], [0, 1, 1], [0, 0, 0]]);
  expect(await confusion.compute()).toBeCloseTo((2 / 3 + 1 / 2) / 2, 12);
});

test('updates inside a scope are kept and leave no handles', async () => {
  const accuracy = new Accuracy();
  const [output, target] = [tensor(scores([0], 2)), labels([0])];
  const once = (): void => scope(() => accuracy.update(output, target));
  once();
  const before = handlesKept();
  for (let i = 0; i < 20; i++) once();
  expect(handlesKept()).toBe(before);
  expect(await accuracy.compute()).toBe(1);
});

describe('mistakes', () => {
  test('outputs and targets that do not fit', () => {
    expect(() => new Accuracy().update(zeros([4, 3]), labels([0, 1]))).toThrow(`Accuracy: got output f32[4, 3] on ${here} and target i32[2] on ${here}, expected a target of shape [4].`);
    expect(() => new MeanSquaredError().update(zeros([4, 3]), zeros([4]))).toThrow(ShapeError);
    expect(() => new ConfusionMatrix({ numClasses: 4 }).update(zeros([2, 3]), labels([0, 1]))).toThrow(`ConfusionMatrix: got output f32[2, 3] on ${here}, expected last axis 4 (numClasses).`);
  });
  test('a label that is no class', async () => {
    const confusion = new ConfusionMatrix({ numClasses: 2 });
    const count = async (): Promise<unknown> => {
      confusion.update(zeros([1, 2]), labels([5]));
      return confusion.compute();
    };
    await expect(count()).rejects.toThrow(/oneHot: .*5/);
  });
  test('options', () => {
    expect(() => new ConfusionMatrix({ numClasses: 0 })).toThrow(OptionError);
    expect(() => new Accuracy({ treshold: 1 } as object)).toThrow(/got an option treshold/);
  });
});
