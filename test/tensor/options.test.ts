import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  Dropout,
  GELU,
  MaxPool,
  MeanPool,
  OptionError,
  ReLU,
  Sigmoid,
  SiLU,
  softmax,
  Softplus,
  sum,
  Tanh,
  tensor,
  zeros,
} from 'stmnet';
import {
  checkOptions,
  describe as inWords,
  finiteNumber,
  flag,
  isNumberList,
  nonNegativeInteger,
  nonNegativeNumber,
  positiveNumber,
  positivePart,
  oneOf,
  positiveInteger,
  probability,
} from '../../src/tensor/options';
import { here } from '../support/devices';

describe('in words', () => {
  test.each([
    ['text', '"text"'],
    [3, '3'],
    [undefined, 'undefined'],
    [null, 'null'],
    [10n, '10n'],
    [[1, [2, 3]], '[1, [2, 3]]'],
    [{ a: 1, b: 2 }, '{ a, b }'],
    [new Float32Array(3), 'Float32Array(3)'],
    [Array.from({ length: 20 }, (_, i) => i), '[0, 1, 2, 3, 4, 5, 6, 7, … 20 in all]'],
    [new (class Thing {})(), 'Thing'],
  ])('%o', (value, words) => {
    expect(inWords(value)).toBe(words);
  });

  test('a tensor by dtype, shape and device', () => {
    expect(inWords(zeros([2, 3]))).toBe(`f32[2, 3] on ${here}`);
  });
});

describe('checkOptions', () => {
  const check = (options: object): void => checkOptions('LSTM', options, ['inputSize', 'hiddenSize', 'numLayers']);

  test('lets known options pass', () => {
    expect(() => check({ inputSize: 1, numLayers: undefined })).not.toThrow();
  });

  test.each([
    ['hidenSize', 'hiddenSize'],
    ['hidden_size', 'hiddenSize'],
    ['HiddenSize', 'hiddenSize'],
    ['numLayer', 'numLayers'],
    ['inputSiez', 'inputSize'],
  ])('%s is taken for %s', (given, meant) => {
    expect(() => check({ [given]: 1 })).toThrow(
      `LSTM: got an option ${given}, expected only inputSize, hiddenSize, numLayers.\n` +
        `  Fix: write ${meant}, if that is what you mean by ${given}.`,
    );
  });

  test('suggests nothing for a name that is like none', () => {
    expect(() => check({ colour: 1 })).toThrow('Fix: leave colour out.');
  });

  test('refuses what is no object of options', () => {
    expect(() => checkOptions('LSTM', [1], ['inputSize'])).toThrow(
      'LSTM: got [1], expected an object of options (inputSize)',
    );
  });

  test('a number in place of the options: the arguments before it may stay', () => {
    const options: unknown = 20;
    expect(() => checkOptions('Trainer.fit', options as object, ['epochs', 'progress'])).toThrow(
      'Trainer.fit: got 20, expected an object of options (epochs, progress).\n' +
        '  Fix: pass an object of options: { epochs: … }.',
    );
  });

  test.each([
    ['lr', 'learningRate', ['weightDecay', 'learningRate', 'eps']],
    ['weight_decay', 'weightDecay', ['learningRate', 'weightDecay']],
    ['batch_size', 'batchSize', ['batchSize', 'shuffle']],
    ['units', 'hiddenSize', ['inputSize', 'hiddenSize', 'bias']],
    ['projectionSize', 'projSize', ['inputSize', 'projSize']],
    ['batch_first', 'batchFirst', ['batchFirst', 'bias']],
    ['epsilon', 'eps', ['betas', 'eps']],
    ['std', 'stddev', ['stddev']],
    ['beta1', 'betas', ['betas', 'eps']],
  ])('%s, as others call it, is %s', (given, meant, known) => {
    expect(() => checkOptions('Made', { [given]: 1 }, known)).toThrow(
      `Fix: write ${meant}, if that is what you mean by ${given}.`,
    );
  });

  const layer = ['inputSize', 'hiddenSize', 'numLayers', 'bias', 'dropout', 'bidirectional'];
  test.each([
    [
      'returnSequences',
      layer,
      'leave it out: forward returns every step as output; ' +
        'in a Sequential put new LastStep() after the layer for the last one alone',
    ],
    [
      'return_sequences',
      layer,
      'leave it out: forward returns every step as output; ' +
        'in a Sequential put new LastStep() after the layer for the last one alone',
    ],
    [
      'returnState',
      layer,
      'leave it out: forward always returns its states beside output; a Sequential passes output on',
    ],
    [
      'recurrentDropout',
      layer,
      'leave it out: dropout acts between stacked layers (numLayers: 2 or more); ' +
        'put a Dropout before or after the layer for its input or output',
    ],
    ['activation', layer, 'leave it out: the gates are sigmoid and tanh, as cuDNN computes them; RNN has nonlinearity'],
    ['activation', ['inFeatures', 'outFeatures'], 'leave it out, and put a layer such as new ReLU() after this one'],
    ['activation', [...layer, 'nonlinearity'], 'write nonlinearity, if that is what you mean by activation'],
    ['units', ['inFeatures', 'outFeatures'], 'write outFeatures, if that is what you mean by units'],
    ['input_dim', ['numEmbeddings', 'embeddingDim'], 'write numEmbeddings, if that is what you mean by input_dim'],
    [
      'validationSplit',
      ['epochs', 'validation'],
      'split the data first: const [train, held] = randomSplit(data, [0.8, 0.2]), ' +
        'and pass validation: new DataLoader(held, { batchSize })',
    ],
    ['batchSize', ['epochs', 'validation'], 'give it to the loader: new DataLoader(data, { batchSize })'],
    ['verbose', ['figure'], 'leave it out: what happens stands on standard error, unless fit gets progress: false'],
    ['monitor', ['figure', 'mode'], 'write figure, if that is what you mean by monitor'],
    ['monitor', ['folder', 'best'], 'write best, if that is what you mean by monitor'],
    ['restore_best_weights', ['restoreBest'], 'write restoreBest, if that is what you mean by restore_best_weights'],
    ['dirpath', ['folder', 'keep'], 'write folder, if that is what you mean by dirpath'],
    ['numWorkers', ['workers', 'data'], 'write workers, if that is what you mean by numWorkers'],
    [
      'num_workers',
      ['batchSize', 'prefetch'],
      'leave it out: prefetch makes or reads batches ahead, ' +
        'and the items of a WorkerDataset are made in worker threads',
    ],
    ['device', layer, "leave it out, and move the module: module.to('cuda')"],
  ])('%s has no counterpart, or depends on the callee', (given, known, fix) => {
    expect(() => checkOptions('Made', { [given]: 1 }, known)).toThrow(`Fix: ${fix}.`);
  });

  test('another name for an option that the callee does not have suggests nothing', () => {
    expect(() => checkOptions('Linear', { lr: 1 }, ['inFeatures', 'outFeatures'])).toThrow('Fix: leave lr out.');
    expect(() => checkOptions('Linear', { constructor: 1 }, ['inFeatures', 'outFeatures'])).toThrow(
      'Fix: leave constructor out.',
    );
  });
});

describe('values', () => {
  const check = (fn: (op: string, name: string, value: unknown) => unknown, value: unknown): unknown =>
    fn('Layer', 'size', value);

  test.each([
    [positiveInteger, [1, 7], [0, -1, 1.5, NaN, '3', undefined], 'a whole number of at least 1 for size'],
    [nonNegativeInteger, [0, 7], [-1, 0.5, Infinity, null], 'a whole number of at least 0 for size'],
    [probability, [0, 0.5], [1, -0.1, NaN, '0.5'], 'a probability in [0, 1) for size'],
    [finiteNumber, [0, -3.5], [Infinity, NaN, '1'], 'a finite number for size'],
    [positivePart, [1e-9, 0.5, 1], [0, 1.5, Number.NaN, '1'], 'a number in (0, 1] for size'],
    [positiveNumber, [1e-9, 2.5], [0, -1, Infinity, '1'], 'a finite number above 0 for size'],
    [nonNegativeNumber, [0, 2.5], [-1, Infinity, undefined], 'a finite number of at least 0 for size'],
    [flag, [true, false], [0, 1, 'true', null], 'true or false for size'],
  ])('%o', (fn, good, bad, expected) => {
    for (const value of good) expect(check(fn, value)).toBe(value);
    for (const value of bad) {
      expect(() => check(fn, value)).toThrow(OptionError);
      expect(() => check(fn, value)).toThrow(`Layer: got size: ${inWords(value)}, expected ${expected}.`);
    }
  });

  test('oneOf', () => {
    expect(oneOf('RNN', 'nonlinearity', 'relu', ['tanh', 'relu'])).toBe('relu');
    expect(() => oneOf('RNN', 'nonlinearity', 'rleu', ['tanh', 'relu'])).toThrow(
      `RNN: got nonlinearity: "rleu", expected one of 'tanh', 'relu'.\n  Fix: write 'relu', if that is what you mean.`,
    );
    expect(() => oneOf('RNN', 'nonlinearity', 7, ['tanh', 'relu'])).toThrow("Fix: pass nonlinearity: 'tanh'.");
    for (const [given, meant] of [
      ['float32', 'f32'],
      ['float64', 'f64'],
      ['int64', 'i32'],
    ] as const)
      // prettier-ignore
      expect(() => oneOf('zeros', 'dtype', given, ['f32', 'f64', 'i32', 'bool'])).toThrow(`Fix: write '${meant}', if`);
  });
});

describe('what is no plain object', () => {
  test.each<[value: unknown]>([
    [0.5],
    [0],
    [true],
    ['fast'],
    [''],
    [null],
    [[]],
    [new Map([['p', 1]])],
    [new Date(0)],
    [tensor([1])],
    [Promise.resolve({})],
    [() => 1],
  ])('%s is refused as options', (value) => {
    const given = value as object;
    expect(() => checkOptions('Made', given, ['p', 'q'])).toThrow(
      `Made: got ${inWords(given)}, expected an object of options (p, q)`,
    );
    expect(() => new Dropout(given)).toThrow(/Dropout: got .*\n {2}Fix: pass an object of options: \{ p: … \}/);
    expect(() => softmax(tensor([1]), 0, given)).toThrow(OptionError);
    expect(() => sum(tensor([1]), 0, given)).toThrow(OptionError);
    expect(() => tensor([1], given)).toThrow(OptionError);
  });

  test('objects without prototype and of another realm are plain', () => {
    const foreign: object = runInNewContext('({ p: 0.25 })');
    expect(new Dropout(foreign).options.p).toBe(0.25);
    expect(new Dropout(Object.assign(Object.create(null), { p: 0.75 })).options.p).toBe(0.75);
  });
});

test.each(Object.entries({ GELU, MaxPool, MeanPool, ReLU, Sigmoid, SiLU, Softplus, Tanh }))(
  '%s has no options, and ignores none',
  (name, Layer) => {
    const make = (...given: unknown[]): unknown => Reflect.construct(Layer, given);
    expect(() => make({ beta: 2 })).toThrow(`${name}: got an option beta, expected no options.`);
    expect(() => make(2)).toThrow(`${name}: got 2, expected no options.\n  Fix: leave it out.`);
    expect(() => make('tanh')).toThrow(OptionError);
    expect(() => make({ inplace: true })).toThrow(/memory is used again/);
    expect([make(), make(undefined), make({})]).toHaveLength(3);
  },
);

test('lists of numbers are arrays and typed arrays', () => {
  expect([[], [1], new Float32Array(2), Int32Array.of(1)].every(isNumberList)).toBe(true);
  const others = [1, '12', undefined, { length: 1 }, new DataView(new ArrayBuffer(4)), new Set([1]), tensor([1])];
  expect(others.some(isNumberList)).toBe(false);
});
