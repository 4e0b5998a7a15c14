import { describe, expect, test } from 'vitest';
import { dropout, embedding, Linear, LSTM, manualSeed, ones, tensor, type Tensor } from 'stmnet';
import { LanguageModelNetwork, type LanguageModelNetworkOptions } from '../../src/tasks/language-model-network';
import { tensorDifferences } from '../support/near';

const tokens = tensor([[1, 4, 4, 0, 2], [3, 1, 1, 1, 0]], { dtype: 'i32' }); // prettier-ignore
const [V, D, H, N, T] = [6, 8, 12, 2, 5];
const sizes = { numTokens: V, cell: 'lstm', embeddingDim: D, hiddenSize: H, numLayers: 2, tieWeights: false } as const;
const all = {
  ...sizes,
  dropout: 0.5,
  hiddenDropout: 0.3,
  inputDropout: 0.4,
  variationalDropout: true,
  embeddingDropout: 0.25,
  weightDrop: 0.5,
};

function network(options: Partial<LanguageModelNetworkOptions>): LanguageModelNetwork {
  manualSeed(1);
  return new LanguageModelNetwork({ ...sizes, dropout: 0, ...options });
}

const valuesOf = (x: unknown): Tensor => x as Tensor;

describe('what a LanguageModelNetwork drops in training', () => {
  test('is words, then inputs, recurrent weights, states between layers, outputs, each for a whole piece', async () => {
    const model = network(all);
    const layers = [model.recurrent[0], model.recurrent[2]].map((layer) => layer as LSTM);
    const plain = layers.map(({ options: { inputSize, hiddenSize } }) => new LSTM({ inputSize, hiddenSize }));
    manualSeed(5);
    const { raw, hidden, state } = model.activations(tokens);
    manualSeed(5);
    const rows = model.embedding.weight.mul(dropout(ones([V, 1]), 0.25));
    let value: Tensor = embedding(tokens, rows).mul(dropout(ones([N, 1, D]), 0.4));
    for (const [place, layer] of layers.entries()) {
      if (place > 0) value = value.mul(dropout(ones([N, 1, H]), 0.3));
      const { weight_hh_l0, ...others } = layer.stateDict();
      const dropped = dropout(weight_hh_l0 as Tensor, 0.5);
      plain[place]?.loadStateDict({ ...others, weight_hh_l0: dropped });
      const { output } = plain[place]?.forward(value) ?? {};
      value = output as Tensor;
    }
    expect(await tensorDifferences(valuesOf(raw), value, 1e-6)).toEqual([]);
    value = value.mul(dropout(ones([N, 1, H]), 0.5));
    expect(await tensorDifferences(valuesOf(hidden), value, 1e-6)).toEqual([]);
    expect(Object.keys(state)).toEqual(['0', '2']);
    manualSeed(5);
    const { output } = model.forward(tokens);
    expect(await tensorDifferences(valuesOf(output), model.head.forward(value), 1e-5)).toEqual([]);
  });

  test('is another thing at each step without variationalDropout', async () => {
    const masksOf = async (variationalDropout: boolean): Promise<string[]> => {
      const model = network({ ...all, embeddingDim: 256, variationalDropout });
      const [first] = (await valuesOf(model.inputDropout.forward(ones([1, T, 256]))).array()) as number[][][];
      return first?.map((step) => step.join()) ?? [];
    };
    expect(new Set(await masksOf(true)).size).toBe(1);
    expect(new Set(await masksOf(false)).size).toBe(T);
  });

  test('is nothing in evaluation', async () => {
    const model = network(all).eval();
    const bare = network({ variationalDropout: true, dropout: 0, hiddenDropout: 0.1 }).eval();
    bare.loadStateDict(model.stateDict());
    const { output } = model.forward(tokens);
    expect(await valuesOf(output).data()).toEqual(await valuesOf(bare.forward(tokens).output).data());
    const { raw, hidden } = model.activations(tokens);
    expect(hidden).toBe(raw);
  });

  test('comes from one layer of the package where that drops the same, else from one each', () => {
    const placesOf = (options: Partial<LanguageModelNetworkOptions>): string[] =>
      Array.from(network(options).recurrent, (layer) => layer.constructor.name);
    expect(placesOf({ dropout: 0.3 })).toEqual(['LSTM']);
    expect(placesOf({ dropout: 0.3, variationalDropout: true, hiddenDropout: 0 })).toEqual(['LSTM']);
    expect(placesOf({ dropout: 0.3, variationalDropout: true })).toEqual(['LSTM', 'VariationalDropout', 'LSTM']);
    expect(placesOf({ dropout: 0.3, tieWeights: true })).toEqual(['LSTM', 'Dropout', 'LSTM']);
    const [only] = network({ dropout: 0.3, hiddenDropout: 0.2, weightDrop: 0.1 }).recurrent;
    expect((only as LSTM).options).toMatchObject({ numLayers: 2, dropout: 0.2, weightDrop: 0.1 });
  });
});

test('tokens are written with the vectors they are read with: the last layer is as wide as they are', async () => {
  const model = network({ tieWeights: true });
  const [, , last] = model.recurrent;
  expect((last as LSTM).options).toMatchObject({ inputSize: H, hiddenSize: D });
  expect(model.head.weight).toBe(model.embedding.weight);
  expect((await model.next(tokens).output.data()).length).toBe(N * V);
});

test('all weights begin within initRange', async () => {
  const values = async (model: LanguageModelNetwork): Promise<number[]> =>
    (await Promise.all(model.parameters().map(async (x) => Array.from(await x.data())))).flat();
  const numbers = (await values(network({ initRange: 0.05 }))).map(Math.abs);
  expect(Math.max(...numbers)).toBeLessThanOrEqual(0.05);
  expect(Math.max(...numbers)).toBeGreaterThan(0.049);
  expect(Math.max(...(await values(network({}))).map(Math.abs))).toBeGreaterThan(1);
});

test('a network of before, whose options know nothing of all that, is the plain one', async () => {
  manualSeed(1);
  const model = new LanguageModelNetwork({ ...sizes, dropout: 0 }).eval();
  const head = new Linear({ inFeatures: H, outFeatures: V });
  head.loadStateDict(model.head.stateDict());
  const lstm = new LSTM({ inputSize: D, hiddenSize: H, numLayers: 2 });
  lstm.loadStateDict(model.recurrent[0]?.stateDict() ?? {});
  const expected = head.forward(lstm.forward(model.embedding.forward(tokens)).output);
  expect(await tensorDifferences(valuesOf(model.forward(tokens).output), expected, 1e-6)).toEqual([]);
  expect(Object.keys(model.stateDict())).toContain('recurrent.0.weight_ih_l1');
});
