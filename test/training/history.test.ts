import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { FormatError, History, MSELoss, SGD, Trainer, type EpochRecord } from 'stmnet';
import { epochLine } from '../../src/training/epoch-record';
import { unit } from '../support/trainers';

const record: EpochRecord = {
  epoch: 1,
  step: 20,
  train: { loss: 0.12345, accuracy: 1 },
  validation: { loss: 1e-5, accuracy: 0.5 },
  learningRate: 0.1,
  learningRates: [0.1],
  seconds: 1.26,
  examples: 100,
  examplesPerSecond: 80,
  memory: { tensors: 1000, process: 2000 },
};

test('a history gives its figures as lists', () => {
  const history = new History();
  history.add(record);
  const { validation, ...unvalidated } = record;
  history.add({ ...unvalidated, epoch: 2, train: { loss: 2, accuracy: 0 } });
  expect(history.train('loss')).toEqual([0.12345, 2]);
  expect(history.validation('accuracy')).toEqual([validation?.['accuracy'], Number.NaN]);
  expect(history.last?.epoch).toBe(2);
});

test('a history is text and back, NaN and infinity included', () => {
  const history = new History();
  history.add({
    ...record,
    train: { loss: Number.NaN, accuracy: -Infinity },
    gradientNorm: { mean: 1, max: Infinity },
  });
  history.addValidation({ epoch: 1, step: 10, validation: { loss: Number.NaN } });
  const text = JSON.stringify(history);
  expect(text).toContain('"loss":"NaN","accuracy":"-Infinity"');
  for (const json of [text, JSON.parse(text)]) {
    const copy = History.fromJSON(json);
    expect(copy.epochs).toEqual(history.epochs);
    expect(copy.validations).toEqual(history.validations);
    expect(JSON.stringify(copy)).toBe(text);
  }
});

test.each(['NaN', 'Infinity', '-Infinity'])('a training may have stopped for the reason %s', (reason) => {
  const history = new History();
  history.add(record);
  history.noteStop({ epoch: 1, step: 10, reason });
  expect(History.fromJSON(JSON.stringify(history)).stopped).toEqual({ epoch: 1, step: 10, reason });
});

test.each([
  ['{', 'got a text that is no JSON: '],
  ['[]', 'got "[]", expected { epochs, validations }'],
  [undefined, 'got undefined, expected { epochs, validations }'],
  [{ epochs: [{ epoch: 1 }], validations: [] }, 'got { epochs, validations }, expected { epochs, validations }'],
  [
    { epochs: [{ ...record, train: { loss: 'low' } }], validations: [] },
    'got { epochs, validations }, expected { epochs',
  ],
  [
    { epochs: [{ ...record, gradients: { step: 1, parameters: {}, steps: { lstm: 'low' } } }], validations: [] },
    'got { epochs, validations }, expected { epochs',
  ],
  [{ epochs: [], validations: [{ epoch: 1, step: 1 }] }, 'got { epochs, validations }, expected { epochs'],
])('what is no history is refused: %j', (json, message) => {
  expect(() => History.fromJSON(json)).toThrow(FormatError);
  expect(() => History.fromJSON(json)).toThrow(`History.fromJSON: ${message}`);
});

test('an epoch says its steps, rates, examples, speed and memory', async () => {
  const { model, batches } = unit(2);
  const optimizer = new SGD([{ parameters: model.parameters(), learningRate: 0.25 }]);
  const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
  trainer.step(batches[0] ?? { input: [], target: [] });
  const history = await trainer.fit(batches, { epochs: 2, progress: false });
  expect(history.epochs.map(({ step }) => step)).toEqual([3, 5]);
  expect(history.epochs.map(({ examples }) => examples)).toEqual([3, 3]);
  expect(history.last?.learningRates).toEqual([0.25]);
  const { seconds = 0, examplesPerSecond = 0, memory } = history.last ?? {};
  expect(examplesPerSecond).toBeGreaterThanOrEqual(3 / seconds);
  expect(memory?.process).toBeGreaterThan(1e6);
  expect(memory?.tensors).toBeGreaterThan(0);
});

test('console.log shows the epochs of a history, the last hundred of a long one', () => {
  const history = new History();
  expect(inspect(history)).toBe('History of 0 epochs');
  history.add(record);
  expect(inspect(history)).toBe(`History of 1 epoch\n  ${epochLine(record, 1)}`);
  for (let epoch = 2; epoch <= 103; epoch++) history.add({ ...record, epoch });
  const lines = inspect(history).split('\n');
  expect([lines.length, lines[0], lines[1], lines.at(-1)]).toEqual([
    102,
    'History of 103 epochs',
    '  … 3 earlier',
    `  ${epochLine({ ...record, epoch: 103 }, 103)}`,
  ]);
  expect(Object.keys(history)).toEqual([]);
});
