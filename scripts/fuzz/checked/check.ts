import { PaddedSequence, tensor, type Tensor } from 'stmnet';
import type { Known } from '../inputs';
import { sizeOf, total, type Plain } from '../plain';
import type { Draw } from '../random';
import type { CaseMaker, CheckedCase } from './case';
import { elementwiseCases } from './elementwise';
import { lossCases } from './losses';
import { productCases } from './products';
import { recurrentCases } from './recurrent';
import { reduceCases } from './reduce';
import { shapeCases } from './shape';

const families: readonly (readonly CaseMaker[])[] = [
  elementwiseCases,
  shapeCases,
  reduceCases,
  productCases,
  lossCases,
  recurrentCases,
];

/** What rounding may cost, against the size of the numbers: a few dozen additions and one elementary function. */
const tolerances = { f32: 2e-5, f64: 1e-10, i32: 0, bool: 0, i8: 0 };

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** What is wrong with a result, or nothing. */
function difference(what: string, got: ArrayLike<number>, want: Plain, tolerance: number): string | undefined {
  const scale = want.data.reduce(
    (largest, value) => (Number.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest),
    0,
  );
  for (let at = 0; at < want.data.length; at++) {
    const [found, right] = [got[at]!, want.data[at]!];
    const same =
      Object.is(found, right) ||
      found === right ||
      Math.abs(found - right) <= tolerance * (Math.abs(right) + scale / 8 + 1);
    if (!same) return `${what}: got ${found} at element ${at} of ${shapeText(want.shape)}, expected ${right}`;
  }
  return undefined;
}

async function compare(got: readonly Tensor[], want: readonly Plain[], label: string): Promise<string | undefined> {
  if (got.length !== want.length) return `${label}: got ${got.length} results, expected ${want.length}`;
  for (const [at, result] of got.entries()) {
    const right = want[at]!;
    if (shapeText(result.shape) !== shapeText(right.shape))
      return `${label}: got shape ${shapeText(result.shape)}, expected ${shapeText(right.shape)}`;
    const found = difference(`${label}, result ${at}`, await result.data(), right, tolerances[result.dtype]);
    if (found !== undefined) return found;
  }
  return undefined;
}

const listOf = (result: ReturnType<CheckedCase['run']>): readonly Tensor[] => {
  if (result instanceof PaddedSequence) return [result.values];
  return Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
};

const plainList = (result: Plain | readonly Plain[]): readonly Plain[] => ('data' in result ? [result] : result);

/** Σ seed · result of the plain evaluation, with one number of one leaf moved. */
function weighted(
  { inputs, plain }: CheckedCase,
  seeds: readonly (Float64Array | undefined)[],
  moved: Known,
  place: number,
  by: number,
): number {
  const values = inputs.map((input) => {
    if (input !== moved) return input.look(input.base);
    const data = Float64Array.from(input.base.data);
    data[place]! += by;
    return input.look({ shape: input.base.shape, data });
  });
  return total(
    plainList(plain(...values)).map(({ data }, result) =>
      data.reduce((sum, value, at) => sum + value * (seeds[result]?.[at] ?? 0), 0),
    ),
  );
}

/** Compares some elements of each gradient with the slope of the plain evaluation. */
async function compareGradients(
  draw: Draw,
  checked: CheckedCase,
  results: readonly Tensor[],
): Promise<string | undefined> {
  const seeds = results.map((result) =>
    result.requiresGrad ? Float64Array.from({ length: result.size }, () => draw.between(-1, 1)) : undefined,
  );
  const parts = results.flatMap((result, at) => {
    const seed = seeds[at];
    return seed === undefined
      ? []
      : [result.mul(tensor({ data: seed, shape: [...result.shape] }, { dtype: result.dtype })).sum()];
  });
  if (parts.length === 0) return undefined;
  parts.reduce((sum, part) => sum.add(part)).backward();
  for (const [at, input] of checked.inputs.entries()) {
    const { leaf, base } = input;
    if (!leaf.requiresGrad || base.data.length === 0) continue;
    const gradient = await leaf.grad?.data();
    for (let probe = 0; probe < 2; probe++) {
      const place = draw.whole(0, base.data.length - 1);
      const slope = (h: number): number =>
        (weighted(checked, seeds, input, place, h) - weighted(checked, seeds, input, place, -h)) / (2 * h);
      const [wide, narrow] = [slope(1e-4), slope(2e-5)];
      // a corner, or a pole close by: no derivative to compare with
      if (Math.abs(wide - narrow) > 1e-4 * (1 + Math.abs(narrow))) continue;
      const found = gradient?.[place] ?? 0;
      const tolerance = (leaf.dtype === 'f32' ? 1e-3 : 1e-5) * (1 + Math.abs(narrow) + sizeOf(base.shape) / 100);
      if (!(Math.abs(found - narrow) <= tolerance))
        return (
          `${checked.label}: gradient of input ${at} at element ${place} of ${shapeText(base.shape)}: got ${found}, ` +
          `expected ${narrow}`
        );
    }
  }
  return undefined;
}

/** Draws one call whose result is known. */
export const drawChecked = (draw: Draw): CheckedCase => draw.pick(draw.pick(families))(draw);

/** Runs it and compares values and gradients. @returns what is wrong, or undefined */
export async function check(draw: Draw, checked: CheckedCase): Promise<string | undefined> {
  const results = listOf(checked.run(...checked.inputs.map(({ view }) => view)));
  const want = plainList(checked.plain(...checked.inputs.map(({ base, look }) => look(base))));
  const wrong = await compare(results, want, checked.label);
  if (wrong !== undefined || checked.smooth === false) return wrong;
  return compareGradients(draw, checked, results);
}
