import { describe, expect, it } from 'vitest';
import { tensor, type HostArray, type Tensor } from 'stmnet';
import { describeDevices } from '../devices';
import { expectGradients, spread } from '../gradients';
import { tolerances } from '../tolerances';
import { viewed } from './inputs';

/** One op, everything that is tested of it alike. */
export interface OpCase {
  /** Title: the op's name and what of it is tested, such as `sum over the last axis`. */
  op: string;
  /** The op under test, of the inputs. */
  run: (...inputs: Tensor[]) => Tensor;
  /** The same in plain TypeScript on f64 numbers. `generate` and `at` help. */
  reference: (...inputs: HostArray[]) => HostArray;
  /**
   * Lists of input shapes, one shape for each input: the usual ones and the odd ones, with extents of 0 and 1, and
   * broadcast against each other.
   */
  shapes: readonly (readonly (readonly number[])[])[];
  /** Larger ones, too many for differences: a GPU's results are compared with the CPU's (table.ts). Default none. */
  large?: readonly (readonly (readonly number[])[])[];
  /** Inputs lie between these. Default [-1, 1]. */
  domain?: readonly [number, number];
  /** Inputs of gradients lie between these, where the op has no jump. Default the domain. */
  smooth?: readonly [number, number];
  /** False for ops that have no gradient. Default true. */
  gradient?: boolean;
  /** False for ops that take f64 only, or whose reference makes no sense in f32. Default true. */
  f32?: boolean;
}

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** Place of element `position` (in row-major order) of a shape. */
export function placeOf(shape: readonly number[], position: number): number[] {
  const place = shape.map(() => 0);
  for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    place[axis] = rest % extent;
    rest = Math.floor(rest / extent);
  }
  return place;
}

/** An f64 host array of `fn(place)`. */
export function generate(shape: readonly number[], fn: (place: readonly number[]) => number): HostArray {
  return { data: Float64Array.from({ length: sizeOf(shape) }, (_, position) => fn(placeOf(shape, position))), shape };
}

/** The element at a place; axes are aligned at the last one and broadcast where their extent is 1. */
export function at(x: HostArray, place: readonly number[]): number {
  const added = place.length - x.shape.length;
  const position = x.shape.reduce(
    (sum, extent, axis) => sum * extent + (extent === 1 ? 0 : (place[axis + added] ?? 0)),
    0,
  );
  return x.data[position] ?? Number.NaN;
}

/** Inputs of one case: repeatable numbers from `low` to `high`. */
function inputsOf(shapes: readonly (readonly number[])[], [low, high]: readonly [number, number]): HostArray[] {
  return shapes.map((shape, input) => ({
    data: Float64Array.from(
      { length: sizeOf(shape) },
      (_, position) => low + ((spread(position, input + 1) + 1) / 2) * (high - low),
    ),
    shape,
  }));
}

/**
 * Expects `got` to have the reference's shape, and its numbers within a tolerance (see tolerances.ts). NaN equals NaN,
 * and infinities themselves.
 */
export async function expectClose(got: Tensor, expected: HostArray, tolerance: number): Promise<void> {
  expect(got.shape).toEqual([...expected.shape]);
  const data = await got.data();
  expect(data.length).toBe(expected.data.length);
  for (const [position, wanted] of Array.from(expected.data).entries()) {
    const value = data[position] ?? Number.NaN;
    const near =
      Object.is(value, wanted) || value === wanted || Math.abs(value - wanted) <= tolerance * (1 + Math.abs(wanted));
    if (!near)
      expect.fail(
        `element [${placeOf(expected.shape, position).join(', ')}]: got ${value}, ` +
          `expected ${wanted} within ${tolerance}`,
      );
  }
}

/**
 * Registers the tests that every op gets, for each list of shapes and on each device: its value against the reference
 * in f64 and f32, of dense inputs and of views that are neither dense nor at the start of their storage, and its
 * gradient with respect to every input, dense and as a view, against central differences in f64.
 *
 * @example opCase({ op: 'sub', run: (a, b) => a.sub(b), reference: (a, b) => generate(a.shape, (p) => at(a, p) - at(b,
 * p)), shapes: [[[2, 3], [3]], [[0, 3], [3]], [[1], [1]]] });
 */
export function opCase(row: OpCase): void {
  const { op, run, reference, shapes, domain = [-1, 1], smooth = domain, gradient = true, f32 = true } = row;
  describeDevices(op, () => {
    for (const list of shapes) {
      describe(list.map((shape) => `[${shape.join(', ')}]`).join(' '), () => {
        const inputs = inputsOf(list, domain);
        const dtypes = f32 ? (['f64', 'f32'] as const) : (['f64'] as const);
        it.each(dtypes)('is the reference in %s', async (dtype) => {
          await expectClose(
            run(...inputs.map((x) => tensor(x, { dtype }))),
            reference(...inputs.map((x) => rounded(x, dtype))),
            tolerances.value[dtype],
          );
        });
        it('takes views', async () => {
          await expectClose(
            run(...inputs.map((x) => viewed(tensor(x, { dtype: 'f64' })))),
            reference(...inputs),
            tolerances.value.f64,
          );
        });
        if (!gradient) return;
        it('has the gradient of differences', async () => {
          const points = inputsOf(list, smooth);
          await expectGradients(run, points, tolerances.gradient);
          await expectGradients((...leaves) => run(...leaves.map(viewed)), points, tolerances.gradient);
        });
      });
    }
  });
}

/** What a dtype holds of an array, so that the reference sees the same numbers as the op. */
const rounded = (x: HostArray, dtype: 'f32' | 'f64'): HostArray =>
  dtype === 'f64' ? x : { data: Float64Array.from(x.data, Math.fround), shape: x.shape };
