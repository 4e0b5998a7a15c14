import { describe, expect, test } from 'vitest';
import {
  Accuracy,
  ArrayDataset,
  bernoulli,
  Linear,
  LSTM,
  Module,
  MSELoss,
  noGrad,
  ones,
  OptionError,
  ReduceLROnPlateau,
  SGD,
  tensor,
  Trainer,
  zeros,
  type Batch,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { unit } from '../support/trainers';

describe('mistakes', () => {
  const { model, batches } = unit(1);
  const optimizer = new SGD(model.parameters());
  const make = (): Trainer => new Trainer({ model, loss: new MSELoss(), optimizer });

  test('parts that are missing, unknown or of the wrong kind', () => {
    expect(() => new Trainer({ model, loss: new MSELoss(), optimizer: 7 } as never)).toThrow(
      'Trainer: got optimizer: 7, expected an optimizer.',
    );
    expect(() => new Trainer({ model, optimizer, loss: 'mse' } as never)).toThrow(
      /got loss: "mse", expected a loss such as new CrossEntropyLoss\(\), or a function/,
    );
    const named = (loss: unknown, metrics: unknown): Trainer =>
      new Trainer({ model, optimizer, loss, metrics } as never);
    expect(() => named('mse', [])).toThrow('Fix: write loss: new MSELoss().');
    expect(() => named('sparse_categorical_crossentropy', [])).toThrow('Fix: write loss: new CrossEntropyLoss().');
    expect(() => named('constructor', [])).toThrow('Fix: pass loss, with a method forward().');
    expect(() => named(new MSELoss(), ['accuracy'])).toThrow('Fix: write metrics: [new Accuracy()].');
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
  test('items in the place of batches', async () => {
    const items = [{ input: [1], target: 1 }];
    const refused = (verb: string, call: string): string =>
      `Trainer.${verb}: got one item, { input, target } with the target 1, expected a batch, { input, target } of ` +
      `tensors or PaddedSequences.\n  Fix: let a DataLoader make batches of such items${call}.`;
    const loader = 'new DataLoader(items, { batchSize: 32 })';
    const trainer = make();
    await expect(trainer.predict(items as never)).rejects.toThrow(refused('predict', `: trainer.predict(${loader})`));
    await expect(trainer.predict(items[0] as never)).rejects.toThrow(
      refused('predict', `: trainer.predict(${loader})`),
    );
    await expect(trainer.evaluate(items as never)).rejects.toThrow(
      refused('evaluate', `: trainer.evaluate(${loader})`),
    );
    await expect(trainer.fit(new ArrayDataset(items) as never, { epochs: 1, progress: false })).rejects.toThrow(
      refused('fit', `: trainer.fit(${loader}, { epochs })`),
    );
    expect(() => trainer.step(items[0] as never)).toThrow(refused('step', ', and give step one of them'));
    await expect(trainer.predict([[1], [2]] as never)).rejects.toThrow(
      'Trainer.predict: got [1], expected a tensor, a PaddedSequence, or { input } of one.\n' +
        '  Fix: make a batch of it first: pad([sequence]) of one sequence, tensor([numbers]) of one row, or of ' +
        'many inputs new DataLoader(inputs.map((input) => ({ input })), { batchSize: 32 }).',
    );
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
      new Trainer({ model: odd, loss: () => zeros([]), optimizer: new SGD(odd.parameters()) }).step(
        batches[0] as Batch,
      ),
    ).toThrow(
      'Trainer: the output of the model: got 3, expected a tensor or a PaddedSequence, or a record or an array of ' +
        'these.\n  Fix: return one from forward.',
    );
  });
  test('a model that returns all that a recurrent layer does', async () => {
    const lstm: Module = new LSTM({ inputSize: 1, hiddenSize: 1 });
    const trainer = new Trainer({ model: lstm, loss: new MSELoss(), optimizer: new SGD(lstm.parameters()) });
    const input = ones([1, 2, 1]);
    expect(() => trainer.step({ input, target: input })).toThrow(
      'Trainer: the output of the model: got { output, h, c }, expected a tensor or a PaddedSequence.\n' +
        '  Fix: return output from forward, or put a recurrent layer into a Sequential',
    );
    expect(Object.keys(await trainer.predict(input))).toEqual(['output', 'h', 'c']);
  });
  test('callbacks that would never be called', async () => {
    const fit = (callbacks: unknown): Promise<unknown> =>
      make().fit(batches, { epochs: 1, progress: false, callbacks: callbacks as never });
    await expect(fit([{ onEpoch: () => undefined }])).rejects.toThrow(
      'Trainer.fit: got onEpoch in a callback, expected an object with onStart, onStep, onMeasure, onTrain, ' +
        'onValidation, onEpochEnd, onEnd or onError.\n' +
        '  Fix: write onEpochEnd, if that is what you mean by onEpoch.',
    );
    await expect(fit([{ onStep: () => undefined, onEpochEnds: () => undefined }])).rejects.toThrow(
      'Fix: write onEpochEnd, if that is what you mean by onEpochEnds.',
    );
    await expect(fit([{ onBatchEnd: () => undefined }])).rejects.toThrow('Fix: write onStep,');
    await expect(fit([{ log: () => undefined }])).rejects.toThrow(
      'Fix: name what is to be called onStart, onStep, onMeasure, onTrain, onValidation, onEpochEnd, onEnd or onError.',
    );
    await expect(fit([{}])).rejects.toThrow('got a callback without methods');
    const { optimizer } = make();
    await expect(fit([new ReduceLROnPlateau(optimizer)])).rejects.toThrow(
      'got the schedule ReduceLROnPlateau among the callbacks, expected an object with onStart,',
    );
    await expect(fit([new ReduceLROnPlateau(optimizer)])).rejects.toThrow(
      'Fix: pass it to the Trainer: new Trainer({ model, loss, optimizer, schedule }).',
    );
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

test('a Trainer without a loss predicts, and does nothing else', async () => {
  const model = new Linear({ inFeatures: 2, outFeatures: 1 });
  const optimizer = new SGD(model.parameters(), { learningRate: 0.1 });
  const input = ones([3, 2]);
  const expected = await noGrad(() => model.forward(input)).array();
  const batch = { input, target: ones([3, 1]) };
  const plain = new Trainer({ model, optimizer });
  const custom = new Trainer({ model, optimizer, forward: (one, { x }: { x: Tensor }) => one.forward(x) });
  expect(await (await plain.predict(input)).array()).toEqual(expected);
  expect(await (await plain.predict([{ input }], { join: true })).array()).toEqual(expected);
  expect(await (await custom.predict([{ x: input }], { join: true })).array()).toEqual(expected);
  const refusal = (op: string): string =>
    `${op}: got a Trainer without a loss, expected one to train or to evaluate with; predict alone needs none.\n` +
    '  Fix: pass it to the Trainer: new Trainer({ model, loss: new CrossEntropyLoss() }).';
  await expect(plain.fit([batch], { epochs: 1 })).rejects.toThrow(refusal('Trainer.fit'));
  await expect(plain.evaluate([batch])).rejects.toThrow(refusal('Trainer.evaluate'));
  expect(() => plain.step(batch)).toThrow(refusal('Trainer.step'));
  await expect(custom.fit([{ x: input }], { epochs: 1 })).rejects.toThrow(refusal('Trainer.fit'));
});
