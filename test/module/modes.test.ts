import { describe, expect, test } from 'vitest';
import {
  Accuracy,
  BatchNorm1d,
  BCEWithLogitsLoss,
  binaryCrossEntropyWithLogits,
  ConfusionMatrix,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  Linear,
  MSELoss,
  Sequential,
  SGD,
  tensor,
  Trainer,
  TrainingError,
  zeros,
  type Batch,
  type EpochRecord,
  type FitOptions,
  type TrainerOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';

/** One linear unit of weight 1, whose numbers can be followed by hand. */
function unit(options: Partial<TrainerOptions> = {}): { model: Linear; trainer: Trainer } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[1]]) });
  return {
    model,
    trainer: new Trainer({
      model,
      loss: new MSELoss(),
      optimizer: new SGD(model.parameters(), { learningRate: 0.01, momentum: 0.9 }),
      ...options,
    }),
  };
}
const batch = (...values: number[]): Batch => ({
  input: tensor(values.map((value) => [value])),
  target: tensor(values.map(() => [0])),
});

describe('modules in evaluation mode', () => {
  const frozen = (): {
    model: Sequential;
    backbone: Sequential;
    norm: BatchNorm1d;
    trainer: Trainer;
    loader: DataLoader<{ input: number[]; target: number }>;
  } => {
    const norm = new BatchNorm1d({ numFeatures: 3 });
    const backbone = new Sequential(new Linear({ inFeatures: 1, outFeatures: 3 }), norm);
    const head = new Linear({ inFeatures: 3, outFeatures: 2 });
    const model = new Sequential(backbone, head);
    const trainer = new Trainer({
      model,
      loss: new CrossEntropyLoss(),
      optimizer: new SGD(head.parameters(), { learningRate: 0.1 }),
    });
    return {
      model,
      backbone,
      norm,
      trainer,
      loader: new DataLoader(
        Array.from({ length: 8 }, (_, i) => ({ input: [i], target: i % 2 })),
        { batchSize: 4 },
      ),
    };
  };
  const train = (
    trainer: Trainer,
    loader: DataLoader<{ input: number[]; target: number }>,
    options: Partial<FitOptions> = {},
  ): Promise<unknown> => trainer.fit(loader, { epochs: 2, validation: loader, progress: false, ...options });

  test('within a model in training mode stay so, and keep their statistics', async () => {
    const { model, backbone, norm, trainer, loader } = frozen();
    backbone.requiresGrad_(false).eval();
    await train(trainer, loader);
    expect(await norm.running_mean?.data()).toEqual(Float32Array.of(0, 0, 0));
    expect([model.training, backbone.training, norm.training]).toEqual([true, false, false]);
  });
  test('that cannot learn stay so in a model that is in evaluation mode as a whole', async () => {
    const { model, backbone, norm, trainer, loader } = frozen();
    backbone.requiresGrad_(false);
    model.eval();
    const seen: boolean[] = [];
    await train(trainer, loader, {
      callbacks: [{ onStep: () => void seen.push(model.training, backbone.training, norm.training) }],
    });
    expect(new Set(seen.filter((_, i) => i % 3 === 0))).toEqual(new Set([true]));
    expect(new Set(seen.filter((_, i) => i % 3 !== 0))).toEqual(new Set([false]));
    expect(await norm.running_mean?.data()).toEqual(Float32Array.of(0, 0, 0));
  });
  test('as a whole go to training, and back afterwards', async () => {
    const { model, backbone, norm, trainer, loader } = frozen();
    model.eval();
    const seen: boolean[] = [];
    await train(trainer, loader, { callbacks: [{ onStep: () => void seen.push(backbone.training) }] });
    expect(seen).toEqual([true, true, true, true]);
    expect(await norm.running_mean?.data()).not.toEqual(Float32Array.of(0, 0, 0));
    expect([model.training, backbone.training]).toEqual([false, false]);
  });
  test('a callback may freeze and thaw; one that leaves the model in evaluation mode changes nothing', async () => {
    const { model, backbone, trainer, loader } = frozen();
    const seen: boolean[][] = [];
    await train(trainer, loader, {
      epochs: 4,
      callbacks: [
        {
          onStep: () => void seen.push([model.training, backbone.training]),
          onEpochEnd: ({ epoch }) => {
            if (epoch === 1) backbone.eval();
            else if (epoch === 2) model.eval();
            else backbone.train();
          },
        },
      ],
    });
    expect(seen.map(([whole, part]) => `${whole} ${part}`)).toEqual([
      ...Array<string>(2).fill('true true'),
      ...Array<string>(4).fill('true false'),
      ...Array<string>(2).fill('true true'),
    ]);
  });
  test('a module that two others share comes back as it was', async () => {
    const shared = new Dropout();
    const last = new Sequential(shared);
    const model = new Sequential(new Sequential(new Linear({ inFeatures: 1, outFeatures: 1 }), shared), last);
    shared.eval();
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
    await trainer.predict(zeros([1, 1]));
    expect([model.training, last.training, shared.training]).toEqual([true, true, false]);
  });
  test.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('come back as they were after a step of a stream: %s, %s', async (whole, part) => {
    const inner = new Dropout({ p: 0.5 });
    const model = new Sequential(new Sequential(inner)).train(whole);
    inner.train(part);
    const stream = model.createStream();
    expect((await stream.step([1, 2])).data).toEqual(Float32Array.of(1, 2));
    expect([model.training, inner.training]).toEqual([whole, part]);
    await expect(stream.step(Object('text'))).rejects.toThrow('got the frame ');
    expect([model.training, inner.training]).toEqual([whole, part]);
  });
  test('a class with eval() and train() of its own has them called', async () => {
    const calls: string[] = [];
    class Own extends Sequential {
      override eval(): this {
        calls.push('eval');
        return super.eval();
      }
      override train(mode = true): this {
        calls.push(`train ${mode}`);
        return super.train(mode);
      }
    }
    const inner = new Dropout({ p: 0.5 });
    const model = new Own(inner);
    expect((await model.createStream().step([1, 2])).data).toEqual(Float32Array.of(1, 2));
    expect(calls).toEqual(['eval', 'train true']);
    expect([model.training, inner.training]).toEqual([true, true]);
  });
});

describeDevices('a loss that is not finite', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY];
  test.each([
    [odd[0], false],
    [odd[1], false],
    [odd[0], true],
  ])('ends fit and harms nothing: %f, compile %s', async (value, compile) => {
    const { model, trainer } = unit({ compile });
    const steps: number[] = [];
    const good = Array.from({ length: 3 }, () => batch(1));
    await trainer.fit(good, { epochs: 1, progress: false });
    const before = await model.weight.item();
    const failed = trainer.fit([batch(value ?? 0), ...Array.from({ length: 20 }, () => batch(value ?? 0))], {
      epochs: 3,
      progress: false,
      callbacks: [{ onStep: ({ steps: count }) => void steps.push(count) }],
    });
    await expect(failed).rejects.toThrow(TrainingError);
    await expect(failed).rejects.toThrow(
      /^Trainer\.fit: got a loss of (NaN|Infinity) in epoch 1, batch 1 \(step 4 of the trainer\)/,
    );
    await expect(failed).rejects.toThrow(
      ' expected a finite number.\n  Fix: take NaN or infinity out of input of this batch; a smaller learningRate',
    );
    expect(steps.length).toBeLessThanOrEqual(10);
    expect(await model.weight.item()).toBe(before);
    expect((await trainer.fit(good, { epochs: 1, progress: false })).last?.train['loss']).toBeLessThan(1);
  });
  test('names epoch, batch and step; trainer.history has the epochs before', async () => {
    const { trainer } = unit();
    let epoch = 1;
    const batches = {
      *[Symbol.iterator]() {
        yield batch(1);
        yield batch(epoch === 3 ? Number.NaN : 2);
      },
    };
    const failed = trainer.fit(batches, {
      epochs: 5,
      progress: false,
      callbacks: [{ onEpochEnd: () => void epoch++ }],
    });
    await expect(failed).rejects.toThrow('got a loss of NaN in epoch 3, batch 2 (step 6 of the trainer)');
    expect(trainer.history.epochs.map((record) => record.epoch)).toEqual([1, 2]);
  });
  test('may be skipped: the batch is left out, and counted in the record', async () => {
    const [skipping, plain] = [unit(), unit()];
    const history = await skipping.trainer.fit([batch(1), batch(Number.NaN), batch(2, 3)], {
      epochs: 2,
      progress: false,
      onNaN: 'skip',
    });
    const without = await plain.trainer.fit([batch(1), batch(2, 3)], { epochs: 2, progress: false });
    expect(history.train('loss')).toEqual(without.train('loss'));
    expect(history.epochs.map(({ skipped }) => skipped)).toEqual([1, 1]);
    expect(await skipping.model.weight.item()).toBe(await plain.model.weight.item());
    const nothing = await skipping.trainer.fit([batch(Number.NaN)], {
      epochs: 1,
      progress: false,
      onNaN: 'skip',
    });
    expect(nothing.last).toMatchObject({ skipped: 1, train: { loss: Number.NaN } });
  });
  test('of the validation ends fit too, unless it may be skipped', async () => {
    const { trainer } = unit();
    await expect(
      trainer.fit([batch(1)], { epochs: 2, validation: [batch(Number.NaN)], progress: false }),
    ).rejects.toThrow(/got a validation loss of NaN after epoch 1, expected a finite number/);
    const history = await trainer.fit([batch(1)], {
      epochs: 2,
      validation: [batch(Number.NaN)],
      progress: false,
      onNaN: 'skip',
    });
    expect(history.validation('loss')).toEqual([Number.NaN, Number.NaN]);
    expect((await trainer.evaluate([batch(Number.NaN)]))['loss']).toBeNaN();
  });
  test('under f16 ends fit too: it is no overflow of scaled gradients', async () => {
    const { trainer } = unit({ precision: 'f16' });
    const odd = [batch(1), batch(Number.NaN), batch(1)];
    await expect(trainer.fit(odd, { epochs: 1, progress: false })).rejects.toThrow(
      'got a loss of NaN in epoch 1, batch 2',
    );
    const history = await trainer.fit(odd, { epochs: 1, progress: false, onNaN: 'skip' });
    expect(history.last).toMatchObject({ skipped: 1 });
    expect(history.last?.train['loss']).toBeGreaterThan(0);
  });

  test('harms nothing beside a group without parameters', async () => {
    const { model } = unit();
    const optimizer = new SGD([{ parameters: model.parameters() }, { parameters: [] }], { learningRate: 0.01 });
    const { trainer } = unit({ model, optimizer });
    await expect(trainer.fit([batch(Number.NaN)], { epochs: 1, progress: false })).rejects.toThrow(TrainingError);
    expect(await model.weight.item()).toBe(1);
  });
});

test('batches in which nothing counts change no figure; an epoch of nothing else is an error', async () => {
  const model = new Linear({ inFeatures: 1, outFeatures: 2 });
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 0 }),
    metrics: [new Accuracy(), new ConfusionMatrix({ numClasses: 2 })],
  });
  const of = (...labels: number[]): Batch => ({
    input: tensor(labels.map((_, i) => [i])),
    target: tensor(labels, { dtype: 'i32' }),
  });
  const [one, two] = [await trainer.evaluate([of(0, 1)]), await trainer.evaluate([of(-100, -100), of(0, 1), of(-100)])];
  expect(two).toEqual(one);
  expect((await trainer.fit([of(-100, -100), of(0, 1)], { epochs: 1, progress: false })).last?.train).toEqual(one);
  expect((await trainer.evaluate([of(-100)]))['loss']).toBeNaN();
  await expect(trainer.fit([of(-100), of(-100, -100)], { epochs: 1, progress: false })).rejects.toThrow(
    'Trainer.fit: got 2 batches in epoch 1 of which nothing counts for the loss, ' +
      'expected at least one target that does.\n' +
      '  Fix: look whether all labels are ignoreIndex',
  );
});

test('metrics read outputs and labels as the loss does', async () => {
  const model = new Linear({ inFeatures: 1, outFeatures: 1 });
  model.loadStateDict({ weight: tensor([[1]]), bias: tensor([-0.25]) });
  const binary = new Trainer({
    model,
    loss: new BCEWithLogitsLoss(),
    optimizer: new SGD(model.parameters()),
    metrics: [new Accuracy(), new ConfusionMatrix({ numClasses: 2 })],
  });
  // Logits 0.75, 0.25, -0.25: the second is yes, though below 0.5.
  const figures = await binary.evaluate(
    new DataLoader(
      [
        { input: [1], target: 1 },
        { input: [0.5], target: 1 },
        { input: [0], target: 0 },
      ],
      { batchSize: 2 },
    ),
  );
  expect(figures).toMatchObject({ accuracy: 1, balancedAccuracy: 1 });
  const asFunction = new Trainer({
    model,
    loss: (x, y) => binaryCrossEntropyWithLogits(x, y).mul(2),
    optimizer: new SGD(model.parameters()),
    metrics: [new Accuracy()],
  });
  expect(await asFunction.evaluate(new DataLoader([{ input: [0.5], target: 1 }], { batchSize: 2 }))).toMatchObject({
    accuracy: 1,
  });
  const wide = new Linear({ inFeatures: 1, outFeatures: 3 });
  wide.loadStateDict({ weight: tensor([[0], [0], [0]]), bias: tensor([0, 2, 1]) });
  const classes = new Trainer({
    model: wide,
    loss: new CrossEntropyLoss({ ignoreIndex: 0 }),
    optimizer: new SGD(wide.parameters()),
    metrics: [new Accuracy(), new ConfusionMatrix({ numClasses: 3 })],
  });
  expect(
    await classes.evaluate(
      new DataLoader(
        [0, 1, 2, 1].map((target) => ({ input: [1], target })),
        { batchSize: 3 },
      ),
    ),
  ).toMatchObject({ accuracy: 2 / 3, balancedAccuracy: 1 / 2 });
});

test('records', async () => {
  const seen: EpochRecord[] = [];
  const { trainer } = unit();
  const broken = trainer.fit([batch(1)], {
    epochs: 4,
    progress: false,
    callbacks: [
      {
        onEpochEnd: (record) => {
          if (seen.push(record) === 3) throw new Error('enough');
        },
      },
    ],
  });
  await expect(broken).rejects.toThrow('enough');
  expect(trainer.history.epochs).toEqual(seen);
  expect(seen[0]).not.toHaveProperty('skipped');
  expect(trainer.history.train('loss')).toEqual(seen.map(({ train }) => train['loss']));
  expect(trainer.history.validation('loss')).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(() => trainer.history.train('los')).toThrow(
    'History.train: got "los", expected one of loss.\n  Fix: write \'loss\'.',
  );
  expect(() => trainer.history.validation('accuracy')).toThrow('Fix: give the Trainer a metric of this name.');
});
