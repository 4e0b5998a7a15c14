import { expect, test } from 'vitest';
import {
  Accuracy,
  CharErrorRate,
  ConfusionMatrix,
  EditDistance,
  ExactMatch,
  MeanAbsoluteError,
  MeanSquaredError,
  PaddedSequence,
  ROUGELScore,
  ShapeError,
  tensor,
  WordErrorRate,
} from 'stmnet';
import { handlesKept } from '../support/handles';

const scores = tensor([[2, 1], [0, 3], [5, 4]]); // prettier-ignore
const labels = tensor([0, 0, 1], { dtype: 'i32' });

test('examples count by their weights', async () => {
  const accuracy = new Accuracy();
  accuracy.update(scores, labels, { weight: tensor([3, 1, 0.5]) });
  accuracy.update(scores, labels);
  expect(await accuracy.compute()).toBe((3 + 1) / (4.5 + 3));

  const matrix = new ConfusionMatrix({ numClasses: 2 });
  matrix.update(scores, labels, { weight: tensor([3, 1, 0.5]) });
  expect(await matrix.matrix()).toEqual([[3, 1], [0.5, 0]]); // prettier-ignore
  expect(await matrix.compute()).toBe((3 / 4 + 0) / 2);

  const [absolute, squared] = [new MeanAbsoluteError(), new MeanSquaredError()];
  for (const metric of [absolute, squared])
    metric.update(tensor([1, Number.NaN, 4]), tensor([0, 0, 0]), { weight: tensor([3, 0, 2]) });
  expect(await absolute.compute()).toBe((3 * 1 + 2 * 4) / 5);
  expect(await squared.compute()).toBe((3 * 1 + 2 * 16) / 5);
});

test('steps count by their weights, padding not at all', async () => {
  const output = new PaddedSequence(tensor([[[2, 1], [0, 3]], [[5, 4], [0, 0]]]), [2, 1]); // prettier-ignore
  const target = new PaddedSequence(tensor([[0, 0], [1, 1]], { dtype: 'i32' }), [2, 1]); // prettier-ignore
  const weight = tensor([[1, 2], [4, Number.NaN]]); // prettier-ignore
  const accuracy = new Accuracy();
  accuracy.update(output, target, { weight });
  expect(await accuracy.compute()).toBe(1 / 7);
  const ignoring = new Accuracy({ ignoreIndex: 1 });
  ignoring.update(output, target, { weight });
  expect(await ignoring.compute()).toBe(1 / 3);
  const error = new MeanAbsoluteError();
  error.update(output.select(2, 0), target.cast('f32'), { weight });
  expect(await error.compute()).toBe((1 * 2 + 4 * 4) / 7);
});

const shapeText = (x: number[] | number[][]): string => `[${tensor(x).shape.join(', ')}]`;

test('weights of other examples are refused', () => {
  const weight = tensor([1, 2]);
  expect(() => new Accuracy().update(scores, labels, { weight })).toThrow(ShapeError);
  expect(() => new Accuracy().update(scores, labels, { weight })).toThrow(
    `Accuracy: got weight ${String(weight)} for values of shape [3], expected one an example, [3].`,
  );
});

test.each([EditDistance, WordErrorRate, CharErrorRate, ExactMatch, ROUGELScore])(
  'weights of texts are one for each text: %o',
  async (MetricOfTexts) => {
    const compute = async (weight: number[] | number[][]): Promise<number> => {
      const metric = new MetricOfTexts();
      metric.update(['a b', 'c d'], ['a b', 'x y'], { weight });
      return metric.compute();
    };
    expect(await compute([[1], [3]])).toBe(await compute([1, 3]));
    const wrong = [[1], [1, 1, 1], [[1, 1], [0, 0]]]; // prettier-ignore
    for (const weight of wrong as (number[] | number[][])[]) {
      await expect(compute(weight)).rejects.toThrow(ShapeError);
      await expect(compute(weight)).rejects.toThrow(
        `${MetricOfTexts.name}.update: got a weight of shape ${shapeText(weight)} for 2 texts or sequences, ` +
          'expected one for each, [2].',
      );
    }
  },
);

test('weights of steps are no weights of sequences', async () => {
  const metric = new EditDistance();
  const said = [[1, 2, 3], [1, 2, 3]]; // prettier-ignore
  const right = [[1, 2, 4], [9, 9, 9]]; // prettier-ignore
  metric.update(said, right, { weight: [[1, 1, 1], [0, 0, 0]] }); // prettier-ignore
  await expect(metric.compute()).rejects.toThrow('EditDistance.update: got a weight of shape [2, 3] for 2 texts');
  metric.reset();
  metric.update(said, right, { weight: [1, 0] });
  expect(await metric.compute()).toBe(1);
});

test('several counts of one metric do not know each other; the one computed last is the metric’s own', async () => {
  const metric = new ConfusionMatrix({ numClasses: 2 });
  metric.update(scores, labels);
  const [x, y] = [scores.slice([0], [1]), labels.slice([0], [1])];
  const before = handlesKept();
  const [first, second] = [metric.begin(), metric.begin()];
  first.update(scores, labels);
  second.update(x, y);
  first.update(scores, labels);
  expect(await metric.matrix()).toEqual([[1, 1], [1, 0]]); // prettier-ignore
  expect(await first.compute()).toBe(1 / 4);
  expect(await metric.matrix()).toEqual([[2, 2], [2, 0]]); // prettier-ignore
  expect(await second.compute()).toBe(1);
  expect(await metric.matrix()).toEqual([[1, 0], [0, 0]]); // prettier-ignore
  first.dispose();
  second.dispose();
  expect(handlesKept()).toBe(before);
  expect(await metric.compute()).toBe(1);
  expect(await metric.begin().compute()).toBeNaN();
  expect(await metric.compute()).toBeNaN();
});
