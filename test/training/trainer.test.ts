import { expect, test, vi } from 'vitest';
import {
  Adam,
  ArrayDataset,
  collate,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  Embedding,
  ExponentialLR,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  MeanAbsoluteError,
  Module,
  MSELoss,
  ones,
  PaddedSequence,
  ReduceLROnPlateau,
  Sequential,
  SGD,
  tensor,
  Trainer,
  zeros,
  type Batch,
  type EpochRecord,
  type Tensor,
  type TrainerCallback,
} from 'stmnet';
import { items, loader, makeTrainer, unit } from '../support/trainers';

test('fit learns, evaluate and predict agree with it, and one seed gives the same history', async () => {
  const run = async (): Promise<unknown> => {
    manualSeed(3);
    const trainer = makeTrainer();
    const history = await trainer.fit(loader(), { epochs: 12, progress: false });
    const result = await trainer.evaluate(new DataLoader(new ArrayDataset(items), { batchSize: 16 }));
    expect(history.epochs.length).toBe(12);
    expect(trainer.steps).toBe(12 * 8);
    expect(result['accuracy']).toBe(1);
    expect(result['loss']).toBeLessThan(0.1);
    const outputs = await trainer.predict(new DataLoader(new ArrayDataset(items), { batchSize: 25 }));
    const answers = (
      await Promise.all(outputs.map(async (output) => Array.from(await output.argmax(-1).data())))
    ).flat();
    expect(answers).toEqual(items.map(({ target }) => target));
    return history.train('loss');
  };
  expect(await run()).toEqual(await run());
});

test('the figures of an epoch are means over items, and a step is what the optimizer says', async () => {
  const { model, batches } = unit(2);
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 0 }),
    metrics: [new MeanAbsoluteError()],
  });
  const [record] = (await trainer.fit(batches, { epochs: 1, validation: batches, progress: false })).epochs;
  // Errors at weight 2: 1, 2 | 1.
  expect(record?.train).toEqual({ loss: (1 + 4 + 1) / 3, meanAbsoluteError: 4 / 3 });
  expect(record?.validation).toEqual(record?.train);
  const learning = new Trainer({
    model,
    loss: (output, target) => new MSELoss().forward(output, target),
    optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
  });
  const loss = learning.step(batches[1] ?? (unit(0).batches[0] as Batch));
  expect(await loss.item()).toBe(1);
  expect(await model.weight.item()).toBeCloseTo(2 - 0.1 * 2 * 3 * 1, 6);
});

test('a loss over padded steps weighs batches by their real steps', async () => {
  const model = new Sequential(new Linear({ inFeatures: 1, outFeatures: 1, bias: false }));
  model.loadStateDict({ 'layers.0.weight': tensor([[1]]) }, { strict: false });
  for (const [, p] of model.namedParameters()) p.requiresGrad_(false).fill_(1).requiresGrad_(true);
  const batch = (errors: number[][]): Batch =>
    collate(errors.map((row) => ({ input: row.map((value) => [value]), target: row.map(() => [0]) })));
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters()),
    metrics: [new MeanAbsoluteError()],
  });
  const batches = [batch([[1], [2, 3, 4]]), batch([[6, 5]])];
  const figures = await trainer.evaluate(batches);
  expect(figures['meanAbsoluteError']).toBeCloseTo((1 + 2 + 3 + 4 + 6 + 5) / 6, 6);
  // The second batch is no PaddedSequence, since its only row is full, and counts by its steps all the same.
  expect(figures['loss']).toBeCloseTo((30 + 36 + 25) / 6, 6);
});

test('modes: training while fitting, evaluation while evaluating, afterwards as before', async () => {
  const seen: string[] = [];
  class Watched extends Module {
    inner = new Linear({ inFeatures: 1, outFeatures: 1 });
    frozen = new Dropout();
    forward(x: Tensor): Tensor {
      seen.push(this.training ? 'train' : 'eval');
      return this.inner.forward(x);
    }
  }
  const model = new Watched();
  model.eval();
  model.frozen.train();
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
  const { batches } = unit(1);
  await trainer.fit(batches, { epochs: 1, validation: batches, progress: false });
  await trainer.predict(ones([1, 1]));
  expect(seen).toEqual(['train', 'train', 'eval', 'eval', 'eval']);
  expect([model.training, model.inner.training, model.frozen.training]).toEqual([false, false, true]);
});

test('schedules move on after each epoch, or after each step', async () => {
  const rates = async (scheduleEvery?: 'step' | 'epoch'): Promise<number[]> => {
    const { model, batches } = unit(1);
    const optimizer = new SGD(model.parameters(), { learningRate: 1e-3 });
    const trainer = new Trainer({
      model,
      loss: new MSELoss(),
      optimizer,
      schedule: new ExponentialLR(optimizer, { gamma: 0.5 }),
      ...(scheduleEvery === undefined ? {} : { scheduleEvery }),
    });
    const history = await trainer.fit(batches, { epochs: 2, progress: false });
    return [...history.epochs.map(({ learningRate }) => learningRate), optimizer.learningRate].map(
      (rate) => rate / 1e-3,
    );
  };
  expect(await rates()).toEqual([1, 0.5, 0.25]);
  expect(await rates('step')).toEqual([0.5, 0.125, 0.0625]);
});

test('ReduceLROnPlateau watches the validation loss', async () => {
  const { model, batches } = unit(1);
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer,
    schedule: new ReduceLROnPlateau(optimizer, { patience: 0 }),
  });
  const stepped = vi.spyOn(trainer.optimizer, 'step');
  await trainer.fit(batches, { epochs: 1, validation: batches.slice(1), progress: false });
  expect(stepped).toHaveBeenCalledTimes(2);
  expect(
    () =>
      new Trainer({
        model,
        loss: new MSELoss(),
        optimizer,
        schedule: new ReduceLROnPlateau(optimizer),
        scheduleEvery: 'step',
      }),
  ).toThrow(/ReduceLROnPlateau with scheduleEvery: 'step'/);
});

test('callbacks see steps and epochs, and can stop', async () => {
  const { model, batches } = unit(1);
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
  const steps: number[] = [];
  const epochs: EpochRecord[] = [];
  const history = await trainer.fit(batches, {
    epochs: 10,
    progress: false,
    callbacks: [
      {
        onStep: ({ steps: count }) => void steps.push(count),
        onEpochEnd: async (record, seen) => void (epochs.push(record) === 2 && seen.stop()),
      },
    ],
  });
  expect(steps).toEqual([1, 2, 3, 4]);
  expect(epochs).toEqual(history.epochs);
  expect(history.last?.epoch).toBe(2);
});

test('a loader without end is left after the step in which stop is called', async () => {
  const { model, batches } = unit(1);
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
  const endless = {
    *[Symbol.iterator]() {
      for (;;) yield* batches;
    },
  };
  const history = await trainer.fit(endless, {
    epochs: 3,
    progress: false,
    callbacks: [
      {
        onStep: (seen) => {
          if (seen.steps === 5) seen.stop();
        },
      },
    ],
  });
  expect([trainer.steps, history.epochs.length]).toEqual([5, 1]);
});

test('stop can end an epoch after the running step', async () => {
  const { model, batches } = unit(2);
  const optimizer = new SGD(model.parameters(), { learningRate: 0 });
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
  const stopAt: TrainerCallback = { onStep: (run) => (run.steps === 3 ? run.stop({ after: 'step' }) : undefined) };
  const history = await trainer.fit(batches, { epochs: 5, progress: false, callbacks: [stopAt] });
  expect([trainer.steps, history.epochs.length]).toEqual([3, 2]);
  expect(history.train('loss')).toEqual([2, 2.5]); // of three rows, and of the first batch alone
  expect(() => trainer.stop({ after: 'batch' as never })).toThrow(
    "Trainer.stop: got after: \"batch\", expected one of 'epoch', 'step'.",
  );
});

test('gradients are clipped', async () => {
  const { model, batches } = unit(1);
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 1 }),
    clipGradNorm: 0.25,
  });
  const [, batch] = batches;
  if (batch !== undefined) trainer.step(batch);
  expect(await model.weight.item()).toBeCloseTo(1.25, 5);
  trainer.optimizer.learningRate = 0;
  const history = await trainer.fit(batches, { epochs: 1, progress: false });
  // The slopes: mean of 2 · x · (1.25 x - t) over the batches { 1 → 1, 2 → 2 } and { 3 → 5 }.
  expect(history.last?.gradientNorm).toEqual({ mean: expect.closeTo(4.375, 5), max: expect.closeTo(7.5, 5) });
  expect(new Trainer({ model, loss: new MSELoss() }).history.last?.gradientNorm).toBeUndefined();
});

test('a PaddedSequence goes in and comes out; one input gives one output', async () => {
  const model = new Sequential(
    new Embedding({ numEmbeddings: 5, embeddingDim: 3 }),
    new LSTM({ inputSize: 3, hiddenSize: 4 }),
  );
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer: new SGD(model.parameters()) });
  const input = new PaddedSequence(zeros([2, 3], { dtype: 'i32' }), [3, 1]);
  const output = await trainer.predict(input);
  expect(output).toBeInstanceOf(PaddedSequence);
  expect([output.shape, output instanceof PaddedSequence && output.lengths]).toEqual([
    [2, 3, 4],
    [3, 1],
  ]);
  expect(await (await trainer.predict({ input })).data()).toEqual(await output.data());
});

test('the event loop stays free while a model trains', async () => {
  const model = new Sequential(
    new LSTM({ inputSize: 64, hiddenSize: 128 }),
    new LastStep(),
    new Linear({ inFeatures: 128, outFeatures: 4 }),
  );
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer: new Adam(model.parameters()) });
  const batch: Batch = { input: ones([32, 50, 64]), target: zeros([32], { dtype: 'i32' }) };
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const started = performance.now();
  await trainer.fit(
    Array.from({ length: 40 }, () => batch),
    { epochs: 1, progress: false },
  );
  clearInterval(timer);
  const due = (performance.now() - started) / 5;
  expect(ticks).toBeGreaterThan(due / 3);
});
