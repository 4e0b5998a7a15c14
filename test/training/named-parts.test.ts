import { expect, test } from 'vitest';
import * as stmnet from 'stmnet';
import { classNamed } from '../../src/training/named-parts';

test.each([
  ['loss', 'MSE', 'MSELoss'],
  ['loss', 'mae', 'L1Loss'],
  ['loss', 'huber', 'HuberLoss'],
  ['loss', 'binary_crossentropy', 'BCEWithLogitsLoss'],
  ['loss', 'ctc', 'CTCLoss'],
  ['metrics', 'f1-score', 'F1Score'],
  ['metrics', 'precision', 'Precision'],
  ['metrics', 'recall', 'Recall'],
  ['metrics', 'AUC', 'AUROC'],
  ['metrics', 'mse', 'MeanSquaredError'],
  ['metrics', 'rmse', 'RootMeanSquaredError'],
  ['metrics', 'mae', 'MeanAbsoluteError'],
  ['metrics', 'perplexity', 'Perplexity'],
])('%s by the name %s', (option, given, expected) => {
  expect(classNamed(option, given)).toContain(`new ${expected}()`);
  expect(Reflect.get(stmnet, expected)).toBeTypeOf('function');
});

test('what no class is known by', () => {
  expect(classNamed('loss', 'accuracy')).toBeUndefined();
  expect(classNamed('metrics', 7)).toBeUndefined();
  expect(classNamed('model', 'mse')).toBeUndefined();
});
