import { expect, test } from 'vitest';
import {
  Accuracy,
  Adam,
  ArrayDataset,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  memory,
  OneCycleLR,
  OptionError,
  Sequential,
  synchronize,
  Trainer,
  type TrainerOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';

function setUp(options: Partial<TrainerOptions>) {
  manualSeed(4);
  const items = Array.from({ length: 50 }, (_, i) => ({
    input: Array.from({ length: 3 + (i % 2) }, (__, t) => [Math.cos(i * t), Math.sin(i + t)]),
    target: i % 3 === 0 ? 1 : 0,
  }));
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 8 }),
    new LastStep(),
    new Dropout({ p: 0.1 }),
    new Linear({ inFeatures: 8, outFeatures: 2 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 1e-2 });
  const schedule = new OneCycleLR(optimizer, { maxLearningRate: 3e-2, totalSteps: 200 });
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer,
    schedule,
    scheduleEvery: 'step',
    clipGradNorm: 1,
    ...options,
  });
  const loader = new DataLoader(new ArrayDataset(items), { batchSize: 8 }); // the last batch has two rows
  return { model, optimizer, trainer, loader };
}

async function outcome(options: Partial<TrainerOptions>): Promise<unknown> {
  const { model, optimizer, trainer, loader } = setUp(options);
  const history = await trainer.fit(loader, { epochs: 4, validation: loader, progress: false });
  const weights = await Promise.all(model.parameters().map((parameter) => parameter.data()));
  const outputs = await Promise.all((await trainer.predict(loader)).map((output) => output.data()));
  return {
    epochs: history.epochs.map(({ train, validation, learningRate }) => ({ train, validation, learningRate })),
    weights,
    outputs,
    steps: [trainer.steps, optimizer.steps],
  };
}

describeDevices('Trainer with compile and precision', (device) => {
  test.each([[[]], [[new Accuracy()]]])('compile: true gives the same bits (metrics %o)', async (metrics) => {
    expect(await outcome({ compile: true, metrics })).toEqual(await outcome({ metrics }));
  });

  test.each(['bf16', 'f16'] as const)(
    'precision %s holds in training, evaluation and prediction',
    async (precision) => {
      const plain = await outcome({}),
        reduced = await outcome({ precision });
      expect(await outcome({ precision, compile: true })).toEqual(reduced);
      if (device === 'cpu' && precision === 'f16') expect(reduced).toEqual(plain);
      else expect(reduced).not.toEqual(plain);
    },
  );

  test('handles and live bytes stay where they were', async () => {
    const { trainer, loader } = setUp({
      compile: true,
      metrics: [new Accuracy()],
      scheduleEvery: 'epoch',
      precision: 'f16',
    });
    const measure = async (epochs: number): Promise<number[]> => {
      await trainer.fit(loader, { epochs, validation: loader, progress: false });
      await synchronize();
      const { handles, usedBytes, collectedByGc } = memory();
      return [handles + collectedByGc, usedBytes];
    };
    const first = await measure(3);
    expect((await measure(10))[0]).toBe(first[0]);
  });
});

test('mistakes', () => {
  expect(() => setUp({ compile: 1 as never })).toThrow(/Trainer: got compile: 1/);
  expect(() => setUp({ precision: 'fp16' as never })).toThrow(OptionError);
});
