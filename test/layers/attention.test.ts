import { describe, expect, it } from 'vitest';
import {
  AdditiveAttention,
  MultiplicativeAttention,
  PaddedSequence,
  ScaledDotProductAttention,
  matmul,
  ones,
  scaledDotProductAttention,
  softmax,
  tensor,
  type Tensor,
} from 'stmnet';
import { spreadArray } from '../support/gradients';
import { differences } from '../support/near';

const f64 = (shape: readonly number[], seed: number): Tensor => tensor(spreadArray(shape, seed, 2), { dtype: 'f64' });
const layers = {
  ScaledDotProductAttention: () => new ScaledDotProductAttention(),
  AdditiveAttention: () => new AdditiveAttention({ querySize: 4, keySize: 4, hiddenSize: 5, dtype: 'f64' }),
  MultiplicativeAttention: () => new MultiplicativeAttention({ querySize: 4, keySize: 4, dtype: 'f64' }),
};

describe.each(Object.entries(layers))('%s', (_, make) => {
  const layer = make();
  const [query, key, value] = [f64([2, 3, 4], 1), f64([2, 5, 4], 2), f64([2, 5, 6], 3)];

  it('weights add up to 1 and make the output', async () => {
    const weights = layer.weights(query, key);
    expect(differences(await weights.sum(-1).data(), new Array<number>(6).fill(1), 1e-12)).toEqual([]);
    expect(await layer.forward(query, key, value).array()).toEqual(await matmul(weights, value).array());
  });

  it('takes the keys as values by default', async () => {
    expect(await layer.forward(query, key).array()).toEqual(await layer.forward(query, key, key).array());
  });

  it('hides keys past a length, whatever stands there', async () => {
    // NaN in the steps that are padding
    const dirty = tensor([[[0, 0, Number.NaN, Number.NaN]], [[0, 0, 0, 0]]], { dtype: 'f64' }).transpose(1, 2);
    const keys = new PaddedSequence(key.slice([0, 0], [2, 4]).add(dirty), [2, 4]);
    const expected = layer.forward(query.slice([0], [1]), key.slice([0, 0], [1, 2]), value.slice([0, 0], [1, 2]));
    const output = layer.forward(query, keys, value.slice([0, 0], [2, 4]));
    expect(differences(await output.slice([0], [1]).data(), await expected.data(), 1e-13)).toEqual([]);
    const viaValues = layer.forward(
      query,
      key.slice([0, 0], [2, 4]),
      new PaddedSequence(value.slice([0, 0], [2, 4]), [2, 4]),
    );
    expect(await viaValues.array()).toEqual(await output.array());
  });

  it('gives the same for keys that were prepared', async () => {
    const near = async (got: Tensor, expected: Tensor): Promise<void> =>
      expect(differences(await got.data(), await expected.data(), 1e-12)).toEqual([]);
    await near(layer.forward(query, layer.prepare(key)), layer.forward(query, key));
    const dirty = tensor([[[0, 0, 0, Number.NaN, Number.NaN]], [[0, 0, 0, 0, 0]]], { dtype: 'f64' }).transpose(1, 2);
    const keys = new PaddedSequence(key.add(dirty), [3, 5]);
    const memory = layer.prepare(keys, value);
    await near(layer.forward(query, memory), layer.forward(query, keys, value));
    await near(layer.weights(query, memory), layer.weights(query, keys));
    await near(layer.forward(query.select(1, 0), memory), layer.forward(query.select(1, 0), keys, value));
    const mask = tensor([[[true, true, false, true, true]], [[false, true, true, true, true]]]);
    await near(layer.forward(query, memory, undefined, { mask }), layer.forward(query, keys, value, { mask }));
    const ofValues = layer.prepare(key.add(dirty), new PaddedSequence(value, [3, 5]));
    await near(layer.forward(query, ofValues), layer.forward(query, keys, value));
    const padded = layer.forward(new PaddedSequence(query, [3, 1]), memory);
    expect(padded.lengths).toEqual([3, 1]);
    await near(padded.values, layer.forward(new PaddedSequence(query, [3, 1]), keys, value).values);
  });

  it('learns through keys that were prepared as through others', async () => {
    const keys = tensor(spreadArray([2, 5, 4], 2, 2), { dtype: 'f64', requiresGrad: true });
    const leaves = [keys, ...layer.parameters()];
    const gradients = async (run: () => Tensor): Promise<number[]> => {
      for (const leaf of leaves) leaf.grad = undefined;
      run().square().sum().backward();
      const all = await Promise.all(leaves.map(async ({ grad }) => Array.from((await grad?.data()) ?? [])));
      return all.flat();
    };
    const prepared = await gradients(() => layer.forward(query, layer.prepare(keys, value)));
    const plain = await gradients(() => layer.forward(query, keys, value));
    expect(differences(prepared, plain, 1e-12)).toEqual([]);
  });

  it('tells what does not go with prepared keys', () => {
    const memory = layer.prepare(key, value);
    expect(() => layer.forward(query, memory, value)).toThrow(
      'beside prepared keys, expected no value: that of prepare counts.\n  Fix: pass it to prepare(key, value).',
    );
    expect(() => layer.forward(query.slice([0], [1]), memory)).toThrow('and prepared keys f64[2, 5');
    expect(() => layer.prepare(key, value.slice([0, 0], [2, 4]))).toThrow('with equal lengths');
    expect(() => Reflect.apply(Reflect.get(layer, 'prepare'), layer, [[1, 2]])).toThrow('.prepare: got key');
    expect(() => Reflect.apply(Reflect.get(layer, 'forward'), layer, [query, { prepared: 1 }])).toThrow(
      '.forward: got',
    );
  });

  it('gives a padded query a padded result, zero past its lengths', async () => {
    const output = layer.forward(new PaddedSequence(query, [3, 1]), key, value);
    expect(output).toBeInstanceOf(PaddedSequence);
    expect(output.lengths).toEqual([3, 1]);
    const [, second] = (await output.values.array()) as number[][][];
    expect(second?.slice(1)).toEqual([new Array<number>(6).fill(0), new Array<number>(6).fill(0)]);
  });

  it('takes one query a row', async () => {
    const single = layer.forward(query.select(1, 0), key, value);
    expect(single.shape).toEqual([2, 6]);
    expect(differences(await single.data(), await layer.forward(query, key, value).select(1, 0).data(), 1e-13)).toEqual(
      [],
    );
    const mask = tensor([
      [true, false, true, true, true],
      [false, false, true, true, true],
    ]);
    const masked = layer.forward(query.select(1, 0), key, value, { mask });
    expect(
      differences(
        await masked.data(),
        await layer
          .forward(query, key, value, { mask: mask.unsqueeze(1) })
          .select(1, 0)
          .data(),
        1e-13,
      ),
    ).toEqual([]);
  });

  it('gives zeros, with gradients of zero, to a query that sees nothing', async () => {
    const leaf = f64([2, 3, 4], 1).requiresGrad_();
    const mask = tensor([[[true, true, true, true, true]], [[false, false, false, false, false]]]);
    const output = layer.forward(leaf, key, value, { mask });
    output.sum().backward();
    const [, hidden] = (await output.array()) as number[][][];
    const [seen, none] = ((await leaf.grad?.array()) ?? []) as number[][][];
    expect(hidden?.flat()).toEqual(new Array<number>(18).fill(0));
    expect(none?.flat().every((one) => one === 0)).toBe(true);
    expect(seen?.flat().every((one) => one !== 0 && Number.isFinite(one))).toBe(true);
  });

  it('is rebuilt from its options', () => {
    expect(layer.config()).toEqual({ class: layer.constructor.name, options: layer.options });
    expect(make().options).toEqual(layer.options);
  });

  it('refuses what does not fit', () => {
    expect(() => layer.forward(query, key, f64([2, 4, 6], 1))).toThrow(
      /\.forward: got key f64\[2, 5, 4\] on (cpu|cuda:0) and value f64\[2, 4, 6\] on (cpu|cuda:0)/,
    );
    expect(() => layer.forward(f64([3, 3, 4], 1), key)).toThrow(
      /expected query \[N, Q, D\] or \[N, D\], and key \[N, K, D\]/,
    );
    expect(() => layer.forward(f64([2, 3, 7], 1), key)).toThrow(/\.forward: got query f64\[2, 3, 7\] on (cpu|cuda:0)/);
    expect(() => layer.forward(query, key, value, { mask: ones([2, 1, 5]) })).toThrow(
      /got mask f32\[2, 1, 5\] on (cpu|cuda:0), expected bool/,
    );
    expect(() => layer.forward(query, key, value, { masks: ones([1]) } as object)).toThrow(
      /write mask, if that is what you mean/,
    );
    expect(() => layer.forward(query, new PaddedSequence(key, [1, 2]), new PaddedSequence(value, [2, 2]))).toThrow(
      /with equal lengths/,
    );
  });
});

describe('ScaledDotProductAttention', () => {
  it('takes a scale and causality', async () => {
    const [query, key, value] = [f64([2, 3, 4], 1), f64([2, 5, 4], 2), f64([2, 5, 6], 3)];
    const layer = new ScaledDotProductAttention({ scale: 0.3, causal: true });
    expect(await layer.forward(query, key, value).array()).toEqual(
      await scaledDotProductAttention(query, key, value, { scale: 0.3, causal: true }).array(),
    );
    expect(await layer.weights(query, key).slice([0, 0, 1], [1, 1]).data()).toEqual(new Float64Array(4));
    expect(() => new ScaledDotProductAttention({ casual: true } as object)).toThrow(
      /write causal, if that is what you mean/,
    );
  });
});

describe('AdditiveAttention', () => {
  it('scores by v · tanh(W_q q + W_k k)', async () => {
    const layer = new AdditiveAttention({ querySize: 4, keySize: 6, hiddenSize: 5, dtype: 'f64' });
    const [query, key] = [f64([1, 1, 4], 1), f64([1, 2, 6], 2)];
    const hidden = matmul(key.reshape([2, 6]), layer.key_weight.transpose(0, 1))
      .add(matmul(query.reshape([1, 4]), layer.query_weight.transpose(0, 1)))
      .tanh();
    const expected = softmax(matmul(hidden, layer.score_weight));
    expect(differences(await layer.weights(query, key).data(), await expected.data(), 1e-13)).toEqual([]);
    expect(() => layer.forward(query, f64([1, 2, 5], 2))).toThrow(
      /got key f64\[1, 2, 5\] on (cpu|cuda:0), expected last axis 6 \(keySize\)/,
    );
    expect(() => new AdditiveAttention({ querySize: 4, keySize: 6, hiddenSize: 0 })).toThrow(/hiddenSize: 0/);
  });
});

describe('MultiplicativeAttention', () => {
  it('scores by qᵀ W k', async () => {
    const layer = new MultiplicativeAttention({ querySize: 4, keySize: 6, dtype: 'f64' });
    const [query, key] = [f64([1, 1, 4], 1), f64([1, 2, 6], 2)];
    const expected = softmax(matmul(matmul(query.reshape([1, 4]), layer.weight), key.reshape([2, 6]).transpose(0, 1)));
    expect(differences(await layer.weights(query, key).data(), await expected.data(), 1e-13)).toEqual([]);
  });
});
