import { expect, test } from 'vitest';
import {
  BatchNorm1d,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  DataLoader,
  Linear,
  LSTM,
  manualSeed,
  MSELoss,
  Sequential,
  SGD,
  StepLR,
  tensor,
  Trainer,
  type Batch,
  type Tensor,
  type TrainerOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { differences } from '../support/near';

const quiet = { epochs: 2, progress: false } as const;

/** Sequences of 1 to 5 steps with a label for each, some of which do not count. */
const items = Array.from({ length: 20 }, (_, i) => ({
  input: Array.from({ length: 1 + (i % 5) }, (__, t) => [Math.sin(i + t), Math.cos(3 * i - t)]),
  target: Int32Array.from({ length: 1 + (i % 5) }, (__, t) => ((i + t) % 4 === 0 ? -100 : (i * t) % 3)),
}));

function tagger(options: Partial<TrainerOptions> = {}): { trainer: Trainer; weights: () => Promise<number[]> } {
  manualSeed(2);
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 4 }),
    new Linear({ inFeatures: 4, outFeatures: 3 }),
  );
  const optimizer = new SGD(model.parameters(), { learningRate: 0.5 });
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, ...options });
  const weights = async (): Promise<number[]> => {
    const values = await Promise.all(model.parameters().map((parameter) => parameter.data()));
    return values.flatMap((value) => Array.from(value));
  };
  return { trainer, weights };
}

describeDevices('accumulate', () => {
  test.each<Partial<TrainerOptions>>([{}, { clipGradNorm: 0.1 }])(
    'is the step on one large batch, whatever lengths and labels, and a smaller group at the end: %o',
    async (options) => {
      const [small, large] = [tagger({ ...options, accumulate: 3 }), tagger(options)];
      const losses: [number[], number[]] = [[], []];
      const noting = (list: number[]) => ({
        callbacks: [{ onStep: async (_: unknown, { loss }: { loss: Tensor }) => void list.push(await loss.item()) }],
      });
      const parts = new DataLoader(items, { batchSize: 4 });
      const first = await small.trainer.fit(parts as never, { ...quiet, ...noting(losses[0]) });
      const whole = new DataLoader(items, { batchSize: 12 }); // 12 and 8
      const second = await large.trainer.fit(whole as never, { ...quiet, ...noting(losses[1]) });
      expect(small.trainer.steps).toBe(4);
      expect(differences(await small.weights(), await large.weights(), 1e-5)).toEqual([]);
      expect(differences(losses[0], losses[1], 1e-5)).toEqual([]);
      expect(differences(first.train('loss'), second.train('loss'), 1e-5)).toEqual([]);
      expect(differences([first.last?.gradientNorm?.mean ?? 0], [second.last?.gradientNorm?.mean ?? 0], 1e-4)).toEqual(
        [],
      );
    },
  );
  test('counts weights, and adds up sums', async () => {
    const rows = (from: number, to: number): Batch => ({
      input: tensor(Array.from({ length: to - from }, (_, i) => [from + i])),
      target: tensor(Array.from({ length: to - from }, (_, i) => [(from + i) % 2])),
      weight: tensor(Array.from({ length: to - from }, (_, i) => 1 / (1 + from + i))),
    });
    for (const reduction of ['mean', 'sum'] as const) {
      const weights = await Promise.all(
        [[rows(0, 1), rows(1, 5), rows(5, 7)], [rows(0, 7)]].map(async (batches, large) => {
          const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
          model.loadStateDict({ weight: tensor([[0.1]]) });
          const optimizer = new SGD(model.parameters(), { learningRate: 0.05 });
          const loss = new BCEWithLogitsLoss({ reduction });
          const trainer = new Trainer({ model, loss, optimizer, accumulate: large === 1 ? 1 : 3 });
          await trainer.fit(batches, quiet);
          return model.weight.item();
        }),
      );
      expect(differences([weights[0] ?? 0], [weights[1] ?? 1], 1e-5)).toEqual([]);
    }
  });
  test('is that step to the last digits in f64', async () => {
    const weights = await Promise.all(
      [3, 1].map(async (accumulate) => {
        const model = new Linear({ inFeatures: 1, outFeatures: 1, dtype: 'f64' });
        model.loadStateDict({ weight: tensor([[0.1]], { dtype: 'f64' }), bias: tensor([0.2], { dtype: 'f64' }) });
        const optimizer = new SGD(model.parameters(), { learningRate: 0.05 });
        const trainer = new Trainer({ model, loss: new MSELoss(), optimizer, accumulate });
        const rows = Array.from({ length: 7 }, (_, i) => ({ input: [Math.sin(i)], target: [Math.cos(3 * i)] }));
        const dtypes = { input: 'f64', target: 'f64' } as const;
        await trainer.fit(new DataLoader(rows, { batchSize: accumulate === 3 ? 3 : 7, dtypes }), quiet);
        return [...(await model.weight.data()), ...((await model.bias?.data()) ?? [])];
      }),
    );
    expect(differences(weights[0] ?? [], weights[1] ?? [], 1e-14)).toEqual([]);
  });
  test.each(['a number', 'a tensor'])('leaves no NaN of a batch that has a divisor of 0, %s', async (kind) => {
    interface Rows {
      x: Tensor;
      count: number;
    }
    const statistics = async (batches: Rows[], accumulate = 2): Promise<number[]> => {
      manualSeed(1);
      const model = new Sequential(new BatchNorm1d({ numFeatures: 1 }), new Linear({ inFeatures: 1, outFeatures: 2 }));
      const trainer = new Trainer({
        model,
        optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
        forward: (layers: Sequential, { x }: Rows) => layers.forward(x) as Tensor,
        loss: (output: Tensor, { count }: Rows) => ({
          loss:
            count === 0
              ? output
                  .detach()
                  .mul(0)
                  .sum()
                  .add(model.parameters()[0]?.mul(0).sum() ?? 0)
              : output.mean(),
          divisor: kind === 'a number' ? count : tensor([count]),
        }),
        accumulate,
      });
      await trainer.fit(batches, { ...quiet, epochs: 1, onNaN: 'skip' });
      const values = await Promise.all(model.buffers().map((buffer) => buffer.data()));
      return values.flatMap((value) => Array.from(value));
    };
    const batch = (x: number, count = 2): Rows => ({ x: tensor([[x], [3]]), count });
    const nothing = batch(Number.NaN, 0);
    const only = await statistics([batch(1), batch(2)]);
    expect(only.every(Number.isFinite)).toBe(true);
    expect(await statistics([nothing, nothing, batch(1), batch(2)])).toEqual(only);
    expect(await statistics([batch(5, 0), batch(7, 0), batch(1), batch(2)])).toEqual(only);
    expect(await statistics([nothing, batch(Number.NaN), batch(1), batch(2)])).toEqual(only);
    // A step on the first batch alone, and one on the last.
    if (kind === 'a number') expect(await statistics([batch(1), nothing, batch(2)])).toEqual(only);
  });
  test('a batch of which nothing counts adds nothing; a group of such is left out', async () => {
    const [small, large] = [tagger({ accumulate: 2 }), tagger()];
    const nothing = { input: [[1, 2]], target: Int32Array.of(-100) };
    const some = items[3] ?? nothing;
    const loader = (list: unknown[]): never => new DataLoader(list as (typeof items)[number][]) as never;
    await small.trainer.fit(loader([nothing, some, nothing, nothing, some, nothing]), quiet);
    await large.trainer.fit(loader([some, some]), quiet);
    expect(differences(await small.weights(), await large.weights(), 1e-5)).toEqual([]);
  });
  test.each(['stop', 'skip', 'ignore'] as const)(
    'a group of losses that say they were divided by 0 is left out, and nothing odd: %s',
    async (onNaN) => {
      const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
      model.loadStateDict({ weight: tensor([[1]]) });
      const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
      const batch = (count: number): { x: Tensor; count: number } => ({ x: tensor([[1]]), count });
      const trainer = new Trainer({
        model,
        optimizer,
        forward: (linear: Linear, { x }: { x: Tensor }) => linear.forward(x),
        loss: (output: Tensor, { count }: { x: Tensor; count: number }) => ({
          loss: output.sum().div(count),
          divisor: count,
        }),
        accumulate: 2,
      });
      const { last } = await trainer.fit([batch(0), batch(0), batch(1), batch(1), batch(0)], {
        ...quiet,
        epochs: 1,
        onNaN,
      });
      expect(last).not.toHaveProperty('skipped');
      expect([trainer.steps, last?.train.loss]).toEqual([3, 1]);
      expect(differences([await model.weight.item()], [0.9], 1e-6)).toEqual([]);
    },
  );
  test('a loss that is not finite leaves the group out, and stops the training before it', async () => {
    const pair = (input: number): Batch => ({ input: tensor([[input]]), target: tensor([[0]]) });
    const unit = (): { model: Linear; trainer: Trainer } => {
      const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
      model.loadStateDict({ weight: tensor([[1]]) });
      const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
      return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer, accumulate: 2 }) };
    };
    const [plain, stopped, skipped] = [unit(), unit(), unit()];
    const odd = [pair(1), pair(2), pair(1), pair(Number.NaN), ...Array.from({ length: 20 }, () => pair(1))];
    await plain.trainer.fit(odd.slice(0, 2), { ...quiet, epochs: 1 });
    await expect(stopped.trainer.fit(odd, { ...quiet, epochs: 1 })).rejects.toThrow(
      'a loss of NaN in epoch 1, batch 4 (step 2 of the trainer), first in the output of the model (Linear)',
    );
    expect(await stopped.model.weight.item()).toBe(await plain.model.weight.item());
    const history = await skipped.trainer.fit(odd.slice(0, 4), { ...quiet, epochs: 1, onNaN: 'skip' });
    expect(history.last?.skipped).toBe(1);
    expect(await skipped.model.weight.item()).toBe(await plain.model.weight.item());
  });
});

test('schedules, steps and validations go by groups; step updates at the last batch of one', async () => {
  const { trainer } = tagger({ accumulate: 2 });
  const optimizer = trainer.optimizer;
  const scheduled = new Trainer({
    model: trainer.model,
    loss: new CrossEntropyLoss(),
    optimizer,
    accumulate: 2,
    schedule: new StepLR(optimizer, { stepSize: 1, gamma: 0.5 }),
    scheduleEvery: 'step',
  });
  const loader = new DataLoader(items, { batchSize: 4 }) as never;
  const seen: number[] = [];
  const history = await scheduled.fit(loader, {
    epochs: 1,
    progress: false,
    validation: loader,
    validateEvery: 2,
    callbacks: [{ onStep: (_, { step }) => void seen.push(step) }],
  });
  expect(seen).toEqual([1, 2, 3]);
  expect(history.validations.map(({ step }) => step)).toEqual([2, 3]);
  expect(optimizer.learningRate).toBe(0.5 / 8);
  const batch: Batch = { input: tensor([[[1, 2]]]), target: tensor([[1]], { dtype: 'i32' }) };
  const steps = [1, 2, 3].map(() => {
    trainer.step(batch).dispose();
    return trainer.steps;
  });
  expect(steps).toEqual([0, 1, 1]);
});

test('mistakes', async () => {
  expect(() => tagger({ accumulate: 0 })).toThrow('Trainer: got accumulate: 0, expected a whole number of at least 1');
  expect(() => tagger({ accumulate: 2, compile: true })).toThrow(
    'Trainer: got accumulate beside compile, expected steps of one batch to compile.',
  );
  const model = new Linear({ inFeatures: 1, outFeatures: 1 });
  const trainer = new Trainer({
    model,
    loss: (output) => [
      { loss: (output as Tensor).mean(), divisor: 2 },
      { loss: (output as Tensor).sum(), divisor: 'none' },
    ],
    optimizer: new SGD(model.parameters()),
    accumulate: 2,
  });
  await expect(trainer.fit([{ input: tensor([[1]]), target: tensor([[1]]) }], quiet)).rejects.toThrow(
    'Trainer: got accumulate with a loss of terms that were divided by different things, expected one divisor',
  );
});
