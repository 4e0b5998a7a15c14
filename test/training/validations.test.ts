import { expect, test } from 'vitest';
import { DataLoader, MSELoss, SGD, tensor, Trainer, type TrainerCallback } from 'stmnet';
import { scripted } from '../support/scripted';
import { unit } from '../support/trainers';

test('validateEvery measures after each so many steps, over the ends of epochs', async () => {
  const { trainer, batches } = scripted([]);
  const calls: string[] = [];
  const noting: TrainerCallback = {
    onValidation: ({ epoch, step, validation }) => void calls.push(`${epoch}/${step}: ${validation.loss}`),
    onEpochEnd: ({ epoch, step, validation }) => void calls.push(`end ${epoch}/${step}: ${validation?.loss}`),
  };
  const history = await trainer.fit([...batches, ...batches, ...batches], {
    epochs: 2,
    progress: false,
    validation: batches,
    validateEvery: 2,
    callbacks: [noting],
  });
  // The one at step 6 is not measured again at the end of the epoch.
  expect(calls).toEqual(['1/2: -2', 'end 1/3: -3', '2/4: -4', '2/6: -6', 'end 2/6: -6']);
  expect(history.validations.map(({ step }) => step)).toEqual([2, 3, 4, 6]);
});

test('a training with validations within epochs has the same weights as one without', async () => {
  const weights = async (validateEvery?: number): Promise<number> => {
    const { model, batches } = unit(2);
    const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
    const every = validateEvery === undefined ? {} : { validateEvery };
    await trainer.fit(batches, { epochs: 3, progress: false, validation: batches, ...every });
    return model.weight.item();
  };
  expect(await weights(1)).toBe(await weights());
});

test('mistakes', async () => {
  const { trainer, batches } = scripted([]);
  await expect(trainer.fit(batches, { epochs: 1, validateEvery: 5 })).rejects.toThrow(
    'Trainer.fit: got validateEvery: 5 without a validation, expected batches to validate on.\n' +
      '  Fix: pass validation: loader, or leave validateEvery out.',
  );
  const odd = [{ input: tensor([[Number.NaN]]), target: tensor([[0]]) }];
  const fit = trainer.fit([...batches, ...batches], { epochs: 1, progress: false, validation: odd, validateEvery: 1 });
  await expect(fit).rejects.toThrow('Trainer.fit: got a validation loss of NaN at step 1, expected a finite number.');
});

test('a validation loss that is NaN names the item', async () => {
  const { trainer, batches } = scripted([]);
  const items = [0, 1, 2, Number.NaN, 4].map((x) => ({ input: [x], target: [0] }));
  const validation = new DataLoader(items, { batchSize: 2 });
  const fit = trainer.fit(batches, { epochs: 1, progress: false, validation });
  await expect(fit).rejects.toThrow(
    'Trainer.fit: got a validation loss of NaN after epoch 1, expected a finite number.\n' +
      "  Fix: take NaN or infinity out of input of item 3 of the dataset (item 1 of its batch); onNaN: 'skip' goes on.",
  );
});
