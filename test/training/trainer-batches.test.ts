import { describe, expect, test } from 'vitest';
import {
  Accuracy,
  concat,
  crossEntropy,
  CrossEntropyLoss,
  DataLoader,
  Embedding,
  LastStep,
  Linear,
  Loss,
  LSTM,
  manualSeed,
  MeanAbsoluteError,
  Module,
  mseLoss,
  MSELoss,
  OptionError,
  PaddedSequence,
  SGD,
  tensor,
  Trainer,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { unit } from '../support/trainers';

const quiet = { progress: false } as const;

/** Words in, words out, the next of which is predicted from those before. */
class Translator extends Module {
  embedding = new Embedding({ numEmbeddings: 8, embeddingDim: 4 });
  encoder = new LSTM({ inputSize: 4, hiddenSize: 6 });
  decoder = new LSTM({ inputSize: 4, hiddenSize: 6 });
  head = new Linear({ inFeatures: 6, outFeatures: 8 });

  forward(source: Sequence, previous: Sequence): Sequence {
    const { output, ...state } = this.encoder.forward(this.embedding.forward(source));
    void output;
    return this.head.forward(this.decoder.forward(this.embedding.forward(previous), state).output);
  }
}

const pairs = Array.from({ length: 12 }, (_, i) => ({
  source: Int32Array.from({ length: 1 + (i % 3) }, (__, t) => 1 + ((i + t) % 7)),
  previous: Int32Array.from({ length: 2 + (i % 2) }, (__, t) => (t === 0 ? 0 : 1 + ((i + t) % 7))),
  next: Int32Array.from({ length: 2 + (i % 2) }, (__, t) => 1 + ((i + t + 1) % 7)),
}));

describe('functions of one’s own', () => {
  test('translation with teacher forcing: any fields, and figures by name', async () => {
    manualSeed(1);
    const model = new Translator();
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model.parameters(), { learningRate: 0.5 }),
      forward: (translator, batch) => translator.forward(batch['source'] as Sequence, batch['previous'] as Sequence),
      loss: (output, batch) => crossEntropy(output, batch['next'] as Sequence),
      metrics: [{ metric: new Accuracy(), from: (output, batch) => [output, batch['next'] as Sequence] }],
    });
    const loader = new DataLoader(pairs, { batchSize: 5 });
    const before = await trainer.evaluate(loader);
    const whole = await trainer.evaluate(new DataLoader(pairs, { batchSize: 12 }));
    expect(whole.loss).toBeCloseTo(before.loss, 5);
    expect(whole.accuracy).toBeCloseTo(before.accuracy, 12);
    const history = await trainer.fit(loader, { epochs: 60, validation: loader, ...quiet });
    expect(history.last?.validation?.['accuracy']).toBeGreaterThan(before.accuracy);
    expect((await trainer.evaluate(loader)).loss).toBeLessThan(before.loss / 2);
    const outputs = await trainer.predict(loader, { join: true });
    expect(outputs).toBeInstanceOf(PaddedSequence);
    expect((outputs as PaddedSequence).lengths).toEqual(pairs.map(({ next }) => next.length));
  });

  test('the same numbers as by the short form', async () => {
    const [short, custom] = [unit(2), unit(2)].map(({ model, batches }, index) => {
      const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
      const metrics = [new MeanAbsoluteError()];
      if (index === 0) return { batches, trainer: new Trainer({ model, loss: new MSELoss(), optimizer, metrics }) };
      const trainer = new Trainer({
        model,
        optimizer,
        metrics,
        forward: (linear, batch: { input: Tensor; target: Tensor }) => linear.forward(batch.input),
        loss: (output, { target }) => mseLoss(output, target),
      });
      return { batches, trainer };
    });
    const run = async (given: typeof short): Promise<unknown> =>
      (await given?.trainer.fit(given.batches as never, { epochs: 3, ...quiet }))?.epochs.map(({ train }) => train);
    expect(await run(custom)).toEqual(await run(short));
  });

  test('a compiled step takes any batch too', async () => {
    const { model, batches } = unit(2);
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model.parameters(), { learningRate: 0 }),
      compile: true,
      forward: (linear, { x }: { x: Tensor; y: Tensor }) => ({ twice: linear.forward(x).mul(2), x }),
      loss: ({ twice }, { y }) => mseLoss(twice, y),
      metrics: [
        { metric: new MeanAbsoluteError(), from: ({ twice }, { y }) => [twice, y] },
        { metric: new MeanAbsoluteError(), name: 'ofInput', from: ({ x }, { y }) => [x, y] },
      ],
    });
    const own = batches.map(({ input, target }) => ({ x: input as Tensor, y: target as Tensor }));
    const { epochs } = await trainer.fit(own, { epochs: 4, ...quiet });
    const expected = { loss: (9 + 36 + 49) / 3, meanAbsoluteError: (3 + 6 + 7) / 3, ofInput: 2 / 3 };
    for (const { train } of epochs) expect(train).toEqual(expected);
  });

  test('a loss of one’s own without target counts by rows', async () => {
    const { model } = unit(1);
    const trainer = new Trainer({
      model,
      forward: (linear, { x }: { x: Tensor }) => linear.forward(x),
      loss: (output) => output.mean(),
    });
    const figures = await trainer.evaluate([{ x: tensor([[1], [2], [3]]) }, { x: tensor([[10]]) }]);
    expect(figures).toEqual({ loss: (1 + 2 + 3 + 10) / 4 });
  });

  test('batches of a class: its fields count, and methods that would get lost are refused', async () => {
    class Fields {
      readonly input = tensor([[3]]);
      readonly target = tensor([[5]]);
    }
    class Getter extends Fields {
      get twice(): Tensor {
        return this.input.mul(2);
      }
    }
    const { model } = unit(2);
    const short = new Trainer({ model, loss: new MSELoss() });
    expect(await short.evaluate([new Getter()])).toEqual({ loss: 1 });
    expect(await (await short.predict(new Getter())).data()).toEqual(Float32Array.of(6));
    const custom = new Trainer({
      model,
      forward: (linear, batch: Fields) => linear.forward(batch.input),
      loss: (output, batch) => mseLoss(output, batch.target),
    });
    expect(await custom.evaluate([new Fields()])).toEqual({ loss: 1 });
    await expect(custom.evaluate([new Getter()])).rejects.toThrow(
      'Trainer.evaluate: got the batch Getter, expected an object of fields, such as { source, previous, target }.\n' +
        '  Fix: give the batch as a plain object: methods and getters of a class do not come along.',
    );
  });

  test('forward may add to its batch, for loss and metrics to read; that of the user stays as it was', async () => {
    const { model } = unit(2);
    interface Noted {
      x: Tensor;
      y?: Tensor;
    }
    const trainer = new Trainer({
      model,
      forward: (linear, batch: Noted) => {
        batch.x = batch.x.add(1);
        batch.y = batch.x;
        return linear.forward(batch.x);
      },
      loss: (output, { y }) => mseLoss(output, y ?? output),
      metrics: [{ metric: new MeanAbsoluteError(), from: (output, { y }) => [output, y ?? output] }],
    });
    const batches = [{ x: tensor([[1]]) }, { x: tensor([[2]]) }];
    expect(await trainer.evaluate(batches)).toEqual({ loss: (4 + 9) / 2, meanAbsoluteError: 2.5 });
    expect(batches.map((batch) => Object.keys(batch))).toEqual([['x'], ['x']]);
    expect(await batches[0]?.x.data()).toEqual(Float32Array.of(1));
  });

  test('what does not fit is refused at once', () => {
    const { model } = unit(1);
    const forward = (linear: Linear, { x }: { x: Tensor }): Tensor => linear.forward(x);
    expect(() => new Trainer({ model, forward, loss: new MSELoss() } as never)).toThrow(OptionError);
    expect(() => new Trainer({ model, forward, loss: new MSELoss() } as never)).toThrow(
      'Trainer: got forward beside loss: new MSELoss(), expected a loss of the batch, (output, batch) => ….\n' +
        '  Fix: write loss: (output, batch) => loss.forward(output, batch.target) with const loss = new MSELoss().',
    );
    expect(() => new Trainer({ model, forward: 'x', loss: () => tensor([1]) } as never)).toThrow(
      'Trainer: got forward: "x", expected a function (model, batch) => output.',
    );
    const odd = { metric: new Accuracy(), form: () => [] };
    expect(() => new Trainer({ model, loss: new MSELoss(), metrics: [odd] } as never)).toThrow(
      /Trainer: a metric: got an option form, expected only metric, from, name/,
    );
    const two = [new Accuracy(), new Accuracy()];
    expect(() => new Trainer({ model, loss: new CrossEntropyLoss(), metrics: two })).toThrow(
      'Trainer: got two figures named accuracy, expected a name for each.\n' +
        "  Fix: leave one of them out, or name it: { metric, name: 'second' }.",
    );
  });
});

describe('inputs and targets of several tensors', () => {
  const items = Array.from({ length: 8 }, (_, i) => ({
    input: { series: Array.from({ length: 1 + (i % 4) }, (__, t) => [Math.sin(i + t)]), age: [i / 8] },
    target: { mood: i % 2, next: [Math.sin(2 * i)] },
  }));

  /** Static features beside a sequence, and two heads. */
  class Patient extends Module {
    lstm = new LSTM({ inputSize: 1, hiddenSize: 3 });
    last = new LastStep();
    mood = new Linear({ inFeatures: 4, outFeatures: 2 });
    next = new Linear({ inFeatures: 4, outFeatures: 1 });

    forward({ series, age }: { series: Sequence; age: Tensor }): { mood: Tensor; next: Tensor } {
      const summary = concat([this.last.forward(this.lstm.forward(series).output), age], 1);
      return { mood: this.mood.forward(summary), next: this.next.forward(summary) };
    }
  }

  test('a record goes to forward as it is; a loss of terms and metrics of heads', async () => {
    manualSeed(2);
    const model = new Patient();
    const trainer = new Trainer({
      model,
      loss: (output, target: { mood: Sequence; next: Sequence }) => [
        crossEntropy(output.mood, target.mood),
        { loss: mseLoss(output.next, target.next), weight: 0.5 },
      ],
      optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
      metrics: [
        { metric: new Accuracy(), from: (output, { target }) => [output.mood, target.mood] },
        { metric: new MeanAbsoluteError(), name: 'error', from: (output, { target }) => [output.next, target.next] },
      ],
    });
    const loader = new DataLoader(items, { batchSize: 3 });
    const first = await trainer.evaluate(loader);
    expect(Object.keys(first)).toEqual(['loss', 'accuracy', 'error']);
    await trainer.fit(loader, { epochs: 30, ...quiet });
    expect((await trainer.evaluate(loader)).loss).toBeLessThan(first.loss);
    const { mood, next } = await trainer.predict(loader, { join: true });
    expect([mood.shape, next.shape]).toEqual([[8, 2], [8, 1]]); // prettier-ignore
    const [one] = await trainer.predict(loader);
    expect(one?.mood.shape).toEqual([3, 2]);
  });

  test('an array is a list of arguments', async () => {
    manualSeed(1);
    const model = new Translator();
    const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), metrics: [new Accuracy()] });
    const batches = Array.from(new DataLoader(pairs, { batchSize: 5 }), ({ source, previous, next }) => ({
      input: [source, previous],
      target: next,
    }));
    const { accuracy, loss } = await trainer.evaluate(batches);
    expect([accuracy >= 0, loss > 0]).toEqual([true, true]);
    const alone = await trainer.predict({ input: batches[0]?.input ?? [] });
    expect(alone.shape).toEqual([5, 3, 8]);
  });

  test('an array of numbers on the host, each with its shape, is a list of arguments too', async () => {
    class Sum extends Module {
      forward(a: Tensor, b: Tensor): Tensor {
        return a.add(b);
      }
    }
    const trainer = new Trainer({ model: new Sum(), loss: new MSELoss() });
    const numbers = (value: number): object => ({ data: Float32Array.of(value), shape: [1, 1] });
    expect(await trainer.evaluate([{ input: [numbers(1), numbers(2)], target: [[5]] }] as never)).toEqual({ loss: 4 });
  });

  test('numbers on the host become tensors', async () => {
    const { model } = unit(2);
    const trainer = new Trainer({ model, loss: new MSELoss() });
    const doubles = { input: { data: Float64Array.of(3), shape: [1, 1] }, target: [[5]] };
    await expect(trainer.evaluate([doubles])).rejects.toThrow('f64');
    expect(
      await trainer.evaluate([
        { input: [[1], [2]], target: { data: Float32Array.of(1, 2), shape: [2, 1] } },
        { input: [[3]], target: [[5]] },
      ]),
    ).toEqual({ loss: 2 });
    await expect(trainer.evaluate([{ input: 'words', target: [[1]] }] as never)).rejects.toThrow(
      'Trainer.evaluate: got "words" as input, expected a tensor, a PaddedSequence, an array of numbers, or arrays ' +
        'and records of these.\n  Fix: make a batch with a DataLoader, pad() or tensor() first.',
    );
  });

  test('what a loss or a metric cannot compare is named', async () => {
    const model = new Patient();
    const [batch] = new DataLoader(items, { batchSize: 3 });
    const metric = new Trainer({ model, loss: (output) => output.next.mean(), metrics: [new Accuracy()] });
    await expect(metric.evaluate([batch as never])).rejects.toThrow(
      'Trainer: the output of the model: got { mood, next }, expected a tensor or a PaddedSequence.\n' +
        '  Fix: let the loss be a function of such outputs and targets, and say what a metric compares: ' +
        '{ metric, from: (output, batch) => [output.tags, batch.target.tags] }.',
    );
  });
});

describe('weights', () => {
  const items = [
    { input: [1], target: [1], weight: 3 },
    { input: [2], target: [2], weight: 0 },
    { input: [3], target: [5], weight: 1 },
  ];
  const expected = { loss: (3 * 1 + 1) / 4, meanAbsoluteError: (3 * 1 + 1) / 4 };

  test('examples count by their weight in loss and metrics, whatever the batches', async () => {
    const { model } = unit(2);
    const trainer = new Trainer({
      model,
      loss: new MSELoss(),
      optimizer: new SGD(model.parameters(), { learningRate: 0 }),
      metrics: [new MeanAbsoluteError()],
    });
    for (const batchSize of [1, 2, 3])
      expect(await trainer.evaluate(new DataLoader(items, { batchSize }))).toEqual(expected);
    const history = await trainer.fit(new DataLoader(items, { batchSize: 2 }), { epochs: 1, ...quiet });
    expect(history.last?.train).toEqual(expected);
  });

  test('a loss function takes the weight as its third parameter, or refuses', async () => {
    const { model } = unit(2);
    const weighed = new Trainer({
      model,
      loss: (output, target, weight) => {
        const each = mseLoss(output, target, { reduction: 'none' }).reshape([-1]);
        const factors = weight as Tensor;
        return each.mul(factors).sum().div(factors.sum());
      },
    });
    expect((await weighed.evaluate(new DataLoader(items.filter(({ weight }) => weight > 0)))).loss).toBe(expected.loss);
    const deaf = new Trainer({ model, loss: (output, target) => mseLoss(output, target) });
    await expect(deaf.evaluate(new DataLoader(items, { batchSize: 3 }))).rejects.toThrow(
      'Trainer: the loss: got batches with a weight, and a loss that takes none, expected ' +
        '(output, target, weight) => ….\n  Fix: take weight as the third parameter, without a default, or leave ' +
        'weight out of the batches.',
    );
    class Deaf extends Module {
      forward(output: Sequence, target: Sequence): Tensor {
        return mseLoss(output, target);
      }
    }
    class OldLoss extends Loss {
      forward(output: Sequence, target: Sequence): Tensor {
        return mseLoss(output, target);
      }
      override ofBatch(output: Sequence, target: Sequence): Tensor {
        return this.forward(output, target);
      }
    }
    for (const loss of [new Deaf(), new OldLoss()])
      await expect(new Trainer({ model, loss }).evaluate(new DataLoader(items))).rejects.toThrow(
        'got batches with a weight, and a loss that takes none',
      );
  });

  test('the figure of a loss of one’s own is that of the data set, where the target is a record too', async () => {
    const { model } = unit(2);
    const trainer = new Trainer({
      model,
      loss: (output, { y }: { y: Sequence }, weight) => new MSELoss().ofBatch(output, y, weight).mul(2),
    });
    const records = items.map(({ input, target, weight }) => ({ input, target: { y: target }, weight }));
    for (const batchSize of [1, 2, 3])
      expect(await trainer.evaluate(new DataLoader(records, { batchSize }))).toEqual({ loss: 2 * expected.loss });
  });

  test('steps count by their weight', async () => {
    const { model } = unit(1);
    const trainer = new Trainer({ model, loss: new MSELoss(), metrics: [new MeanAbsoluteError()] });
    const sequences = [
      { input: [[1], [2], [3]], target: [[0], [0], [0]], weight: [1, 0, 2] },
      { input: [[4]], target: [[0]], weight: [0.5] },
    ];
    for (const batchSize of [1, 2]) {
      const figures = await trainer.evaluate(new DataLoader(sequences, { batchSize }));
      expect(figures.loss).toBeCloseTo((1 + 2 * 9 + 0.5 * 16) / 3.5, 6);
      expect(figures.meanAbsoluteError).toBeCloseTo((1 + 2 * 3 + 0.5 * 4) / 3.5, 6);
    }
  });
});

test('evaluate and predict need no optimizer; fit and step say so', async () => {
  const { model, batches } = unit(2);
  const trainer = new Trainer({ model, loss: new MSELoss(), metrics: [new MeanAbsoluteError()] });
  const { loss, meanAbsoluteError } = await trainer.evaluate(batches);
  expect([loss, meanAbsoluteError]).toEqual([2, 4 / 3]);
  expect(await (await trainer.predict(batches, { join: true })).data()).toEqual(Float32Array.of(2, 4, 6));
  const message =
    'got a Trainer without an optimizer, expected one to train with.\n' +
    '  Fix: pass it to the Trainer: new Trainer({ model, loss, optimizer: new Adam(model.parameters()) }).';
  await expect(trainer.fit(batches, { epochs: 1, ...quiet })).rejects.toThrow(`Trainer.fit: ${message}`);
  expect(() => trainer.step(batches[0] ?? { input: [[1]], target: [[1]] })).toThrow(`Trainer.step: ${message}`);
  expect(() => trainer.optimizer).toThrow(`Trainer.optimizer: ${message}`);
});
