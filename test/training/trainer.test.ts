import { describe, expect, test, vi } from 'vitest';
import {
  Accuracy,
  Adam,
  ArrayDataset,
  bernoulli,
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
  memory,
  Module,
  MSELoss,
  ones,
  OptionError,
  PaddedSequence,
  ReduceLROnPlateau,
  scope,
  Sequential,
  SGD,
  tensor,
  Trainer,
  zeros,
  type Batch,
  type EpochRecord,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { handlesKept } from '../support/handles';

/** Sequences of 1 to 6 steps; the class says whether they rise or fall. */
const items = Array.from({ length: 60 }, (_, i) => {
  const sign = i % 2 === 0 ? 1 : -1;
  return {
    input: Array.from({ length: 1 + (i % 6) }, (__, t) => [sign * (0.3 + 0.1 * t), Math.sin(i + t)]),
    target: i % 2,
  };
});
const loader = (): DataLoader<(typeof items)[number]> =>
  new DataLoader(new ArrayDataset(items), { batchSize: 8, shuffle: true });
const classifier = (): Sequential =>
  new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 8 }),
    new LastStep(),
    new Dropout({ p: 0.1 }),
    new Linear({ inFeatures: 8, outFeatures: 2 }),
  );

function makeTrainer(model = classifier()): Trainer {
  return new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new Adam(model.parameters(), { learningRate: 2e-2 }),
    metrics: [new Accuracy()],
    clipGradNorm: 5,
  });
}

/** One linear unit, whose numbers can be followed by hand. */
function unit(weight: number): { model: Linear; batches: Batch[] } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[weight]]) });
  return {
    model,
    batches: [
      { input: tensor([[1], [2]]), target: tensor([[1], [2]]) },
      { input: tensor([[3]]), target: tensor([[5]]) },
    ],
  };
}

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

describe('one at a time', () => {
  const made = (): { trainer: Trainer; batches: Batch[] } => {
    const { model, batches } = unit(2);
    return {
      batches,
      trainer: new Trainer({
        model,
        loss: new MSELoss(),
        optimizer: new SGD(model.parameters(), { learningRate: 0 }),
        metrics: [new MeanAbsoluteError()],
      }),
    };
  };

  test('evaluating in a callback would spoil the figures of the epoch: it is refused and harms nothing', async () => {
    const { trainer, batches } = made();
    const inside = trainer.fit(batches, {
      epochs: 1,
      progress: false,
      callbacks: [{ onStep: async (seen) => void (await seen.evaluate(batches)) }],
    });
    await expect(inside).rejects.toThrow(OptionError);
    await expect(inside).rejects.toThrow(
      'Trainer.evaluate: got a call while fit is running, expected one at a time: they share the metrics.\n' +
        '  Fix: evaluate in onEpochEnd or by the option validation, or make a second Trainer of the same model.',
    );
    expect((await trainer.evaluate(batches))['loss']).toBe(2);
    expect((await trainer.fit(batches, { epochs: 1, progress: false })).last?.train).toEqual({
      loss: 2,
      meanAbsoluteError: 4 / 3,
    });
  });
  test('between epochs a callback may evaluate, but not train', async () => {
    const { trainer, batches } = made();
    const losses: unknown[] = [];
    const history = await trainer.fit(batches, {
      epochs: 2,
      progress: false,
      callbacks: [{ onEpochEnd: async (_, seen) => void losses.push((await seen.evaluate(batches.slice(1)))['loss']) }],
    });
    expect(losses).toEqual([1, 1]);
    expect(history.train('loss')).toEqual([2, 2]);
    const nested = trainer.fit(batches, {
      epochs: 2,
      progress: false,
      callbacks: [{ onEpochEnd: async (_, seen) => void (await seen.fit(batches, { epochs: 1 })) }],
    });
    await expect(nested).rejects.toThrow('Trainer.fit: got a call while fit is running');
    const left: Promise<unknown>[] = [];
    const running = trainer.fit(batches, {
      epochs: 2,
      progress: false,
      callbacks: [{ onEpochEnd: (_, seen) => void left.push(seen.evaluate(batches)) }],
    });
    await expect(running).rejects.toThrow(
      'Trainer.fit: got a call while evaluate is running, expected one at a time: they share the metrics.\n' +
        '  Fix: await evaluate first.',
    );
    await Promise.all(left);
  });
  test('a second fit or evaluate before the first is done', async () => {
    const { trainer, batches } = made();
    const first = trainer.fit(batches, { epochs: 2, progress: false });
    await expect(trainer.fit(batches, { epochs: 1, progress: false })).rejects.toThrow(
      'Trainer.fit: got a call while fit is running, expected one at a time: they share the metrics.\n' +
        '  Fix: await fit first.',
    );
    expect((await first).train('loss')).toEqual([2, 2]);
    const evaluated = trainer.evaluate(batches);
    await expect(trainer.evaluate(batches)).rejects.toThrow('Fix: await evaluate first.');
    expect(await evaluated).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
  });
  test('predictions may come at any time, and leave figures and modes alone', async () => {
    const { trainer, batches } = made();
    const modes: boolean[] = [];
    const predicted: Promise<Sequence[]>[] = [];
    const history = await trainer.fit(batches, {
      epochs: 1,
      progress: false,
      callbacks: [
        {
          onStep: (seen) =>
            void (predicted.push(seen.predict(batches), seen.predict(batches)) && modes.push(seen.model.training)),
        },
      ],
    });
    expect(history.last?.train).toEqual({ loss: 2, meanAbsoluteError: 4 / 3 });
    expect(modes).toEqual([true, true]);
    for (const [, second] of await Promise.all(predicted)) expect(await second?.data()).toEqual(Float32Array.of(6));
    expect(trainer.model.training).toBe(true);
  });
  test('a callback that throws leaves the trainer usable', async () => {
    const { trainer, batches } = made();
    const thrown = trainer.fit(batches, {
      epochs: 1,
      progress: false,
      callbacks: [
        {
          onStep: () => {
            throw new Error('enough');
          },
        },
      ],
    });
    await expect(thrown).rejects.toThrow('enough');
    expect((await trainer.fit(batches, { epochs: 1, progress: false })).last?.train['loss']).toBe(2);
  });
});

describe('memory', () => {
  test("batches of one's own are not disposed of", async () => {
    const { model, batches } = unit(1);
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()) });
    await trainer.fit(batches, { epochs: 3, progress: false });
    expect(await batches[0]?.input.data()).toEqual(Float32Array.of(1, 2));
    const before = handlesKept();
    const loss = scope(() => trainer.step(batches[0] ?? { input: zeros([1, 1]), target: zeros([1, 1]) }));
    expect(handlesKept()).toBe(before + 1);
    loss.dispose();
  });
  test('the queue is at most two steps long', async () => {
    const trainer = makeTrainer();
    const batch: Batch = { input: ones([8, 40, 2]), target: zeros([8], { dtype: 'i32' }) };
    const peaks: number[] = [];
    for (let step = 0; step < 30; step++) {
      trainer.step(batch).dispose();
      const queued = memory().queuedCommands;
      await trainer.fence();
      peaks.push(queued);
    }
    const oneStep = Math.max(...peaks.slice(0, 1));
    expect(Math.max(...peaks)).toBeLessThanOrEqual(4 * Math.max(oneStep, 60));
  });
});

describe('mistakes', () => {
  const { model, batches } = unit(1);
  const optimizer = new SGD(model.parameters());
  const make = (): Trainer => new Trainer({ model, loss: new MSELoss(), optimizer });

  test('parts that are missing, unknown or of the wrong kind', () => {
    expect(() => new Trainer({ model, loss: new MSELoss() } as never)).toThrow(
      'Trainer: got optimizer: undefined, expected an optimizer.',
    );
    expect(() => new Trainer({ model, optimizer, loss: 'mse' } as never)).toThrow(
      /got loss: "mse", expected a loss such as new CrossEntropyLoss\(\), or a function/,
    );
    expect(() => new Trainer({ model, optimizer, loss: new MSELoss(), metric: [] } as never)).toThrow(
      /got an option metric/,
    );
    expect(
      () => new Trainer({ model, optimizer, loss: new MSELoss(), metrics: [new Accuracy(), new Accuracy()] }),
    ).toThrow(/two figures named accuracy/);
    expect(() => new Trainer({ model, optimizer, loss: new MSELoss(), clipGradNorm: -1 })).toThrow(OptionError);
    expect(() => new Trainer({ model, optimizer, loss: new MSELoss(), device: 'cuda:9' })).toThrow(/cuda:9/);
  });
  test('loaders without batches, batches of another form', async () => {
    await expect(make().fit([], { epochs: 1, progress: false })).rejects.toThrow(
      'Trainer.fit: got a loader without batches, expected at least one batch.',
    );
    await expect(make().evaluate([])).rejects.toThrow('Trainer.evaluate: got a loader without batches');
    await expect(make().fit(7 as never, { epochs: 1, progress: false })).rejects.toThrow(
      'Trainer.fit: got 7, expected a DataLoader or another iterable of batches.',
    );
    await expect(make().fit([[1, 2]] as never, { epochs: 1, progress: false })).rejects.toThrow(
      /got the batch \[1, 2\], expected \{ input, target \}/,
    );
    await expect(make().fit(batches, { epochs: 0, progress: false })).rejects.toThrow('Trainer.fit: got epochs: 0');
    await expect(make().fit(batches, { epoch: 2 } as never)).rejects.toThrow(/got an option epoch/);
    await expect(make().predict('x' as never)).rejects.toThrow(/Trainer.predict: got "x"/);
  });
  test('a model that returns no tensor', () => {
    class Odd extends Module {
      unit = new Linear({ inFeatures: 1, outFeatures: 1 });
      forward(): number {
        return 3;
      }
    }
    const odd = new Odd();
    expect(() =>
      new Trainer({ model: odd, loss: new MSELoss(), optimizer: new SGD(odd.parameters()) }).step(batches[0] as Batch),
    ).toThrow('Trainer: the output of the model: got 3, expected a tensor');
  });
  test('a model that returns all that a recurrent layer does', async () => {
    const lstm = new LSTM({ inputSize: 1, hiddenSize: 1 });
    const trainer = new Trainer({ model: lstm, loss: new MSELoss(), optimizer: new SGD(lstm.parameters()) });
    const message =
      'Trainer: the output of the model: got { output, h, c }, expected a tensor or a PaddedSequence.\n' +
      '  Fix: return output from forward, or put a recurrent layer into a Sequential';
    const input = ones([1, 2, 1]);
    expect(() => trainer.step({ input, target: input })).toThrow(message);
    await expect(trainer.predict(input)).rejects.toThrow(message);
  });
  test('callbacks that would never be called', async () => {
    const fit = (callbacks: unknown): Promise<unknown> =>
      make().fit(batches, { epochs: 1, progress: false, callbacks: callbacks as never });
    await expect(fit([{ onEpoch: () => undefined }])).rejects.toThrow(
      'Trainer.fit: got onEpoch in a callback, expected an object with onStep or onEpochEnd.\n' +
        '  Fix: write onEpochEnd, if that is what you mean by onEpoch.',
    );
    await expect(fit([{ onStep: () => undefined, onEpochEnds: () => undefined }])).rejects.toThrow(
      'Fix: write onEpochEnd, if that is what you mean by onEpochEnds.',
    );
    await expect(fit([{ onBatchEnd: () => undefined }])).rejects.toThrow('Fix: write onStep,');
    await expect(fit([{ log: () => undefined }])).rejects.toThrow(
      'Fix: name what is to be called onStep or onEpochEnd.',
    );
    await expect(fit([{}])).rejects.toThrow('got a callback without methods');
    await expect(fit([() => undefined])).rejects.toThrow(
      /got a function among the callbacks|got function .* among the callbacks/,
    );
    await expect(fit({ onStep: () => undefined })).rejects.toThrow(
      'Trainer.fit: got callbacks: { onStep }, expected an array of callbacks.',
    );
    const counter = new (class Counter {
      seen = 0;
      count(): void {
        this.seen++;
      }
      onEpochEnd(): void {
        this.count();
      }
    })();
    await make().fit(batches, { epochs: 2, progress: false, callbacks: [counter] });
    expect(counter.seen).toBe(2);
  });
  test('a fault on the device ends fit with its reason, and the trainer stays usable', async () => {
    const faulty: Batch = { input: bernoulli(tensor([[3]])), target: zeros([1, 1]) };
    const trainer = make();
    await expect(trainer.fit([faulty], { epochs: 1, progress: false })).rejects.toThrow(
      /bernoulli: got 3 as element 0/,
    );
    const history = await trainer.fit(batches, { epochs: 1, progress: false });
    expect(history.last?.train['loss']).toBeGreaterThan(0);
  });
  test('a generator that is used up', async () => {
    const once = (function* (): Generator<{ input: Sequence; target: Sequence }> {
      yield* batches;
    })();
    await expect(make().fit(once, { epochs: 2, progress: false })).rejects.toThrow(
      /a generator can be walked only once/,
    );
  });
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
