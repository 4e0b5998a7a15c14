import type { Tensor } from 'stmnet';

/** Which numbers are not within an absolute tolerance of the expected ones, a sentence each. */
export function differences(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): string[] {
  if (actual.length !== expected.length) return [`got ${actual.length} numbers, expected ${expected.length}`];
  return Array.from(expected).flatMap((wanted, i) => {
    const got = actual[i] ?? Number.NaN;
    return Math.abs(got - wanted) <= tolerance ? [] : [`element ${i}: got ${got}, expected ${wanted} ± ${tolerance}`];
  });
}

/** As `differences`, for two tensors of one shape. */
export async function tensorDifferences(actual: Tensor, expected: Tensor, tolerance: number): Promise<string[]> {
  if (actual.shape.join() !== expected.shape.join()) return [`got ${String(actual)}, expected ${String(expected)}`];
  return differences(await actual.data(), await expected.data(), tolerance);
}
