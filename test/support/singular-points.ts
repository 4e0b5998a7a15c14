import { expect } from 'vitest';
import { tensor, type Tensor } from 'stmnet';

export type Numbers = readonly number[] | readonly (readonly number[])[];

/**
 * Where a function has a kink, a pole or a tie: its value and gradients (of the sum, by each input) as torch 2.13.0
 * gives them in f64.
 */
export type SingularPoint = readonly [
  name: string,
  run: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Numbers[],
  value: readonly number[],
  gradients: readonly Numbers[],
];

/** Elements of a tensor, in order. */
export async function expectNumbers(
  what: string,
  got: Tensor | undefined,
  expected: Numbers,
  tolerance: number,
): Promise<void> {
  const numbers = Array.from((await got?.data()) ?? []);
  const wanted = expected.flat();
  expect(numbers.length, what).toBe(wanted.length);
  const near = numbers.map((x, i) => {
    const y = wanted[i] ?? NaN;
    return Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(1e-3, Math.abs(y));
  });
  if (near.includes(false)) expect.fail(`${what}: got ${numbers.join(', ')}, expected ${wanted.join(', ')}`);
}

/** Value and gradients of a function at a point, in f64 and f32, of dense inputs and of views. */
export async function expectSingularPoint([, run, inputs, value, gradients]: SingularPoint): Promise<void> {
  for (const [dtype, tolerance] of [
    ['f64', 1e-13],
    ['f32', 1e-5],
  ] as const) {
    if (dtype === 'f32' && inputs.flat(2).some((x) => Math.abs(x) > 1e38 && Number.isFinite(x))) continue;
    for (const view of [false, true]) {
      const leaves = inputs.map((numbers) => tensor(numbers, { dtype, requiresGrad: true }));
      // The view of a matrix with its rows and columns swapped twice, once of them in memory.
      const y = run(...leaves.map((x) => (view && x.rank === 2 ? x.transpose(0, 1).clone().transpose(0, 1) : x)));
      await expectNumbers(`value in ${dtype}`, y, value, tolerance);
      y.sum().backward();
      for (const [i, gradient] of gradients.entries())
        await expectNumbers(`gradient ${i} in ${dtype}`, leaves[i]?.grad, gradient, tolerance);
    }
  }
}
