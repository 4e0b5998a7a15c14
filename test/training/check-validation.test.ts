import { expect, test } from 'vitest';
import { DataLoader, MSELoss, OptionError, SGD, tensor, Trainer } from 'stmnet';
import { checkValidation } from '../../src/training/check-validation';
import { shortForm } from '../../src/training/form';
import { unit } from '../support/trainers';

test.each<[what: string, validation: unknown, message: string]>([
  [
    'no batch',
    [],
    'Trainer.fit: validation: got [], expected at least one batch.\n' +
      '  Fix: look at how the data were split, or leave validation out.',
  ],
  [
    'a loader of one’s own without a batch',
    { length: 0, *[Symbol.iterator]() {} },
    'Trainer.fit: validation: got a loader of length 0, expected at least one batch.',
  ],
  [
    'items',
    [{ input: [1], target: 1 }],
    'Trainer.fit: validation: got one item, { input, target } with the target 1, expected a batch, { input, target } ' +
      'of tensors or PaddedSequences.\n' +
      '  Fix: let a DataLoader make batches of such items: validation: new DataLoader(items, { batchSize: 32 }).',
  ],
  [
    'batches without a target',
    [{ input: tensor([[1]]) }],
    'Trainer.fit: validation: got the batch { input }, expected { input, target } of tensors',
  ],
])('a validation of %s is refused before the first step', async (_, validation, message) => {
  const { model, batches } = unit(2);
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 0.01 }),
  });
  const fit = trainer.fit(batches, { epochs: 1, progress: false, validation: validation as never });
  await expect(fit).rejects.toThrow(OptionError);
  await expect(fit).rejects.toThrow(message);
  expect(trainer.steps).toBe(0);
});

test('what is there to be walked once is not walked', () => {
  const walked = (function* () {
    yield 7;
  })();
  checkValidation(shortForm(new MSELoss()), walked);
  expect([...walked]).toEqual([7]);
  checkValidation(shortForm(new MSELoss()), new DataLoader([{ input: [1], target: [1] }]));
});
