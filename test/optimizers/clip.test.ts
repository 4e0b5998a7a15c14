import { expect, test } from 'vitest';
import { clipGradNorm, clipGradValue, Linear, Parameter, setNumThreads, tensor, zeros, type HostArray } from 'stmnet';
import { spreadArray } from '../support/gradients';
import { differences } from '../support/near';

const withGradient = (gradient: HostArray, dtype: 'f32' | 'f64' = 'f64'): Parameter => {
  const parameter = new Parameter(zeros(gradient.shape, { dtype }));
  parameter.grad = tensor(gradient, { dtype });
  return parameter;
};

const gradientOf = async (parameter: Parameter): Promise<number[]> => Array.from((await parameter.grad?.data()) ?? []);

test.each([1, 2, 3, 0.5, Infinity])('the joint %s-norm of all gradients comes down to maxNorm', async (normType) => {
  const arrays = [spreadArray([5, 7], 1, 3), spreadArray([11], 2, 3), spreadArray([0], 3)];
  const all = arrays.flatMap(({ data }) => Array.from(data));
  const norm =
    normType === Infinity
      ? Math.max(...all.map(Math.abs))
      : all.reduce((sum, value) => sum + Math.abs(value) ** normType, 0) ** (1 / normType);
  const parameters = arrays.map((array) => withGradient(array));
  const returned = clipGradNorm(parameters, { maxNorm: 0.5, normType });
  expect(returned.shape).toEqual([]);
  expect(Math.abs((await returned.item()) / norm - 1)).toBeLessThan(1e-12);
  const clipped = (await Promise.all(parameters.map(gradientOf))).flat();
  expect(
    differences(
      clipped,
      all.map((value) => (value * 0.5) / (norm + 1e-6)),
      1e-12,
    ),
  ).toEqual([]);
});

test('gradients below maxNorm stay bit for bit', async () => {
  const array = spreadArray([9], 1, 0.01);
  const parameter = withGradient(array);
  clipGradNorm([parameter], { maxNorm: 1 });
  expect(await gradientOf(parameter)).toEqual(Array.from(array.data));
});

test('the norm of many f32 elements is as exact as in f64, whatever the number of threads', async () => {
  const array = spreadArray([300_007], 1, 1e-3);
  const rounded = Array.from(Float32Array.from(array.data));
  const exact = Math.sqrt(rounded.reduce((sum, value) => sum + value * value, 0));
  try {
    for (const threads of [1, 2, 3]) {
      setNumThreads(threads);
      expect(await clipGradNorm([withGradient(array, 'f32')], { maxNorm: 1e9 }).item()).toBe(Math.fround(exact));
    }
  } finally {
    setNumThreads(0);
  }
});

test('a NaN spreads to all gradients; an infinite element makes the others 0', async () => {
  const poisoned = [
    withGradient({ data: Float64Array.of(1, Number.NaN), shape: [2] }),
    withGradient({ data: Float64Array.of(1), shape: [1] }),
  ];
  expect(await clipGradNorm(poisoned, { maxNorm: 1 }).item()).toBeNaN();
  expect((await Promise.all(poisoned.map(gradientOf))).flat()).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  const infinite = withGradient({ data: Float64Array.of(1, -Infinity), shape: [2] });
  expect(await clipGradNorm([infinite], { maxNorm: 1, normType: Infinity }).item()).toBe(Infinity);
  expect(await gradientOf(infinite)).toEqual([0, Number.NaN]);
});

test('parameters without gradients are left out', async () => {
  expect(await clipGradNorm([new Parameter(zeros([3]))], { maxNorm: 1 }).item()).toBe(0);
  clipGradValue([new Parameter(zeros([3]))], { clipValue: 1 });
});

test('a gradient that is a view is replaced, and what it was a view of is not changed', async () => {
  const base = tensor(
    [
      [3, 4],
      [0, 0],
    ],
    { dtype: 'f64' },
  );
  const parameter = new Parameter(zeros([2, 2], { dtype: 'f64' }));
  parameter.grad = base.transpose(0, 1);
  clipGradNorm([parameter], { maxNorm: 1 });
  expect(differences(await gradientOf(parameter), [0.6, 0, 0.8, 0], 1e-6)).toEqual([]);
  expect(await base.data()).toEqual(Float64Array.of(3, 4, 0, 0));
});

test('clipGradValue limits each element and keeps NaN', async () => {
  const parameter = withGradient({ data: Float64Array.of(-5, -0.3, 0, 0.4, 5, Number.NaN, -Infinity), shape: [7] });
  clipGradValue([parameter], { clipValue: 0.4 });
  expect(await gradientOf(parameter)).toEqual([-0.4, -0.3, 0, 0.4, 0.4, Number.NaN, -0.4]);
});

test('mistakes', () => {
  expect(() => clipGradNorm([], { maxNorm: 1 })).toThrow(
    'clipGradNorm: got no parameters, expected at least one.\n  Fix: pass model.parameters().',
  );
  expect(() => clipGradNorm([new Parameter(zeros([1]))], { maxNorm: -1 })).toThrow('clipGradNorm: got maxNorm: -1');
  expect(() => clipGradNorm([new Parameter(zeros([1]))], { maxNorm: 1, normType: 0 })).toThrow(
    'clipGradNorm: got normType: 0, expected a number above 0, or Infinity.',
  );
  expect(() =>
    clipGradValue([new Parameter(zeros([1]))], { clipvalue: 1 } as unknown as { clipValue: number }),
  ).toThrow(/got an option clipvalue/);
});

test('what is no list of parameters', () => {
  const model = new Linear({ inFeatures: 1, outFeatures: 1 });
  expect(() => clipGradNorm(model as never, { maxNorm: 1 })).toThrow(
    /^clipGradNorm: got Linear.*, expected a list of parameters\.\n {2}Fix: pass model\.parameters\(\)\.$/s,
  );
  expect(() => clipGradValue(undefined as never, { clipValue: 1 })).toThrow(
    'clipGradValue: got undefined, expected a list of parameters.',
  );
  expect(() => clipGradNorm(model.weight as never, { maxNorm: 1 })).toThrow(
    'Fix: put it into a list, [parameter], or pass model.parameters().',
  );
  expect(() => clipGradNorm(model.namedParameters() as never, { maxNorm: 1 })).toThrow(
    /among the parameters, expected only parameters\.\n {2}Fix: pass model\.parameters\(\), not namedParameters\(\)\./,
  );
});
