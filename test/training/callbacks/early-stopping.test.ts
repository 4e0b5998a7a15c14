import { expect, test } from 'vitest';
import { EarlyStopping, type EarlyStoppingOptions, type History } from 'stmnet';
import { scripted } from '../../support/scripted';

/** Trains for up to 10 epochs on validation scores that are given. */
async function follow(
  values: readonly number[],
  options: EarlyStoppingOptions,
): Promise<{ history: History; weight: number; stopping: EarlyStopping }> {
  const { trainer, model, batches } = scripted(values);
  const stopping = new EarlyStopping({ figure: 'validation.score', mode: 'max', patience: 2, ...options });
  const history = await trainer.fit(batches, {
    epochs: 10,
    progress: false,
    validation: batches,
    callbacks: [stopping],
  });
  return { history, weight: await model.weight.item(), stopping };
}

test('it stops after so many epochs without progress, and says what was best', async () => {
  const { history, weight, stopping } = await follow([1, 3, 2, 3, 9], {});
  expect(history.validation('score')).toEqual([1, 3, 2, 3]); // 3 again is no progress
  expect(weight).toBe(4);
  expect([stopping.best, stopping.bestEpoch, stopping.bestStep]).toEqual([3, 2, 2]);
});

test('progress makes it wait anew; min, and a least difference', async () => {
  const first = await follow([5, 6, 4, 5, 3, 4, 4], { mode: 'min' });
  expect(first.history.epochs.length).toBe(7);
  const second = await follow([5, 4.9, 4.8, 1], { mode: 'min', minDelta: 0.5 });
  expect(second.history.epochs.length).toBe(3);
});

test('NaN is no progress', async () => {
  const { history, stopping } = await follow([Number.NaN, Number.NaN, 1], {});
  expect(history.epochs.length).toBe(2);
  expect(stopping.best).toBeUndefined();
});

test('the best weights come back, also where it did not stop', async () => {
  expect((await follow([1, 3, 2, 2], { restoreBest: true })).weight).toBe(2);
  expect((await follow([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], { restoreBest: true })).weight).toBe(9);
  expect((await follow([Number.NaN, Number.NaN], { restoreBest: true })).weight).toBe(2);
});

test('validations within an epoch count, and end it after the step', async () => {
  const { trainer, model, batches } = scripted([]);
  const values = [1, 3, 2, 1, 9, 9];
  const metric = trainer.metrics[0];
  const validated = { ...batches[0], input: [[1]], target: [[0]] };
  const stopping = new EarlyStopping({ figure: 'validation.loss', mode: 'max', patience: 2, restoreBest: true });
  expect([metric?.name, values.length]).toEqual(['score', 6]);
  // The validation loss is the weight, negative: it falls with each step, so the first look stays the best one.
  const history = await trainer.fit(
    Array.from({ length: 20 }, () => batches[0] ?? { input: [], target: [] }),
    { epochs: 3, progress: false, validation: [validated], validateEvery: 3, callbacks: [stopping] },
  );
  expect(history.validations.map(({ step, validation }) => [step, validation.loss])).toEqual([
    [3, -3],
    [6, -6],
    [9, -9],
  ]);
  expect(history.epochs.map(({ step, validation }) => [step, validation?.loss])).toEqual([[9, -9]]);
  expect(await model.weight.item()).toBe(3);
});

test('its state goes on in another one', async () => {
  const { trainer, model, batches } = scripted([]);
  const first = new EarlyStopping({ figure: 'train.loss', patience: 3, restoreBest: true });
  first.onStart(trainer);
  const record = { epoch: 1, step: 5, train: { loss: 1 } };
  first.onEpochEnd(record as never, trainer);
  first.onEpochEnd({ ...record, epoch: 2, step: 6 } as never, trainer);
  const { data, tensors = {} } = first.state();
  await trainer.fit(batches, { epochs: 2, progress: false });
  const second = new EarlyStopping({ figure: 'train.loss', patience: 3, restoreBest: true });
  second.onStart(trainer);
  second.loadState({ data: JSON.parse(JSON.stringify(data)), tensors });
  first.onError(); // lets go of its weights
  expect([second.best, second.bestEpoch, second.bestStep]).toEqual([1, 1, 5]);
  let stopped = 0;
  const run = Object.assign(Object.create(trainer), { stop: () => void stopped++ });
  second.onEpochEnd({ ...record, epoch: 3, step: 7 } as never, run);
  expect(stopped).toBe(0);
  second.onEpochEnd({ ...record, epoch: 4, step: 8 } as never, run);
  expect(stopped).toBe(1);
  expect(await model.weight.item()).toBe(2);
  second.onEnd(trainer);
  expect(await model.weight.item()).toBe(0);
});

test('mistakes are told before the first step', async () => {
  const fit = async (options: EarlyStoppingOptions, validated = true): Promise<unknown> => {
    const { trainer, batches } = scripted([]);
    const validation = validated ? { validation: batches } : {};
    const failed: unknown = await trainer
      .fit(batches, { epochs: 1, callbacks: [new EarlyStopping(options)], ...validation })
      .catch((error: unknown) => error);
    expect(trainer.steps).toBe(0);
    throw failed;
  };
  await expect(fit({}, false)).rejects.toThrow(
    'EarlyStopping: got figure: "validation.loss", expected one of train.loss, train.score.\n' +
      '  Fix: pass fit a validation: trainer.fit(loader, { epochs, validation }).',
  );
  await expect(fit({ figure: 'validation.f1' })).rejects.toThrow('got figure: "validation.f1", expected one of');
  await expect(fit({ figure: 'validation.score' })).rejects.toThrow('got figure: "validation.score" without a mode');
  expect(() => new EarlyStopping({ patience: 0 })).toThrow('EarlyStopping: got patience: 0, expected a whole number');
  expect(() => new EarlyStopping({ monitor: 'loss' } as never)).toThrow('EarlyStopping: got an option monitor');
  expect(() => new EarlyStopping().loadState({ data: { best: 1 } })).toThrow('EarlyStopping.loadState: got bestEpoch');
});
