import { describe, expect, test } from 'vitest';
import {
  DTypeError,
  OptionError,
  bernoulli,
  dropout,
  full,
  gaussianNoise,
  getRandomState,
  manualSeed,
  noGrad,
  normal_,
  ones,
  setRandomState,
  tensor,
  uniform_,
  zeros,
} from 'stmnet';
import { describeDevices } from '../../support/devices';
import { expectGradients, spreadArray } from '../../support/gradients';

describeDevices('random ops', (device) => {
  test.each(['f32', 'f64'] as const)('dropout zeroes a part p and divides the rest by 1 - p, %s', async (dtype) => {
    manualSeed(1);
    const values = await dropout(ones([100_000], { dtype, device }), 0.3).data();
    const kept = values.filter((value) => value !== 0);
    expect(Math.abs(kept.length / 100_000 - 0.7)).toBeLessThan(0.008);
    expect(new Set(kept)).toEqual(new Set([dtype === 'f32' ? Math.fround(1 / 0.7) : 1 / 0.7]));
  });

  test('the gradient of dropout goes through the same mask, twice if the graph is kept', async () => {
    manualSeed(2);
    const x = full([1000], 3, { device, requiresGrad: true });
    const y = dropout(x, 0.5);
    const [values, upstream] = [await y.data(), full([1000], 5, { device })];
    y.backward({ gradient: upstream, retainGraph: true });
    const expected = values.map((value) => (value === 0 ? 0 : 10));
    expect(await x.grad?.data()).toEqual(expected);
    y.backward({ gradient: upstream });
    expect(await x.grad?.data()).toEqual(expected.map((value) => 2 * value));
  });

  test('dropout of a view is that of its elements in order', async () => {
    const x = tensor(spreadArray([7, 5]), { device });
    const state = getRandomState();
    const dense = await dropout(x.transpose(0, 1).clone(), 0.4).data();
    setRandomState(state);
    expect(await dropout(x.transpose(0, 1), 0.4).data()).toEqual(dense);
  });

  test('dropout by 0 keeps every element; an empty tensor stays empty', async () => {
    expect(await dropout(ones([40], { device }), 0).data()).toEqual(new Float32Array(40).fill(1));
    expect((await dropout(zeros([0, 3], { device }), 0.5).data()).length).toBe(0);
  });

  test('finite differences of dropout and noise, with the mask held', async () => {
    const state = getRandomState();
    const held =
      (fn: (x: Parameters<typeof dropout>[0]) => ReturnType<typeof dropout>) => (x: Parameters<typeof dropout>[0]) => {
        setRandomState(state);
        return fn(x);
      };
    await expectGradients(
      held((x) => dropout(x, 0.5)),
      [spreadArray([3, 7])],
    );
    await expectGradients(
      held((x) => gaussianNoise(x, 0.5)),
      [spreadArray([3, 7])],
    );
  });

  test('gaussianNoise adds numbers of the deviation asked for', async () => {
    manualSeed(3);
    const noise = Array.from(await gaussianNoise(full([100_000], 2, { dtype: 'f64', device }), 0.5).data());
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length);
    expect(Math.abs(mean - 2)).toBeLessThan(0.008);
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.006);
  });

  test('bernoulli draws 1 with the probability of each element', async () => {
    manualSeed(4);
    const p = tensor([0, 0.25, 1], { device }).expand([20_000, 3]);
    const sums = [0, 0, 0];
    (await bernoulli(p).data()).forEach((value, i) => (sums[i % 3] = (sums[i % 3] ?? 0) + value));
    expect(sums[0]).toBe(0);
    expect(Math.abs((sums[1] ?? 0) - 5000)).toBeLessThan(310);
    expect(sums[2]).toBe(20_000);
  });

  test('bernoulli of NaN or of 1.5 rejects the read, and the process goes on', async () => {
    await expect(bernoulli(tensor([0.5, Number.NaN], { device })).data()).rejects.toThrow(
      /bernoulli: got nan as element 1, expected probabilities in \[0, 1\]/,
    );
    await expect(bernoulli(tensor([1.5], { device })).data()).rejects.toThrow(/got 1.5 as element 0/);
    expect(await ones([1], { device }).item()).toBe(1);
  });

  test('uniform_ and normal_ fill dense tensors and views in place', async () => {
    manualSeed(5);
    const x = zeros([40, 30], { device });
    expect(noGrad(() => uniform_(x.slice([0, 10], [null, 20]), { low: 2, high: 3 })).shape).toEqual([40, 10]);
    const values = await x.data();
    values.forEach((value, i) => {
      const inside = i % 30 >= 10 && i % 30 < 20;
      expect(inside ? value >= 2 && value < 3 : value === 0).toBe(true);
    });
    expect(new Set(await normal_(x, { mean: 7, std: 0 }).data())).toEqual(new Set([7]));
  });
});

describe('mistakes', () => {
  test('a probability out of range', () => {
    expect(() => dropout(ones([2]), 1)).toThrow(
      'dropout: got p 1, expected a probability in [0, 1).\n  Fix: pass 0 to switch it off, or a fraction such as 0.5.',
    );
    expect(() => dropout(ones([2]), Number.NaN)).toThrow(OptionError);
  });
  test('an element type without fractions', () => {
    expect(() => dropout(ones([2], { dtype: 'i32' }), 0.5)).toThrow(DTypeError);
    expect(() => bernoulli(ones([2], { dtype: 'i32' }))).toThrow(DTypeError);
  });
  test('bounds, deviations and options', () => {
    expect(() => uniform_(ones([2]), { low: 2, high: 1 })).toThrow(
      'uniform_: got low 2 and high 1, expected finite numbers, low not above high.',
    );
    expect(() => normal_(ones([2]), { std: -1 })).toThrow(
      'normal_: got mean 0 and std -1, expected finite numbers, std at least 0.',
    );
    expect(() => gaussianNoise(ones([2]), Infinity)).toThrow(OptionError);
    expect(() => gaussianNoise(ones([2]), 1e39)).toThrow(OptionError);
    expect(() => normal_(ones([2]), { mean: 1e39 })).toThrow(
      'normal_: got mean 1e+39 and std 1, expected finite numbers, std at least 0.\n' +
        '  Fix: correct them; f32 has to hold them.',
    );
    expect(() => uniform_(ones([2]), { low: -3e38, high: 3e38 })).toThrow(
      'uniform_: got low -3e+38 and high 3e+38, expected finite numbers, low not above high.\n' +
        '  Fix: correct the bounds; f32 has to hold them and their difference.',
    );
    expect(() => uniform_(ones([2], { dtype: 'f64' }), { low: -1e308, high: 1e308 })).toThrow(OptionError);
    expect(() => uniform_(ones([2]), { hi: 1 } as object)).toThrow(
      'uniform_: got an option hi, expected only low, high.',
    );
  });
  test('filling a parameter outside noGrad', () => {
    expect(() => normal_(ones([2], { requiresGrad: true }))).toThrow(/normal_: .*being differentiated/);
  });
});
