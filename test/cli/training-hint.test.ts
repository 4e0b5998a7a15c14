import { History } from 'stmnet';
import { expect, test } from 'vitest';
import { bestEpoch, trainingHint } from '../../src/cli/training-hint';

/** A history of epochs of such losses. */
function historyOf(train: readonly number[], validation?: readonly number[]): History {
  const epochs = train.map((loss, at) => ({
    epoch: at + 1,
    step: at + 1,
    train: { loss },
    ...(validation && { validation: { loss: validation[at] ?? 0 } }),
    learningRate: 0.1,
    learningRates: [0.1],
    seconds: 1,
    examples: 1,
    examplesPerSecond: 1,
    memory: { tensors: 0, process: 0 },
  }));
  return History.fromJSON({ epochs, validations: [] });
}

const falling = [9, 8, 7, 6, 5, 4, 3, 2, 1];

test('patience is hinted at where the validation was best in the first third of the epochs', () => {
  const early = historyOf(falling, [3, 2, 1, 4, 5, 6, 7, 8, 9]);
  expect(bestEpoch(early)).toBe(3);
  expect(trainingHint(early, undefined)).toBe(
    'the validation was best in epoch 3 of 9: --patience N stops once it has not become better for N epochs',
  );
  expect(trainingHint(early, 2)).toBeUndefined();
  expect(trainingHint(historyOf(falling, [4, 3, 2, 1, 5, 6, 7, 8, 9]), undefined)).toBeUndefined();
  expect(trainingHint(historyOf(falling), undefined)).toBeUndefined();
  expect(trainingHint(historyOf([3, 2, 1], [1, 2, 3]), undefined)).toBeUndefined();
});

test('a smaller learning rate is hinted at where the loss has grown', () => {
  expect(trainingHint(historyOf([1, 500, 20_000]), 2)).toBe(
    'the loss grew from 1.0000 to 20000.0000: a smaller --learning-rate keeps a training from that',
  );
});
