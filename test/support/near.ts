import { expect } from 'vitest';
import type { Tensor } from 'stmnet';

/** Expects numbers to be within an absolute tolerance of others. Says which element is not. */
export function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [got = Number.NaN, wanted = Number.NaN] = [actual[i], expected[i]];
    if (!(Math.abs(got - wanted) <= tolerance)) expect.fail(`element ${i}: got ${got}, expected ${wanted} ± ${tolerance}`);
  }
}

/** As `expectNear`, for two tensors of one shape. */
export async function expectTensorsNear(actual: Tensor, expected: Tensor, tolerance: number): Promise<void> {
  expect(actual.shape).toEqual(expected.shape);
  expectNear(await actual.data(), await expected.data(), tolerance);
}
