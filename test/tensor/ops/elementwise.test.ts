import { expect, test } from 'vitest';
import * as stm from 'stmnet';
import { opCase } from '../../support/ops/cases';
import { elementwiseOps } from '../../support/ops/elementwise';

for (const row of elementwiseOps) opCase(row);

test('values that overflow a naive formula do not', async () => {
  const x = stm.tensor([-200, 200, 0]);
  expect(await x.sigmoid().data()).toEqual(Float32Array.of(0, 1, 0.5));
  expect(await x.softplus().data()).toEqual(Float32Array.of(0, 200, Math.LN2));
});

test('NaN is kept by relu, maximum and minimum', async () => {
  const x = stm.tensor([Number.NaN, 1]);
  for (const y of [x.relu(), x.maximum(0), x.minimum(2), stm.tensor([0, 0]).maximum(x)])
    expect(Number.isNaN((await y.data())[0])).toBe(true);
});

test('ties: maximum shares its gradient, a bound lets it pass', async () => {
  const a = stm.tensor([1, 2], { requiresGrad: true }),
    b = stm.tensor([1, 1], { requiresGrad: true });
  a.maximum(b).sum().backward();
  expect(await a.grad?.data()).toEqual(Float32Array.of(0.5, 1));
  expect(await b.grad?.data()).toEqual(Float32Array.of(0.5, 0));
  const c = stm.tensor([0, 1], { requiresGrad: true });
  c.clamp({ min: 0, max: 1 }).sum().backward();
  expect(await c.grad?.data()).toEqual(Float32Array.of(1, 1));
});

test('powers have their gradients at 0', async () => {
  const x = stm.tensor([0, 2], { requiresGrad: true });
  x.pow(2).add(x.pow(1)).add(x.pow(0)).sum().backward();
  expect(await x.grad?.data()).toEqual(Float32Array.of(1, 5));
  const base = stm.tensor([0, 0], { requiresGrad: true }),
    exponent = stm.tensor([2, 0], { requiresGrad: true });
  base.pow(exponent).sum().backward();
  expect(await base.grad?.data()).toEqual(Float32Array.of(0, 0));
  expect(await exponent.grad?.data()).toEqual(Float32Array.of(0, 0));
});

test('comparisons and logic give bool', async () => {
  const a = stm.tensor([1, 2, 3]);
  expect(await a.eq(2).array()).toEqual([false, true, false]);
  expect(await a.ne(stm.tensor([1])).array()).toEqual([false, true, true]);
  expect(await a.lt(2).logicalOr(a.gt(2)).array()).toEqual([true, false, true]);
  expect(await a.le(2).logicalAnd(a.ge(2)).array()).toEqual([false, true, false]);
  expect(await a.eq(2).logicalNot().array()).toEqual([true, false, true]);
  const odd = stm.tensor([Number.NaN, Number.POSITIVE_INFINITY, 0]);
  expect(await odd.isNaN().array()).toEqual([true, false, false]);
  expect(await odd.isFinite().array()).toEqual([false, false, true]);
});

test('casts cut, and bool is what is not 0', async () => {
  const x = stm.tensor([-1.7, 0, 2.9]);
  expect(await x.cast('i32').data()).toEqual(Int32Array.of(-1, 0, 2));
  expect(await x.cast('bool').array()).toEqual([true, false, true]);
  const w = stm.tensor([1.5], { requiresGrad: true });
  w.cast('f64').mul(2).sum().backward();
  expect(await w.grad?.data()).toEqual(Float32Array.of(2));
});

test('integers compute in integers', async () => {
  const x = stm.tensor([1, 2, 3], { dtype: 'i32' });
  expect(await x.mul(x).add(1).data()).toEqual(Int32Array.of(2, 5, 10));
  expect(() => x.add(0.5)).toThrowError(
    expect.objectContaining({
      name: 'OptionError',
      message: expect.stringMatching(/got 0.5 with i32\[3\] on (cpu|cuda:0), expected an integer/),
    }),
  );
  for (const divisor of [2, x])
    expect(() => x.div(divisor)).toThrowError(
      expect.objectContaining({
        name: 'DTypeError',
        message: expect.stringMatching(/div: got i32\[3\] on (cpu|cuda:0), expected f32 or f64/),
      }),
    );
  expect(() => x.tanh()).toThrowError(
    expect.objectContaining({ name: 'DTypeError', message: expect.stringMatching(/tanh: got x i32\[3\]/) }),
  );
});

test('in-place ops change the tensor and return it', async () => {
  const x = stm.tensor([1, 2]);
  expect(
    x
      .add_(1)
      .sub_(stm.tensor([1]))
      .mul_(3)
      .div_(stm.tensor([1, 2])),
  ).toBe(x);
  expect(await x.data()).toEqual(Float32Array.of(3, 3));
  expect(
    await x
      .mul_(stm.tensor([2, 3]))
      .add_(x)
      .sub_(1)
      .div_(2)
      .data(),
  ).toEqual(Float32Array.of(5.5, 8.5));
  expect(await x.fill_(4).data()).toEqual(Float32Array.of(4, 4));
  expect(await x.copy_(stm.tensor([7])).data()).toEqual(Float32Array.of(7, 7));
  expect(await x.zero_().data()).toEqual(Float32Array.of(0, 0));
});

test('shapes and dtypes that do not fit are named', () => {
  const x = stm.tensor([1, 2, 3]),
    mistake = (name: string, message: RegExp) =>
      expect.objectContaining({ name, message: expect.stringMatching(message) });
  expect(() => x.add(stm.tensor([1, 2]))).toThrowError(
    mistake(
      'ShapeError',
      /add: got f32\[3\] on (cpu|cuda:0) and f32\[2\] on (cpu|cuda:0), expected extents that are equal or 1/,
    ),
  );
  expect(() => x.add(stm.tensor([1], { dtype: 'f64' }))).toThrowError(
    mistake('DTypeError', /got f32\[3\] on (cpu|cuda:0) and f64\[1\] on (cpu|cuda:0), expected one dtype/),
  );
  expect(() => x.add_(stm.zeros([2, 3]))).toThrowError(
    mistake('ShapeError', /add_: got f32\[2, 3\] on (cpu|cuda:0) into f32\[3\]/),
  );
  expect(() => x.expand([2, 3]).add_(1)).toThrowError(mistake('ShapeError', /elements share memory/));
  expect(() => stm.where(x, 1, 2)).toThrowError(mistake('DTypeError', /where: got condition f32\[3\]/));
  expect(() => x.clamp({})).toThrowError(mistake('OptionError', /one bound or both/));
});
