import { describe, expect, it } from 'vitest';
import { concat, tensor, type HostArray, type Tensor } from 'stmnet';
import { describeDevices } from '../devices';
import { expectGradients, spread } from '../gradients';
import { tolerances } from '../tolerances';
import { inputOf, viewed, type Input, type Operand } from './inputs';

/** One op, everything that is tested of it alike. */
export interface OpCase {
  /** Title: the op's name and what of it is tested, such as `sum over the last axis`. */
  op: string;
  /** The op under test, of the inputs. */
  run: (...inputs: Tensor[]) => Tensor | Tensor[];
  /** The same in plain TypeScript on f64 numbers. `generate` and `at` help. Only ops of chance do without. */
  reference?: (...inputs: HostArray[]) => HostArray | HostArray[];
  /**
   * Lists of inputs, each of them a shape or what inputs.ts makes: the usual ones and the odd ones, with extents of 0
   * and 1, and broadcast against each other.
   */
  shapes?: readonly (readonly Operand[])[];
  /** Larger ones, too many for differences: a GPU's results are compared with the CPU's (table.ts). Default none. */
  large?: readonly (readonly Operand[])[];
  /** Inputs lie between these. Default [-1, 1]. */
  domain?: readonly [number, number];
  /** Inputs of gradients lie between these, where the op has no jump. Default the domain. */
  smooth?: readonly [number, number];
  /** False for ops that have no gradient. Default true. */
  gradient?: boolean;
  /** False for ops that take f64 only, or whose reference makes no sense in f32. Default true. */
  f32?: boolean;
  /** How far a GPU's results may be from the CPU's, of the largest number, with a reason. Default the usual. */
  tolerance?: number;
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

/** The numbers of an input, repeatable ones. */
function numbersOf({ shape, range: [low, high], kind }: Input, seed: number): HostArray {
  const values = Array.from(
    { length: sizeOf(shape) },
    (_, position) => low + ((spread(position, seed) + 1) / 2) * (high - low),
  );
  if (kind === 'float') return { data: Float64Array.from(values), shape };
  const whole = values.map(Math.floor);
  return { data: kind === 'bool' ? Uint8Array.from(whole) : Int32Array.from(whole), shape };
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
 * gradient with respect to every input that has one, dense and as a view, against central differences in f64.
 *
 * @example opCase({ op: 'sub', run: (a, b) => a.sub(b), reference: (a, b) => generate(a.shape, (p) => at(a, p) - at(b,
 * p)), shapes: [[[2, 3], [3]], [[0, 3], [3]], [[1], [1]]] });
 */
export function opCase(row: OpCase): void {
  const { op, shapes = [], domain = [-1, 1], smooth = domain, gradient = true, f32 = true } = row;
  if (shapes.length === 0) return;
  describeDevices(op, () => {
    for (const list of shapes) {
      const inputs = list.map((operand) => inputOf(operand, domain));
      describe(inputs.map(titleOf).join(' '), () => {
        const dtypes = f32 ? (['f64', 'f32'] as const) : (['f64'] as const);
        it.each(dtypes)('is the reference in %s', async (dtype) => {
          await expectReference(row, inputs, dtype, false);
        });
        it('takes views', async () => {
          await expectReference(row, inputs, 'f64', true);
        });
        if (!gradient || !inputs.some((input) => input.gradient)) return;
        it('has the gradient of differences', async () => {
          const points = list.map((operand) => inputOf(operand, smooth));
          await expectDifferences(row, points, (x) => x);
          await expectDifferences(row, points, viewed);
        });
      });
    }
  });
}

const titleOf = ({ shape, kind }: Input): string => `${kind === 'float' ? '' : `${kind} `}[${shape.join(', ')}]`;

/** Compares all results of a row with those of its reference. */
async function expectReference(
  { run, reference }: OpCase,
  inputs: readonly Input[],
  dtype: 'f32' | 'f64',
  views: boolean,
): Promise<void> {
  const arrays = inputs.map((input, index) => rounded(numbersOf(input, index + 1), dtype));
  const tensors = arrays.map((x) => tensor(x, x.data instanceof Float64Array ? { dtype } : {}));
  const results = [run(...(views ? tensors.map(viewed) : tensors))].flat();
  const references = [reference?.(...arrays) ?? []].flat();
  expect(results.length).toBe(references.length);
  for (const [index, expected] of references.entries())
    await expectClose(results[index] as Tensor, expected, tolerances.value[dtype]);
}

/** Compares the gradients of a row with differences; inputs without a gradient stand still. */
async function expectDifferences(
  { run }: OpCase,
  inputs: readonly Input[],
  change: (x: Tensor) => Tensor,
): Promise<void> {
  const arrays = inputs.map((input, index) => numbersOf(input, index + 1));
  const moving = arrays.filter((_, index) => inputs[index]?.gradient);
  const ofMoving = (...leaves: Tensor[]): Tensor => {
    const rest = [...leaves];
    const all = arrays.map((x, index) => (inputs[index]?.gradient ? (rest.shift() as Tensor) : tensor(x)));
    const results = [run(...all.map(change))].flat().filter(({ dtype }) => dtype === 'f64');
    const [only] = results;
    return results.length === 1 && only !== undefined
      ? only
      : concat(
          results.map((x) => x.flatten()),
          0,
        );
  };
  await expectGradients(ofMoving, moving, tolerances.gradient);
}

/** What a dtype holds of an array, so that the reference sees the same numbers as the op. */
const rounded = (x: HostArray, dtype: 'f32' | 'f64'): HostArray =>
  dtype === 'f64' || !(x.data instanceof Float64Array)
    ? x
    : { data: Float64Array.from(x.data, Math.fround), shape: x.shape };
