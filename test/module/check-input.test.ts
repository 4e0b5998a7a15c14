import { describe, expect, test } from 'vitest';
import {
  BatchNorm1d,
  Bidirectional,
  Conv1d,
  Dropout,
  Embedding,
  GRU,
  GaussianNoise,
  LSTM,
  LastStep,
  LayerNorm,
  Linear,
  MaxPool,
  MeanPool,
  OptionError,
  RNN,
  ReLU,
  Residual,
  ScaledDotProductAttention,
  Softmax,
  Standardize,
  TimeDistributed,
  ones,
  type Module,
} from 'stmnet';

const sizes = { inputSize: 2, hiddenSize: 3 };
const layers: Module[] = [
  new BatchNorm1d({ numFeatures: 2 }),
  new Bidirectional(new ReLU(), new ReLU()),
  new Conv1d({ inChannels: 2, outChannels: 2, kernelSize: 1 }),
  new Dropout(),
  new Embedding({ numEmbeddings: 2, embeddingDim: 2 }),
  new GRU(sizes),
  new GaussianNoise({ std: 1 }),
  new LSTM(sizes),
  new LastStep(),
  new LayerNorm({ normalizedShape: 2 }),
  new Linear({ inFeatures: 2, outFeatures: 2 }),
  new MaxPool(),
  new MeanPool(),
  new RNN(sizes),
  new ReLU(),
  new Residual(new ReLU()),
  new Softmax(),
  new Standardize({ numFeatures: 2 }),
  new TimeDistributed(new ReLU()),
];

/** Calls forward as JavaScript can, with anything. */
const forward = (layer: Module, ...inputs: unknown[]): unknown =>
  Reflect.apply(Reflect.get(layer, 'forward'), layer, inputs);

/** The message of the OptionError that a call throws. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return String(error);
  }
  return 'no error';
}

describe('forward without a tensor is an error that says so', () => {
  test.each(layers.map((layer): [string, Module] => [layer.constructor.name, layer]))('%s', (name, layer) => {
    expect(refusal(() => forward(layer))).toBe(
      `OptionError: ${name}.forward: got no input, expected a Tensor or a PaddedSequence.\n` +
        '  Fix: pass the tensor that the layer shall compute with, as in layer.forward(x).',
    );
    expect(refusal(() => forward(layer, [[1, 2]]))).toContain(
      `${name}.forward: got input [[1, 2]], expected a Tensor or a PaddedSequence.\n` +
        '  Fix: make a tensor of numbers by tensor(x)',
    );
  });

  test('what was probably meant is named', () => {
    const linear = new Linear({ inFeatures: 3, outFeatures: 2 });
    expect(refusal(() => forward(linear, Promise.resolve(1)))).toContain(
      'got input a Promise, expected a Tensor or a PaddedSequence.\n  Fix: await the promise first.',
    );
    expect(refusal(() => forward(linear, new LSTM(sizes).forward(ones([1, 2, 2]))))).toContain(
      'Fix: pass the output of the layer before: result.output.',
    );
    expect(refusal(() => forward(linear, null))).toContain('got input null');
  });

  test('attention names the argument', () => {
    expect(refusal(() => forward(new ScaledDotProductAttention(), ones([1, 2, 3])))).toContain(
      'ScaledDotProductAttention.forward: got no key, expected a Tensor',
    );
  });
});
