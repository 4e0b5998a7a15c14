import { describe, expect, it } from 'vitest';
import {
  all,
  any,
  argmax,
  argmin,
  cumsum,
  full,
  isFinite,
  logSumExp,
  max,
  mean,
  min,
  norm,
  numThreads,
  ones,
  prod,
  setNumThreads,
  sum,
  synchronize,
  tensor,
  variance,
  zeros,
} from 'stmnet';
import { expectGradients, spreadArray } from '../../support/gradients';
import { expectClose, generate, opCase } from '../../support/ops/cases';
import { reduced, reduceOps, total } from '../../support/ops/reduce';

for (const row of reduceOps) opCase(row);

describe('sums of many elements', () => {
  const shape = [700, 70];
  const x = generate(shape, ([i = 0, j = 0]) => 1000 + Math.fround(Math.sin(i * 70 + j)));

  it('keep the digits of f32', async () => {
    const narrow = tensor({ data: Float32Array.from(x.data), shape });
    const exact = { data: Float64Array.from(Float32Array.from(x.data)), shape };
    for (const dim of [undefined, 0, 1]) await expectClose(sum(narrow, dim), reduced(exact, dim, false, total), 1e-7);
    await expectClose(sum(narrow.transpose(0, 1), 0), reduced(exact, 1, false, total), 1e-7);
    await expectClose(cumsum(narrow, 0).select(0, -1), reduced(exact, 0, false, total), 1e-7);
  });

  it('are the same bits with any number of threads', async () => {
    const before = numThreads();
    const wide = tensor(spreadArray([3000, 48], 3), { dtype: 'f32' });
    const results = await Promise.all([undefined, 0, 1].map((dim) => sum(wide, dim).data()));
    try {
      for (const count of [1, 2, 3]) {
        await synchronize();
        setNumThreads(count);
        expect(await Promise.all([undefined, 0, 1].map((dim) => sum(wide, dim).data()))).toEqual(results);
        await synchronize();
      }
    } finally {
      setNumThreads(before);
    }
  });

  it('of i32 that do not fit are an error at the next read, not a wrapped number', async () => {
    const large = full([3], 2 ** 30, { dtype: 'i32' });
    await expect(sum(large).data()).rejects.toThrow(/sum.*outside -2\^31\.\.2\^31-1/s);
    await expect(prod(large).data()).rejects.toThrow(/prod.*outside/s);
    await expect(cumsum(large, 0).data()).rejects.toThrow(/cumsum.*outside/s);
    expect(await prod(tensor([2 ** 20, 2 ** 20, 2 ** 30, 0], { dtype: 'i32' })).item()).toBe(0);
    expect(
      await sum(large.slice([1]))
        .item()
        .catch(() => 'outside'),
    ).toBe('outside');
    expect(
      await sum(
        tensor(
          [
            [1, 2],
            [3, 4],
          ],
          { dtype: 'i32' },
        ),
        0,
      ).data(),
    ).toEqual(Int32Array.of(4, 6));
  });
});

describe('max and min', () => {
  it('share the gradient evenly among equal elements', async () => {
    const x = tensor(
      [
        [1, 3, 3],
        [2, 2, 2],
      ],
      { requiresGrad: true },
    );
    max(x, 1).sum().backward();
    expect(await x.grad?.array()).toEqual([
      [0, 0.5, 0.5],
      [Math.fround(1 / 3), Math.fround(1 / 3), Math.fround(1 / 3)],
    ]);
  });

  it('pass NaN on, and take infinities and whole numbers', async () => {
    expect(await max(tensor([1, Number.NaN, 2])).item()).toBeNaN();
    expect(await min(tensor(Array.from({ length: 100 }, (_, i) => (i === 37 ? Number.NaN : i)))).item()).toBeNaN();
    expect(await max(tensor([-Infinity, -Infinity])).item()).toBe(-Infinity);
    expect(
      await min(
        tensor(
          [
            [3, 1],
            [2, 4],
          ],
          { dtype: 'i32' },
        ),
        1,
      ).data(),
    ).toEqual(Int32Array.of(1, 2));
  });

  it('refuse nothing to choose from', () => {
    expect(() => max(zeros([0]))).toThrow(
      /max: got f32\[0\] on (cpu|cuda:0), expected at least one element to choose from/,
    );
    expect(() => min(zeros([2, 0]), 1)).toThrow(/min: got/);
    expect(max(zeros([0, 2]), 1).shape).toEqual([0]);
  });
});

describe('argmax and argmin', () => {
  it('give the first of several, along an axis or in row-major order', async () => {
    const x = tensor([
      [1, 5, 5],
      [7, 0, 0],
    ]);
    expect(await argmax(x, 1).data()).toEqual(Int32Array.of(1, 0));
    expect(await argmin(x, -1).data()).toEqual(Int32Array.of(0, 1));
    expect(await argmax(x, 0).data()).toEqual(Int32Array.of(1, 0, 0));
    expect(await argmax(x).item()).toBe(3);
    expect(await argmin(x.transpose(0, 1)).item()).toBe(3);
    expect(argmax(x, 1, { keepDim: true }).shape).toEqual([2, 1]);
    expect(argmax(x, undefined, { keepDim: true }).shape).toEqual([1, 1]);
    expect(await argmax(tensor(4)).item()).toBe(0);
  });

  it('take NaN for the extreme', async () => {
    expect(await argmax(tensor([1, Number.NaN, 9, Number.NaN])).item()).toBe(1);
    expect(await argmin(tensor([1, Number.NaN, 0])).item()).toBe(1);
  });

  it('refuse nothing to choose from', () => {
    expect(() => argmax(zeros([0]))).toThrow(/argmax: got f32\[0\] on (cpu|cuda:0), expected at least one element/);
    expect(() => argmin(zeros([2, 2]), 2)).toThrow(/argmin: got dim 2, expected -2\.\.1/);
  });
});

describe('any and all', () => {
  it('read bools and numbers', async () => {
    const x = tensor([
      [true, false],
      [false, false],
      [true, true],
    ]);
    expect(await any(x, 1).array()).toEqual([true, false, true]);
    expect(await all(x, 1).array()).toEqual([false, false, true]);
    expect(await all(tensor([1, -2, 0.5])).array()).toBe(true);
    expect(await any(zeros([3, 2], { dtype: 'i32' }), 0, { keepDim: true }).array()).toEqual([[false, false]]);
  });

  it('of nothing are false and true', async () => {
    expect(await any(zeros([2, 0]), 1).array()).toEqual([false, false]);
    expect(await all(zeros([2, 0]), 1).array()).toEqual([true, true]);
  });
});

describe('prod', () => {
  it('has a gradient where elements are 0', async () => {
    const x = tensor(
      [
        [2, 0, 3],
        [0, 0, 5],
        [2, 3, 4],
      ],
      { requiresGrad: true },
    );
    prod(x, 1).sum().backward();
    expect(await x.grad?.array()).toEqual([
      [0, 6, 0],
      [0, 0, 0],
      [12, 8, 6],
    ]);
  });
});

describe('logSumExp', () => {
  it('neither overflows nor loses -Infinity', async () => {
    await expectClose(
      logSumExp(
        tensor(
          [
            [1000, 1000],
            [-1000, -1001],
          ],
          { dtype: 'f64' },
        ),
        1,
      ),
      { data: Float64Array.of(1000 + Math.log(2), -1000 + Math.log1p(Math.exp(-1))), shape: [2] },
      1e-14,
    );
    expect(await logSumExp(tensor([-Infinity, -Infinity])).item()).toBe(-Infinity);
    expect(await logSumExp(tensor([Infinity, 0])).item()).toBe(Infinity);
  });
});

describe('norm', () => {
  it('takes other powers', async () => {
    const x = tensor(
      [
        [3, -4],
        [0, 2],
      ],
      { dtype: 'f64' },
    );
    await expectClose(norm(x, 1, { p: 1 }), { data: Float64Array.of(7, 2), shape: [2] }, 1e-14);
    await expectClose(norm(x, 1, { p: Infinity }), { data: Float64Array.of(4, 2), shape: [2] }, 1e-14);
    await expectClose(norm(x, 1, { p: 3 }), { data: Float64Array.of(91 ** (1 / 3), 2), shape: [2] }, 1e-14);
    await expectGradients((y) => norm(y, 0, { p: 3 }), [spreadArray([4, 3])]);
    await expectGradients((y) => norm(y, 1, { p: Infinity }), [spreadArray([4, 3])]);
  });

  it('has gradient 0 at zeros', async () => {
    const x = tensor(
      [
        [0, 0],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    norm(x, 1).sum().backward();
    expect(
      await isFinite(x.grad ?? x)
        .all()
        .array(),
    ).toBe(true);
    expect(await x.grad?.data()).toEqual(Float32Array.of(0, 0, Math.fround(0.6), Math.fround(0.8)));
  });

  it('refuses p that is no norm', () => {
    expect(() => norm(ones([2]), 0, { p: 0 })).toThrow(/norm: got p 0, expected a number above 0, or Infinity/);
    expect(() => norm(ones([2]), 0, { P: 1 } as object)).toThrow(
      /norm: got an option P, expected only keepDim, p.\n  Fix: write p/,
    );
  });
});

describe('variance', () => {
  it('takes a correction, and keeps its digits far from zero', async () => {
    await expectClose(
      variance(tensor([1, 2, 4]), undefined, { correction: 0 }),
      { data: Float64Array.of(14 / 9), shape: [] },
      1e-6,
    );
    await expectClose(variance(tensor([[10000, 10001, 10002]]), 1), { data: Float64Array.of(1), shape: [1] }, 1e-6);
    expect(() => variance(tensor([1]))).toThrow(
      /variance: got 1 elements and correction 1, expected more elements than the correction/,
    );
  });
});

describe('mistakes', () => {
  it('name the op, what was given and what was expected', () => {
    const x = ones([2, 3]);
    expect(() => sum(x, 2)).toThrow(/sum: got dim 2, expected -2\.\.1 for a tensor of rank 2/);
    expect(() => sum(x, [0, -2])).toThrow(/sum: got dim -2 twice, expected each axis once/);
    expect(() => sum(x, 0, { keepdim: true } as object)).toThrow(
      /sum: got an option keepdim, expected only keepDim.\n  Fix: write keepDim/,
    );
    expect(() => sum(tensor([true]))).toThrow(/sum: got bool\[1\] on (cpu|cuda:0), expected numbers/);
    expect(() => mean(zeros([0]))).toThrow(
      /mean: got f32\[0\] on (cpu|cuda:0), expected at least one element to average/,
    );
    expect(() => mean(zeros([2], { dtype: 'i32' }))).toThrow(
      /mean: got x i32\[2\] on (cpu|cuda:0), expected f32 or f64/,
    );
    expect(() => variance(x, 3)).toThrow(/variance: got dim 3/);
    expect(() => cumsum(x, 5)).toThrow(/cumsum: got dim 5/);
  });
});
