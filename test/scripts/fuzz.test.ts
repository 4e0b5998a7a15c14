import { describe, expect, it } from 'vitest';
import { scope, type Tensor } from 'stmnet';
import { check } from '../../scripts/fuzz/checked/check';
import type { CheckedCase } from '../../scripts/fuzz/checked/case';
import { known } from '../../scripts/fuzz/inputs';
import { build, elementwise, get, product, reduce, type Plain } from '../../scripts/fuzz/plain';
import { Draw } from '../../scripts/fuzz/random';
import { partsOf, readOpTable } from '../../scripts/fuzz/raw-calls';

const square = (x: Plain): Plain => elementwise((value) => value * value, x);

/** What `check` says of a function that is taken for the square: of a fresh input that wants a gradient. */
async function squaredBy(run: (x: Tensor) => Tensor, plain = square): Promise<string | undefined> {
  const draw = new Draw(5);
  let input = known(draw, [3, 4], { dtype: 'f64', low: 1, high: 2 });
  while (!input.leaf.requiresGrad) input = known(draw, [3, 4], { dtype: 'f64', low: 1, high: 2 });
  const checked: CheckedCase = { label: 'square', inputs: [input], run, plain };
  return check(draw, checked);
}

describe('the comparison with the plain evaluation', () => {
  it('says nothing of a right result', async () => {
    expect(await squaredBy((x) => x.square())).toBeUndefined();
  });

  it('finds a wrong value', async () => {
    expect(await squaredBy((x) => x.square().add(1e-6))).toMatch(/^square, result 0: got .* expected /);
  });

  it('finds a wrong shape', async () => {
    expect(await squaredBy((x) => x.square().transpose(0, 1))).toBe('square: got shape [4, 3], expected [3, 4]');
  });

  it('finds a wrong gradient of right values', async () => {
    const halved = (x: Tensor): Tensor => x.square().mul(0.5).add(x.detach().square().mul(0.5));
    expect(await squaredBy(halved)).toMatch(/^square: gradient of input 0 at element \d+ of .*: got .*, expected /);
  });

  it('finds a missing result', async () => {
    const twice: CheckedCase = {
      label: 'two',
      inputs: [],
      run: () => [scope(() => [] as Tensor[])].flat(),
      plain: () => [{ shape: [], data: Float64Array.of(1) }],
    };
    expect(await check(new Draw(1), twice)).toBe('two: got 0 results, expected 1');
  });
});

describe('the plain evaluation', () => {
  const x = build([2, 3], ([row, column]) => 10 * row! + column!);

  it('multiplies stacks of matrices', () => {
    const y = product(
      x,
      build([2, 3, 1], ([stack, row]) => stack! + row!),
    );
    expect([y.shape, [...y.data]]).toEqual([
      [2, 2, 1],
      [5, 35, 8, 68],
    ]);
  });

  it('reduces over axes counted from either end', () => {
    const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
    expect([...reduce(x, [-1], false, total).data]).toEqual([3, 33]);
    expect(reduce(x, [0], true, total)).toEqual({ shape: [1, 3], data: Float64Array.of(10, 12, 14) });
    expect(get(x, [1, 2])).toBe(12);
  });
});

describe('the op table of the raw calls', () => {
  it('is read with all parameters', () => {
    const ops = new Map(readOpTable('.').map((op) => [op.name, op]));
    expect(ops.get('matmul')).toEqual({ name: 'matmul', parameters: ['TensorId', 'TensorId'], makesTensor: true });
    expect(ops.get('softmax')?.parameters).toEqual(['TensorId', 'number', 'TensorId | undefined']);
    expect(ops.has('shutDown')).toBe(false);
    expect(ops.size).toBeGreaterThan(100);
  });

  it('splits parameter lists at the outer commas', () => {
    expect(partsOf('f: (a: x, b: y) => [p, q], n: Record<string, number>')).toEqual([
      'f: (a: x, b: y) => [p, q]',
      'n: Record<string, number>',
    ]);
  });
});
