import { expect, test } from 'vitest';
import { AttentionPool, manualSeed, pad, randn, type PaddedSequence } from 'stmnet';
import { here } from '../support/devices';
import { differences, tensorDifferences } from '../support/near';

const rows = [
  [
    [1, -2],
    [3, 0.5],
    [-1, 4],
  ],
  [[0.5, 0.25]],
  [],
];
const batch = (): PaddedSequence =>
  pad(rows.map((steps) => ({ data: Float32Array.from(steps.flat()), shape: [steps.length, 2] })));

/** The layer's definition, in plain numbers: the weights of the steps of one row. */
async function weightsOf(pool: AttentionPool, steps: readonly (readonly number[])[]): Promise<number[]> {
  const { query_weight, key_weight, score_weight } = pool.attention;
  const [query, key, score] = await Promise.all([query_weight.data(), key_weight.data(), score_weight.data()]);
  const scores = steps.map((x) =>
    Array.from(score).reduce((sum, v, h) => {
      const hidden = (query[h] ?? 0) + x.reduce((dot, value, d) => dot + value * (key[2 * h + d] ?? 0), 0);
      return sum + v * Math.tanh(hidden);
    }, 0),
  );
  const exps = scores.map((value) => Math.exp(value - Math.max(...scores)));
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map((value) => value / total);
}

test('is the mean of the real steps under the weights of its network', async () => {
  manualSeed(3);
  const pool = new AttentionPool({ inputSize: 2, hiddenSize: 3 });
  const pooled = (await pool.forward(batch()).array()) as number[][];
  const weights = (await pool.weights(batch()).array()) as number[][];
  for (const [row, steps] of rows.entries()) {
    const expected = await weightsOf(pool, steps);
    const mean = [0, 1].map((d) => steps.reduce((sum, x, t) => sum + (expected[t] ?? 0) * (x[d] ?? 0), 0));
    expect(differences(pooled[row] ?? [], mean, 1e-5)).toEqual([]);
    const padded = [0, 1, 2].map((t) => expected[t] ?? 0);
    expect(differences(weights[row] ?? [], padded, 1e-5)).toEqual([]);
  }
});

test('a batch without lengths is the same as one of full rows', async () => {
  const pool = new AttentionPool({ inputSize: 4 });
  expect(pool.options).toEqual({ inputSize: 4, hiddenSize: 4, dtype: 'f32' });
  const x = randn([2, 3, 4], { device: here });
  expect(await tensorDifferences(pool.forward(x), pool.forward(pad([x.select(0, 0), x.select(0, 1)])), 1e-6)).toEqual(
    [],
  );
});

test('of f64', async () => {
  const pool = new AttentionPool({ inputSize: 4, dtype: 'f64' });
  const x = randn([2, 3, 4], { device: here, dtype: 'f64' });
  const pooled = pool.forward(x);
  expect(pooled.dtype).toBe('f64');
  const again = new AttentionPool({ inputSize: 4 });
  again.loadStateDict(pool.stateDict());
  expect(await tensorDifferences(again.forward(x.cast('f32')), pooled.cast('f32'), 1e-5)).toEqual([]);
});

test('mistakes', () => {
  expect(() => new AttentionPool({ inputSize: 0 })).toThrow('AttentionPool: got inputSize: 0');
  expect(() => new AttentionPool({} as never)).toThrow('AttentionPool: got inputSize: undefined');
  expect(() => new AttentionPool({ inputSize: 2, heads: 2 } as never)).toThrow('got an option heads');
  const pool = new AttentionPool({ inputSize: 2 });
  expect(() => pool.forward(randn([2, 3, 4]))).toThrow(
    /AttentionPool.forward: got input .*, expected last axis 2 \(inputSize\)/,
  );
  expect(() => pool.forward(randn([2, 2]))).toThrow(/AttentionPool.forward: got input .*, expected \[N, T, D\]/);
});
