import { expect } from 'vitest';
import { noGrad, sum, tensor, type HostArray, type Tensor } from 'stmnet';

/** A repeatable stream of numbers in (-1, 1): element `index` of stream `seed`. */
export const spread = (index: number, seed = 1): number => Math.sin(12.9898 * (index + 1) + 78.233 * seed) * 0.97;

/** An f64 host array of `spread` numbers, scaled. */
export function spreadArray(shape: readonly number[], seed = 1, scale = 1): HostArray {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { data: Float64Array.from({ length: size }, (_, index) => scale * spread(index, seed)), shape };
}

/**
 * Expects the gradients of `fn` at `inputs` (f64) to be those of central differences, for an upstream gradient of
 * `spread` numbers.
 *
 * @param tolerance  absolute plus relative; central differences of step 1e-5 in f64 are good to about 1e-9
 */
export async function expectGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly HostArray[],
  tolerance = 1e-7,
): Promise<void> {
  const leaves = inputs.map((input) => tensor(input, { dtype: 'f64', requiresGrad: true }));
  const output = fn(...leaves);
  const upstream = tensor(spreadArray(output.shape, 5), { dtype: 'f64' });
  output.backward({ gradient: upstream });
  const value = (changed: readonly HostArray[]): Promise<number> =>
    noGrad(() => sum(fn(...changed.map((input) => tensor(input, { dtype: 'f64' }))).mul(upstream))).item();
  for (const [place, input] of inputs.entries()) {
    const gradient = await leaves[place]?.grad?.data();
    expect(gradient?.length, `gradient of input ${place}`).toBe(input.data.length);
    for (let element = 0; element < input.data.length; element++) {
      const step = 1e-5;
      const moved = (by: number): Promise<number> => {
        const data = Float64Array.from(input.data);
        data[element] = (data[element] ?? 0) + by;
        return value(inputs.map((other, index) => (index === place ? { data, shape: input.shape } : other)));
      };
      const expected = ((await moved(step)) - (await moved(-step))) / (2 * step);
      const got = gradient?.[element] ?? Number.NaN;
      if (!(Math.abs(got - expected) <= tolerance * (1 + Math.abs(expected))))
        expect.fail(`gradient of input ${place}, element ${element}: got ${got}, expected ${expected}`);
    }
  }
}

/** Probabilities, spread over 0.05 to 0.95. */
export const probabilities = (shape: readonly number[], seed: number): HostArray => {
  const { data } = spreadArray(shape, seed);
  return { data: Float64Array.from(data, (value) => 0.5 + 0.45 * value), shape };
};
