import { describe, expect, test } from 'vitest';
import {
  compile,
  DTypeError,
  getRandomState,
  gumbelSoftmax,
  manualSeed,
  multinomial,
  OptionError,
  setRandomState,
  ShapeError,
  softmax,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { describeDevices, here } from '../../support/devices';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

/** Pearson's statistic of how often each came, and would come. */
const statistic = (counts: readonly number[], expected: readonly number[]): number =>
  expected.reduce((sum, mean, i) => sum + (mean === 0 ? 0 : ((counts[i] ?? 0) - mean) ** 2 / mean), 0);

const countsOf = (values: ArrayLike<number>, places: number): number[] => {
  const counts = new Array<number>(places).fill(0);
  for (const value of Array.from(values)) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};

describeDevices('places drawn', (device) => {
  const weights = [1, 0, 4, 2, 3]; // of 10
  // With four degrees of freedom above 18.5 once in a thousand times.
  test.each(['f32', 'f64'] as const)('multinomial draws each as often as it is probable, %s', async (dtype) => {
    manualSeed(3);
    const p = tensor(weights, { dtype, device });
    const expected = weights.map((weight) => weight * 1000);
    const again = await multinomial(p, 10_000, { replacement: true }).data();
    expect(statistic(countsOf(again, 5), expected)).toBeLessThan(18.5);
    expect(countsOf(again, 5)[1]).toBe(0);
    const first = await multinomial(p.unsqueeze(0).expand([10_000, 5]), 1).data();
    expect(statistic(countsOf(first, 5), expected)).toBeLessThan(18.5);
    expect(countsOf(first, 5)[1]).toBe(0);
  });

  test('with replacement each draw is as the others, in any place', async () => {
    manualSeed(4);
    const p = tensor([1, 3], { device }).unsqueeze(0).expand([8000, 2]);
    const drawn = await multinomial(p, 3, { replacement: true }).data();
    const counts = new Array<number>(8).fill(0);
    for (let row = 0; row < 8000; row++) {
      const [a = 0, b = 0, c = 0] = drawn.subarray(row * 3);
      counts[4 * a + 2 * b + c] = (counts[4 * a + 2 * b + c] ?? 0) + 1;
    }
    const expected = counts.map(
      (_, i) => 8000 * [2, 1, 0].reduce((odds, bit) => odds * ((i >> bit) & 1 ? 0.75 : 0.25), 1),
    );
    expect(statistic(counts, expected)).toBeLessThan(24.3); // seven degrees of freedom
  });

  test('without replacement the second is drawn from what the first leaves', async () => {
    manualSeed(5);
    const p = [0.5, 0.3, 0.2];
    const drawn = await multinomial(tensor(p, { device }).unsqueeze(0).expand([12_000, 3]), 3).data();
    const counts = new Map<string, number>();
    for (let row = 0; row < 12_000; row++) {
      const key = drawn.subarray(row * 3, row * 3 + 3).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const orders = ['012', '021', '102', '120', '201', '210'];
    const expected = orders.map((order) => {
      const [a = 0, b = 0] = Array.from(order, (place) => p[Number(place)] ?? 0);
      return 12_000 * a * (b / (1 - a));
    });
    expect([...counts.keys()].sort()).toEqual(orders);
    expect(statistic(orders.map((order) => counts.get(order) ?? 0), expected)).toBeLessThan(20.5); // prettier-ignore
  });

  test('rows are drawn each for itself; a sure place is drawn, however small its number', async () => {
    const p = tensor([[[0, 1e-30], [7, 0]], [[0, 0.2], [1e30, 0]]], { device }); // prettier-ignore
    expect(await multinomial(p, 1).array()).toEqual([[[1], [0]], [[1], [0]]]); // prettier-ignore
    const drawn = multinomial(p, 3, { replacement: true });
    expect(drawn.dtype).toBe('i32');
    expect(await drawn.array()).toEqual([[[1, 1, 1], [0, 0, 0]], [[1, 1, 1], [0, 0, 0]]]); // prettier-ignore
    expect(multinomial(zeros([0, 3], { device }), 2).shape).toEqual([0, 2]);
    expect(
      await multinomial(tensor([3, 0, 1], { device }), 2)
        .data()
        .then((x) => x.toSorted()),
    ).toEqual(Int32Array.of(0, 2));
  });

  test('the same seed draws the same', async () => {
    const p = tensor(spreadArray([20, 50]), { device }).abs();
    const draw = (): Promise<unknown> =>
      Promise.all([
        multinomial(p, 7).data(),
        multinomial(p, 70, { replacement: true }).data(),
        gumbelSoftmax(p, { hard: true }).data(),
      ]);
    manualSeed(6);
    const [first, second] = [await draw(), await draw()];
    manualSeed(6);
    expect([await draw(), await draw()]).toEqual([first, second]);
    expect(first).not.toEqual(second);
  });

  test.each(['f32', 'f64'] as const)('numbers of any size are drawn from, but none of 0, %s', async (dtype) => {
    const [large, small] = dtype === 'f32' ? [3e38, 1e-40] : [1.7e308, 1e-310];
    const rows = tensor([large, large, 0], { dtype, device }).unsqueeze(0).expand([400, 3]);
    manualSeed(9);
    for (const replacement of [false, true]) {
      const counts = countsOf(await multinomial(rows, 1, { replacement }).data(), 3);
      expect(counts[2]).toBe(0);
      expect(statistic(counts, [200, 200, 0])).toBeLessThan(10.9); // one degree of freedom
    }
    const uneven = tensor([large, 0, small], { dtype, device }).unsqueeze(0).expand([50, 3]);
    expect(new Set((await multinomial(uneven, 2).data()).join('').match(/../g))).toEqual(new Set(['02']));
    const low = tensor([small, 0, small], { dtype, device }).unsqueeze(0).expand([400, 3]);
    const drawn = countsOf(await multinomial(low, 1, { replacement: true }).data(), 3);
    expect(drawn[1]).toBe(0);
    expect(statistic(drawn, [200, 0, 200])).toBeLessThan(10.9);
  });

  const numbers = 'finite numbers of at least 0';
  test.each<[string, number[][], number, boolean, string]>([
    ['below 0', [[0.5, -0.1]], 1, false, `-0.1 as element 1, expected ${numbers}`],
    [
      'NaN',
      [
        [0.5, 1],
        [0.5, Number.NaN],
      ],
      1,
      true,
      `nan as element 3, expected ${numbers}`,
    ],
    ['Infinity', [[0.5, Infinity]], 1, true, `inf as element 1, expected ${numbers}`],
    [
      'all 0',
      [
        [1, 0],
        [0, 0],
      ],
      1,
      true,
      '0 of the numbers of row 1 above 0, expected at least 1 of them',
    ],
    ['above 0 in too few places', [[0, 1, 0]], 2, false, '1 of the numbers of row 0 above 0, expected at least 2'],
  ])('what is %s rejects the read, and the process goes on', async (_, p, count, replacement, told) => {
    await expect(multinomial(tensor(p, { device }), count, { replacement }).data()).rejects.toThrow(
      `multinomial: got ${told}`,
    );
    expect(await multinomial(tensor([0, 1], { device }), 1).item()).toBe(1);
  });

  test('a compiled step draws what the same step draws, anew at each replay', async () => {
    const p = tensor(spreadArray([6, 9]), { device }).abs();
    const step = (x: Tensor): Tensor[] => [
      multinomial(x, 4),
      multinomial(x, 12, { replacement: true }),
      gumbelSoftmax(x, { hard: true }),
    ];
    const four = async (run: (x: Tensor) => Tensor[]): Promise<unknown[]> => {
      manualSeed(8);
      const results: unknown[] = [];
      for (let i = 0; i < 4; i++) results.push(await Promise.all(run(p).map((x) => x.array())));
      return results;
    };
    const drawn = await four(compile(step));
    expect(drawn).toEqual(await four(step));
    expect(drawn[3]).not.toEqual(drawn[2]);
  });

  test('gumbelSoftmax has its highest place as often as softmax says, and adds up to 1', async () => {
    manualSeed(7);
    const x = tensor([0.5, 2, 1, -1], { device }).unsqueeze(0).expand([10_000, 4]);
    const chances = await softmax(tensor([0.5, 2, 1, -1], { dtype: 'f64' })).data();
    for (const temperature of [0.3, 1, 5]) {
      const soft = gumbelSoftmax(x, { temperature });
      const counts = countsOf(await soft.argmax(-1).data(), 4);
      expect(
        statistic(
          counts,
          Array.from(chances, (chance) => 10_000 * chance),
        ),
      ).toBeLessThan(16.3);
      expect(differences(await soft.sum(-1).data(), new Float64Array(10_000).fill(1), 1e-6)).toEqual([]);
    }
  });

  test('hard, it is 1 at that place and 0 elsewhere, along any axis', async () => {
    const x = tensor(spreadArray([3, 4, 5]), { device });
    for (const dim of [0, 1, -1]) {
      const state = getRandomState();
      const soft = gumbelSoftmax(x, { dim });
      setRandomState(state);
      const hard = gumbelSoftmax(x, { dim, hard: true });
      expect(await hard.data()).toEqual(
        await soft
          .eq(soft.max(dim, { keepDim: true }))
          .cast('f64')
          .data(),
      );
    }
  });

  test('gradients are those of the soft one', async () => {
    const state = getRandomState();
    const held =
      (hard: boolean) =>
      (x: Tensor): Tensor => {
        setRandomState(state);
        return gumbelSoftmax(x, { hard, temperature: 0.7, dim: 0 });
      };
    await expectGradients(held(false), [spreadArray([4, 3])]);
    const upstream = tensor(spreadArray([4, 3]), { device });
    const gradients = await Promise.all(
      [false, true].map(async (hard) => {
        const x = tensor(spreadArray([4, 3]), { device }).requiresGrad_();
        held(hard)(x).backward({ gradient: upstream });
        return x.grad?.data();
      }),
    );
    expect(gradients[1]).toEqual(gradients[0]);
    const p = tensor([0.5, 0.5], { device }).requiresGrad_();
    expect(multinomial(p, 1).requiresGrad).toBe(false);
  });
});

describe('mistakes', () => {
  test('of multinomial', () => {
    const p = tensor([0.5, 0.5]);
    expect(() => multinomial(p, 3)).toThrow(
      `multinomial: got numSamples: 3 of f32[2] on ${here}, expected at most 2, the places that are there.`,
    );
    expect(() => multinomial(p, 0)).toThrow('numSamples: 0');
    expect(() => multinomial(p, 1.5)).toThrow(OptionError);
    expect(() => multinomial(tensor(1), 1)).toThrow(ShapeError);
    expect(() => multinomial(zeros([2, 0]), 1)).toThrow(`f32[2, 0] on ${here}, expected […, V]`);
    expect(() => multinomial(tensor([1, 2], { dtype: 'i32' }), 1)).toThrow(DTypeError);
    expect(() => multinomial(tensor([1, 2], { dtype: 'i32' }), 1)).toThrow('multinomial: got');
    expect(() => multinomial(p, 1, { replace: true } as object)).toThrow('replacement');
  });

  test('of gumbelSoftmax', () => {
    const x = zeros([2, 3]);
    expect(() => gumbelSoftmax(x, { temperature: 0 })).toThrow('temperature: 0, expected a finite number above 0');
    expect(() => gumbelSoftmax(x, { temperature: Number.NaN })).toThrow(OptionError);
    expect(() => gumbelSoftmax(x, { dim: 2 })).toThrow('gumbelSoftmax: got');
    expect(() => gumbelSoftmax(x, { dim: -3, hard: true })).toThrow('gumbelSoftmax: got');
    expect(() => gumbelSoftmax(zeros([2], { dtype: 'i32' }))).toThrow('gumbelSoftmax: got');
    expect(() => gumbelSoftmax(zeros([2], { dtype: 'i32' }))).toThrow(DTypeError);
    expect(() => gumbelSoftmax(x, { tau: 1 } as object)).toThrow('an option tau');
  });
});
