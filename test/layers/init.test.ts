import { describe, expect, test } from 'vitest';
import { init, Linear, LSTM, manualSeed, ones, Parameter, zeros, type Tensor } from 'stmnet';
import { handlesKept } from '../support/handles';
import { differences } from '../support/near';
import { here } from '../support/devices';

const range = async (x: Tensor): Promise<{ least: number; greatest: number; deviation: number; mean: number }> => {
  const values = Array.from(await x.data());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { least: Math.min(...values), greatest: Math.max(...values), deviation, mean };
};

const weight = (): Parameter => new Parameter(zeros([300, 200]));

test.each([
  ['xavierUniform_', () => init.xavierUniform_(weight(), { gain: 2 }), 2 * Math.sqrt(6 / 500)],
  ['kaimingUniform_', () => init.kaimingUniform_(weight(), { nonlinearity: 'relu' }), Math.sqrt(6 / 200)],
  [
    'kaimingUniform_ by fanOut',
    () => init.kaimingUniform_(weight(), { mode: 'fanOut', nonlinearity: 'linear' }),
    Math.sqrt(3 / 300),
  ],
  [
    "kaimingUniform_ as PyTorch's Linear uses it",
    () => init.kaimingUniform_(weight(), { a: Math.sqrt(5) }),
    1 / Math.sqrt(200),
  ],
  ['uniform_', () => init.uniform_(weight(), { low: -0.3, high: 0.3 }), 0.3],
])('%s fills its range', async (_, fill, bound) => {
  manualSeed(1);
  const { least, greatest, deviation } = await range(fill());
  expect(greatest).toBeLessThanOrEqual(bound);
  expect(greatest).toBeGreaterThan(0.999 * bound);
  expect(least).toBeGreaterThanOrEqual(-bound * 1.000001);
  expect(least).toBeLessThan(-0.999 * bound);
  expect(Math.abs((deviation * Math.sqrt(3)) / bound - 1)).toBeLessThan(0.01);
});

test.each([
  ['xavierNormal_', () => init.xavierNormal_(weight()), Math.sqrt(2 / 500)],
  ['kaimingNormal_', () => init.kaimingNormal_(weight(), { nonlinearity: 'tanh' }), 5 / 3 / Math.sqrt(200)],
  ['normal_', () => init.normal_(weight(), { mean: 0, std: 0.2 }), 0.2],
])('%s has its deviation', async (_, fill, std) => {
  manualSeed(2);
  const { deviation, mean } = await range(fill());
  expect(Math.abs(deviation / std - 1)).toBeLessThan(0.015);
  expect(Math.abs(mean) / std).toBeLessThan(0.02);
});

test('fans count the axes after the first two', async () => {
  manualSeed(3);
  const { greatest } = await range(init.xavierUniform_(zeros([30, 20, 5])));
  expect(Math.abs(greatest / Math.sqrt(6 / 250) - 1)).toBeLessThan(0.005);
  expect(init.defaultBound(zeros([30, 20, 5]))).toBe(0.1);
});

test.each([[[6, 6]], [[3, 8]], [[9, 4]], [[5, 2, 3]], [[1, 7]], [[7, 1]], [[120, 120]]])(
  'orthogonal_ of %j has orthonormal rows or columns',
  async (shape) => {
    manualSeed(4);
    const x = init.orthogonal_(zeros(shape, { dtype: 'f64' }), { gain: 3 });
    const matrix = x.reshape([shape[0] ?? 0, -1]).mul(1 / 3);
    const [rows = 0, columns = 0] = matrix.shape;
    const product = rows <= columns ? matrix.matmul(matrix.transpose(0, 1)) : matrix.transpose(0, 1).matmul(matrix);
    const n = Math.min(rows, columns);
    expect(
      differences(
        await product.data(),
        Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
        1e-13,
      ),
    ).toEqual([]);
  },
);

test('orthogonal_ draws anew each time, without a preferred sign', async () => {
  manualSeed(5);
  let sum = 0;
  for (let i = 0; i < 200; i++) sum += Math.sign((await init.orthogonal_(zeros([2, 2])).data())[0] ?? 0);
  expect(Math.abs(sum)).toBeLessThan(60);
});

test('constants, and the return of what was given', async () => {
  const x = weight();
  expect(init.constant_(x, 0.25)).toBe(x);
  expect(new Set(await x.data())).toEqual(new Set([0.25]));
  expect(new Set(await init.ones_(x).data())).toEqual(new Set([1]));
  expect(new Set(await init.zeros_(x).data())).toEqual(new Set([0]));
  expect(x.requiresGrad).toBe(true);
});

test('setForgetBias sets the second quarter of b_ih, clears that of b_hh, and leaves the rest', async () => {
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, numLayers: 2, bidirectional: true });
  const before = new Map(
    await Promise.all(
      [...lstm.namedParameters()].map(async ([name, p]) => [name, Array.from(await p.data())] as const),
    ),
  );
  expect(init.setForgetBias(lstm, 1.5)).toBe(lstm);
  for (const [name, parameter] of lstm.namedParameters()) {
    const expected = [...(before.get(name) ?? [])];
    if (name.startsWith('bias_')) expected.fill(name.startsWith('bias_ih') ? 1.5 : 0, 3, 6);
    expect(Array.from(await parameter.data()), name).toEqual(expected);
  }
});

test('biases are set without a handle left', () => {
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3 });
  const before = handlesKept();
  init.setForgetBias(lstm);
  init.setChronoBias(lstm, { maxSteps: 9 });
  expect(handlesKept()).toBe(before);
});

test('setChronoBias begins with memories of 1 to maxSteps steps, and leaves the other gates', async () => {
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 500, numLayers: 2 });
  const gate = async (bias: Tensor | undefined, at: number): Promise<number[]> =>
    Array.from((await bias?.data()) ?? []).slice(at * 500, (at + 1) * 500);
  const others = await gate(lstm.bias_ih_l1, 3);
  expect(init.setChronoBias(lstm, { maxSteps: 101 })).toBe(lstm);
  for (const suffix of ['l0', 'l1'] as const) {
    const forget = await gate(lstm[`bias_ih_${suffix}`], 1);
    expect(await gate(lstm[`bias_ih_${suffix}`], 0)).toEqual(forget.map((bias) => -bias));
    const times = forget.map((bias) => Math.exp(bias)).sort((a, b) => a - b);
    expect([(times[0] ?? 0) > 0.999, (times.at(-1) ?? 0) < 100.001]).toEqual([true, true]);
    for (const part of [0.1, 0.5, 0.9]) expect(Math.abs((times[part * 500] ?? 0) - (1 + 99 * part))).toBeLessThan(7);
    expect(
      new Set([...(await gate(lstm[`bias_hh_${suffix}`], 0)), ...(await gate(lstm[`bias_hh_${suffix}`], 1))]),
    ).toEqual(new Set([0]));
  }
  expect(await gate(lstm.bias_ih_l1, 3)).toEqual(others);
  expect(lstm.bias_ih_l0?.requiresGrad).toBe(true);
});

test('one seed gives the same weights', async () => {
  const draw = async (): Promise<unknown> => {
    manualSeed(8);
    return (await init.orthogonal_(zeros([4, 5])).data()).join();
  };
  expect(await draw()).toBe(await draw());
});

describe('mistakes', () => {
  test('a tensor without two axes', () => {
    expect(() => init.xavierUniform_(zeros([3]))).toThrow(
      `init.xavierUniform_: got f32[3] on ${here}, expected at least two axes, [out, in, …].`,
    );
    expect(() => init.orthogonal_(zeros([3]))).toThrow(
      `orthogonal_: got f32[3] on ${here}, expected at least two axes.`,
    );
  });
  test('options', () => {
    expect(() => init.kaimingNormal_(ones([2, 2]), { nonlinearity: 'rellu' as 'relu' })).toThrow(/write 'relu'/);
    expect(() => init.xavierNormal_(ones([2, 2]), { gain: -1 })).toThrow(/got gain: -1/);
    expect(() => init.uniform_(ones([2]), { low: 1, high: 0 })).toThrow(/low not above high/);
    expect(() => init.constant_(ones([2]), Number.NaN)).toThrow(/got value: NaN/);
  });
  test('an LSTM without biases', () => {
    expect(() => init.setForgetBias(new LSTM({ inputSize: 2, hiddenSize: 3, bias: false }))).toThrow(
      'init.setForgetBias: got an LSTM with bias: false, expected one with biases.',
    );
    expect(() => init.setChronoBias(new LSTM({ inputSize: 2, hiddenSize: 3, bias: false }), { maxSteps: 9 })).toThrow(
      'init.setChronoBias: got an LSTM with bias: false, expected one with biases.',
    );
  });
  test('memories that are too short', () => {
    expect(() => init.setChronoBias(new LSTM({ inputSize: 2, hiddenSize: 3 }), { maxSteps: 2 })).toThrow(
      'init.setChronoBias: got maxSteps: 2, expected at least 3.',
    );
  });
});

test('the layers start within the default bound', async () => {
  const linear = new Linear({ inFeatures: 25, outFeatures: 400 });
  expect((await range(linear.weight)).greatest).toBeLessThanOrEqual(init.defaultBound(linear.weight));
});
