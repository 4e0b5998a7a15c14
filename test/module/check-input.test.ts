import { describe, expect, test } from 'vitest';
import { LSTM, Linear, OptionError, ScaledDotProductAttention, ones, type Module } from 'stmnet';
import { oneOfEach } from '../support/layer-cases';

const sizes = { inputSize: 2, hiddenSize: 3 };
/** Attention has a test of its own below; a Sequential hands what it gets to its first layer. */
const layers = oneOfEach().filter((layer) => !/Attention$|^Sequential$/.test(layer.constructor.name));

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
