import { describe, expect, test } from 'vitest';
import { DTypeError, manualSeed, permutation, rand, randint, randn } from 'stmnet';
import { describeDevices } from '../../support/devices';

const moments = (values: ArrayLike<number>): { mean: number; variance: number } => {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return { mean, variance: list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length };
};

describeDevices('random numbers', (device) => {
  test.each(['f32', 'f64'] as const)('rand is uniform in [0, 1), %s', async (dtype) => {
    manualSeed(5);
    const values = await rand([200_000], { dtype, device }).data();
    const { mean, variance } = moments(values);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.003); // five deviations of the mean
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test.each(['f32', 'f64'] as const)(
    'randn has mean 0, deviation 1 and the tails of a normal distribution, %s',
    async (dtype) => {
      manualSeed(6);
      const values = Array.from(await randn([400_000], { dtype, device }).data());
      const { mean, variance } = moments(values);
      expect(Math.abs(mean)).toBeLessThan(0.008);
      expect(Math.abs(variance - 1)).toBeLessThan(0.012);
      const beyond = (bound: number): number =>
        values.filter((value) => Math.abs(value) > bound).length / values.length;
      expect(Math.abs(beyond(1) - 0.31731)).toBeLessThan(0.004);
      expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.002);
      expect(Math.abs(beyond(3) - 0.0027)).toBeLessThan(0.0005);
    },
  );

  test('randint draws all of low..high - 1 equally often', async () => {
    manualSeed(7);
    const counts = new Map<number, number>();
    for (const value of await randint(-2, 3, [50_000], { device }).data())
      counts.set(value, (counts.get(value) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(450);
  });

  test('empty and scalar shapes', async () => {
    expect((await randn([0, 3], { device }).data()).length).toBe(0);
    expect(rand([], { device }).shape).toEqual([]);
  });
});

describe('mistakes', () => {
  test('an element type that has no such numbers', () => {
    expect(() => rand([2], { dtype: 'i32' })).toThrow(
      'rand: got dtype i32, expected f32 or f64.\n  Fix: choose that dtype, or cast() the result.',
    );
    expect(() => randn([2], { dtype: 'bool' })).toThrow(DTypeError);
  });
  test('bounds in the wrong order', () => {
    expect(() => randint(3, 3, [2])).toThrow(
      'randint: got low 3 and high 3, expected low below high, both within 32 bits, and fewer than 2^32 numbers.',
    );
    expect(() => randint(0, 1.5, [2])).toThrow('randint: got low 0 and high 1.5, expected whole numbers.');
  });
  test('an option that does not exist', () => {
    expect(() => rand([2], { dtyp: 'f32' } as object)).toThrow(
      'rand: got an option dtyp, expected only dtype, requiresGrad, device.',
    );
  });
});

test('permutation is the order of one seed', () => {
  manualSeed(1);
  const order = permutation(6);
  expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  manualSeed(1);
  expect(permutation(6)).toEqual(order);
});
