// What a training does about gradients and parameters that are not finite, and about batches that the device refuses.
import { expect, test } from 'vitest';
import {
  Adam,
  BatchNorm1d,
  BCELoss,
  CrossEntropyLoss,
  DataLoader,
  DTypeError,
  Embedding,
  LastStep,
  Linear,
  LSTM,
  MSELoss,
  mseLoss,
  NativeError,
  Sequential,
  SGD,
  Sigmoid,
  tensor,
  Trainer,
  TrainingError,
  type Batch,
  type LossResult,
  type Module,
  type Sequence,
  type Tensor,
  type TrainerOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';

const quiet = { epochs: 1, progress: false } as const;
const weightsOf = (model: Module): Promise<number[][]> =>
  Promise.all(model.parameters().map(async (parameter) => Array.from(await parameter.data())));

/** A recurrent model: an infinite input saturates its gates: the loss stays finite, its gradient does not. */
function recurrent(options: Partial<TrainerOptions> = {}): { model: Sequential; trainer: Trainer } {
  const model = new Sequential(
    new LSTM({ inputSize: 1, hiddenSize: 4 }),
    new LastStep(),
    new Linear({ inFeatures: 4, outFeatures: 1 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 0.01 });
  return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer, ...options }) };
}
const series = (value: number): Batch => ({
  input: tensor([[[value], [0.5], [0.25]]]),
  target: tensor([[1]]),
});

/** One linear unit without a bias. */
function unit(options: Partial<TrainerOptions> = {}, weight = 1): { model: Linear; trainer: Trainer } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[weight]]) });
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer, ...options }) };
}
/** As `unit`, with a second term of which nothing counts. */
function twoTerms(divisor: () => number | Tensor): { model: Linear; trainer: Trainer } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  const loss = (output: Sequence, target: Sequence): LossResult => [
    mseLoss(output, target),
    { loss: (output as Tensor).mul(0).sum(), divisor: divisor() },
  ];
  return { model, trainer: new Trainer({ model, loss, optimizer }) };
}
const pair = (input: number, target: number): Batch => ({ input: tensor([[input]]), target: tensor([[target]]) });

describeDevices('a gradient that is not finite', () => {
  test.each<[string, () => number | Tensor]>([
    ['a number', () => 0],
    ['a tensor', () => tensor([0])],
  ])('is none the less for a term of which nothing counts, by %s', async (_, divisor) => {
    const { model, trainer } = twoTerms(divisor);
    const before = await weightsOf(model);
    const batches = [pair(Number.NaN, 1), pair(1, 2), pair(1, 2)];
    await expect(trainer.fit(batches, quiet)).rejects.toThrow(TrainingError);
    expect(await weightsOf(model)).toEqual(before);
  });

  test.each<[string, () => number | Tensor]>([
    ['a number', () => 0],
    ['a tensor', () => tensor([0])],
  ])('is none for a term that is 0 where nothing counts for it, in a whole epoch, by %s', async (_, divisor) => {
    const { model, trainer } = twoTerms(divisor);
    const alone = unit({}, (await weightsOf(model))[0]?.[0]);
    const batches = [pair(1, 2), pair(2, 1)];
    const history = await trainer.fit(batches, quiet);
    const expected = await alone.trainer.fit(batches, quiet);
    expect(history.train('loss')).toEqual(expected.train('loss'));
    expect(await weightsOf(model)).toEqual(await weightsOf(alone.model));
    expect(await trainer.evaluate(batches)).toEqual(await alone.trainer.evaluate(batches));
  });
  test('of a term that is 0 / 0 in a whole epoch is named', async () => {
    const { model, trainer } = unit({
      loss: (output, target) => [mseLoss(output, target), { loss: (output as Tensor).mul(0).sum().div(0), divisor: 0 }],
    });
    await expect(trainer.fit([pair(1, 2), pair(2, 1)], quiet)).rejects.toThrow(
      'Trainer.fit: got 2 batches in epoch 1 of which nothing counts for term 2 of the 2 of the loss, so that it is ' +
        'NaN, expected a finite number of each term: steps with NaN are left out.\n  Fix: let such a term be 0 where ' +
        'its divisor is, { loss: zeros([]), divisor: 0 }; else look whether all labels are ignoreIndex',
    );
    expect(await weightsOf(model)).toEqual([[1]]);
  });

  test.each<Partial<TrainerOptions>>([{}, { compile: true }, { clipGradNorm: 1 }])(
    'ends fit at the batch that has it, and changes no parameter: %o',
    async (options) => {
      const { model, trainer } = recurrent(options);
      const before = await weightsOf(model);
      await expect(trainer.fit([series(Number.POSITIVE_INFINITY)], quiet)).rejects.toThrow(
        'Trainer.fit: got a gradient of NaN or infinity in epoch 1, batch 1 (step 1 of the trainer), first in the ' +
          'gradient of 0.weight_ih_l0, expected finite numbers.',
      );
      await expect(trainer.fit([series(Number.POSITIVE_INFINITY)], quiet)).rejects.toThrow(
        'Fix: take NaN or infinity out of input of this batch; a smaller learningRate',
      );
      expect(await weightsOf(model)).toEqual(before);
      const later = trainer.fit([series(1), series(Number.NEGATIVE_INFINITY), series(1), series(1)], quiet);
      await expect(later).rejects.toThrow('in epoch 1, batch 2 (step 4 of the trainer)');
      await expect(later).rejects.toThrow(TrainingError);
      expect((await weightsOf(model)).flat().every(Number.isFinite)).toBe(true);
    },
  );
  test.each([
    [undefined, 'a smaller learningRate or clipGradNorm: 1 keeps'],
    [5, 'a smaller learningRate or clipGradNorm: 1 keeps'],
    [1, 'a smaller learningRate or a clipGradNorm below 1 keeps'],
    [0, 'a smaller learningRate keeps'],
  ])('is told with another clipping than %s', async (clipGradNorm, advice) => {
    const { trainer } = recurrent(clipGradNorm === undefined ? {} : { clipGradNorm });
    await expect(trainer.fit([series(Number.POSITIVE_INFINITY)], quiet)).rejects.toThrow(advice);
  });
  test('is left out and counted where such steps may be skipped', async () => {
    const [skipping, plain] = [recurrent(), recurrent()];
    plain.model.loadStateDict(skipping.model.stateDict());
    const odd = [series(1), series(Number.POSITIVE_INFINITY), series(2)];
    const history = await skipping.trainer.fit(odd, { ...quiet, epochs: 2, onNaN: 'skip' });
    const without = await plain.trainer.fit([series(1), series(2)], { ...quiet, epochs: 2 });
    expect(history.train('loss')).toEqual(without.train('loss'));
    expect(history.epochs.map(({ skipped }) => skipped)).toEqual([1, 1]);
    expect(await weightsOf(skipping.model)).toEqual(await weightsOf(plain.model));
  });
  test('of an own loss ends fit too', async () => {
    // The square root of 0 has an infinite slope, which a factor of 0 makes NaN.
    const { model, trainer } = unit({ loss: (output) => (output as Tensor).mul(0).abs().sqrt().mean() });
    await expect(trainer.fit([pair(1, 0), pair(1, 0)], quiet)).rejects.toThrow(
      'a gradient of NaN or infinity in epoch 1, batch 1',
    );
    expect(await weightsOf(model)).toEqual([[1]]);
  });
  test('is none where nothing counts for the loss', async () => {
    const model = new Linear({ inFeatures: 1, outFeatures: 2 });
    const loss = new CrossEntropyLoss();
    const trainer = new Trainer({ model, loss, optimizer: new SGD(model.parameters()) });
    const labelled = (label: number): Batch => ({ input: tensor([[1]]), target: tensor([label], { dtype: 'i32' }) });
    const history = await trainer.fit([labelled(-100), labelled(1)], quiet);
    expect(history.last).not.toHaveProperty('skipped');
  });
});

describeDevices('a parameter that is not finite', () => {
  test('after the last step ends fit, whatever may be skipped', async () => {
    for (const onNaN of ['stop', 'skip'] as const) {
      const { model, trainer } = unit();
      trainer.optimizer.learningRate = 1e38;
      const failed = trainer.fit([pair(100, 0)], { ...quiet, onNaN });
      await expect(failed).rejects.toThrow(
        /^Trainer\.fit: got NaN or infinity in weight after epoch 1, expected finite numbers\.\n {2}Fix: load weights/,
      );
      await expect(failed).rejects.toThrow(
        'Take a smaller learningRate; look for NaN or infinity in the input of earlier batches',
      );
      expect(trainer.history.epochs).toHaveLength(0);
      expect(await weightsOf(model)).toEqual([[Number.NEGATIVE_INFINITY]]);
    }
  });
  test('before a step is named, and not the batch blamed', async () => {
    const { trainer } = unit({}, Number.NaN);
    await expect(trainer.fit([pair(1, 0)], quiet)).rejects.toThrow(
      /a loss of NaN in epoch 1, batch 1 .*\n {2}Fix: load weights saved before: NaN or infinity stands in weight,/,
    );
    await expect(trainer.fit([pair(1, 0)], { ...quiet, onNaN: 'skip' })).rejects.toThrow(
      'got NaN or infinity in weight after epoch 1',
    );
  });
});

describeDevices('a statistic that is not finite', () => {
  const normalized = (options: Partial<TrainerOptions> = {}): { model: Sequential; trainer: Trainer } => {
    const model = new Sequential(
      new BatchNorm1d({ numFeatures: 1 }),
      new Linear({ inFeatures: 1, outFeatures: 1 }),
      new Sigmoid(),
    );
    const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
    return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer, ...options }) };
  };
  const rows = (first: number): Batch => ({ input: tensor([[first], [1]]), target: tensor([[1], [0]]) });
  const stateOf = (model: Module): Promise<number[][]> =>
    Promise.all(Object.values(model.stateDict()).map(async (value) => Array.from(await value.data(), Number)));
  test('ends fit after the epoch, though no step was odd', async () => {
    const { trainer } = normalized();
    await trainer.fit([rows(2)], quiet);
    await expect(trainer.fit([rows(2), rows(3e38)], { ...quiet, onNaN: 'skip' })).rejects.toThrow(
      'got NaN or infinity in 0.running_var after epoch 1',
    );
  });
  test.each<Partial<TrainerOptions>>([{}, { compile: true }, { accumulate: 2 }, { loss: new BCELoss() }])(
    'is that of before a step which is skipped: %o',
    async (options) => {
      const [skipping, plain] = [normalized(options), normalized(options)];
      plain.model.loadStateDict(skipping.model.stateDict());
      const [some, odd] = [
        [rows(2), rows(3)],
        [rows(4), rows(Number.NaN)],
      ];
      // Of 4 and NaN one is left out, but both where they are a group.
      const kept = options.accumulate === 2 ? [] : [rows(4)];
      const history = await skipping.trainer.fit([...some, ...odd, ...some], { ...quiet, onNaN: 'skip', epochs: 2 });
      await plain.trainer.fit([...some, ...kept, ...some], { ...quiet, epochs: 2 });
      expect(history.epochs.map(({ skipped }) => skipped)).toEqual([1, 1]);
      expect(await stateOf(skipping.model)).toEqual(await stateOf(plain.model));
      if (options.loss !== undefined) return; // a read after `step` says that the loss was refused
      skipping.trainer.step(rows(Number.NaN)).dispose();
      if (options.accumulate === 2) skipping.trainer.step(rows(1)).dispose();
      expect(await stateOf(skipping.model)).toEqual(await stateOf(plain.model));
    },
  );
});

describeDevices('a batch that the device refuses', () => {
  const probabilities = (options: Partial<TrainerOptions> = {}): { model: Sequential; trainer: Trainer } => {
    const model = new Sequential(new Linear({ inFeatures: 1, outFeatures: 1 }), new Sigmoid());
    const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
    return { model, trainer: new Trainer({ model, loss: new BCELoss(), optimizer, ...options }) };
  };
  test.each([false, true])('for NaN as a probability has a loss of NaN: compile %s', async (compile) => {
    const { model, trainer } = probabilities({ compile });
    const batches = [pair(1, 1), pair(Number.NaN, 1), pair(2, 0)];
    await expect(trainer.fit(batches, quiet)).rejects.toThrow('a loss of NaN in epoch 1, batch 2 (step 2 of');
    const history = await trainer.fit(batches, { ...quiet, onNaN: 'skip' });
    expect(history.last?.skipped).toBe(1);
    expect(history.last?.train.loss).toBeGreaterThan(0);
    expect((await weightsOf(model)).flat().every(Number.isFinite)).toBe(true);
    expect((await trainer.evaluate(batches)).loss).toBeNaN();
  });
  test('is named with its epoch, and the fault kept as cause', async () => {
    const { trainer } = probabilities();
    const failed: unknown = await trainer.fit([pair(1, 1), pair(1, 1.5)], quiet).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(NativeError);
    expect(failed).toMatchObject({ code: 'ERR_STM_INDEX', op: 'binaryCrossEntropy', cause: { code: 'ERR_STM_INDEX' } });
    expect(String(failed)).toMatch(/1\.5[^]*\n {2}It came up in epoch 1, batch 2 \(step 2 of the trainer\)\.$/);
    await expect(trainer.fit([pair(1, 1)], { ...quiet, validation: [pair(1, 1.5)] })).rejects.toThrow(
      'It came up in batch 1 of the validation after epoch 1.',
    );
    const evaluated = trainer.evaluate([pair(1, 1), pair(1, 1.5)]);
    await expect(evaluated).rejects.toThrow('It came up in batch 2 of the evaluation.');
  });
  test('for a label or a word out of range is named likewise', async () => {
    const model = new Sequential(
      new Embedding({ numEmbeddings: 3, embeddingDim: 2 }),
      new Linear({ inFeatures: 2, outFeatures: 2 }),
    );
    const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
    const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer });
    const word = (input: number, target: number): Batch => ({
      input: tensor([input], { dtype: 'i32' }),
      target: tensor([target], { dtype: 'i32' }),
    });
    for (const odd of [word(3, 0), word(0, 2)])
      await expect(trainer.fit([word(0, 0), odd, word(1, 1)], quiet)).rejects.toThrow('It came up in epoch 1, batch 2');
    expect((await weightsOf(model)).flat().every(Number.isFinite)).toBe(true);
  });
});

test.each([
  ['an Int32Array as target', { input: [1], target: Int32Array.of(1) }, "dtypes: { target: 'f32' }"],
  ['yes and no as target', { input: [1], target: Uint8Array.of(1) }, "dtypes: { target: 'f32' }"],
  ['a Float64Array as input', { input: Float64Array.of(1), target: [1] }, "dtypes: { input: 'f32' }"],
])('an element type that does not fit is explained by the option of the DataLoader: %s', async (_, item, option) => {
  const { trainer } = unit();
  const loader = new DataLoader([item, item], { batchSize: 2 });
  const fix = `\n  Fix: pass the DataLoader ${option}; of a batch made otherwise, cast the `;
  const failed = trainer.fit(loader as never, quiet);
  await expect(failed).rejects.toThrow(fix);
  await expect(failed).rejects.toThrow(DTypeError);
  await expect(trainer.evaluate(loader as never)).rejects.toThrow(fix);
});

test('the loss is among the figures of an epoch and of an evaluation', async () => {
  const { trainer } = unit();
  const history = await trainer.fit([pair(1, 0)], quiet);
  const trained: number | undefined = history.last?.train.loss;
  const { loss } = await trainer.evaluate([pair(1, 0)]);
  loss satisfies number;
  expect([trained, loss]).toEqual([1, expect.closeTo(0.64, 6)]);
});
