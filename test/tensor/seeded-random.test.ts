import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/tensor/seeded-random';

const draw = (seed: number, count: number): number[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.uniform());
};

test('one seed gives the same numbers, another one others', () => {
  expect(draw(7, 100)).toEqual(draw(7, 100));
  const firsts = new Set([0, 1, 2, 3, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1].map((seed) => draw(seed, 1)[0]));
  expect(firsts.size).toBe(7);
});

test('uniform numbers are spread over [0, 1), also over neighbouring seeds', () => {
  const neighbours = Array.from({ length: 20_000 }, (_, seed) => draw(seed, 1)[0] ?? 0);
  for (const values of [draw(1, 20_000), neighbours]) {
    const cells = Array.from({ length: 20 }, () => 0);
    for (const value of values) cells[Math.floor(value * 20)]! += 1;
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    // 19 degrees of freedom: above 43.8 in one of 1,000 cases
    expect(cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(43.8);
  }
});

test('whole numbers stay below their count, and normal ones have mean 0 and deviation 1', () => {
  const random = new SeededRandom(3);
  const whole = Array.from({ length: 1000 }, () => random.below(3));
  expect(new Set(whole)).toEqual(new Set([0, 1, 2]));
  const normal = Array.from({ length: 20_000 }, () => random.normal());
  const mean = normal.reduce((a, b) => a + b, 0) / 20_000;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(normal.reduce((sum, x) => sum + x * x, 0) / 20_000 - 1)).toBeLessThan(0.04);
  expect(normal.every(Number.isFinite)).toBe(true);
});
