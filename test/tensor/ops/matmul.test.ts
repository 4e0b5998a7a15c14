import { describe, expect, it } from 'vitest';
import { linear, matmul, ones, randn, tensor, zeros, type HostArray } from 'stmnet';
import { here } from '../../support/devices';
import { at, expectClose, generate, opCase } from '../../support/ops/cases';
import { matmulOps, product } from '../../support/ops/matmul';

for (const row of matmulOps) opCase(row);

describe('matmul', () => {
  const host = (shape: readonly number[], step: number): HostArray =>
    generate(shape, (place) => Math.sin(step * place.reduce((sum, index, axis) => sum + index * (axis + 1.7), 1)));

  it('keeps its digits where products are shared out over threads', async () => {
    const a = host([130, 257], 0.37),
      b = host([257, 140], 0.91);
    const expected = product(a, b);
    await expectClose(matmul(tensor(a, { dtype: 'f64' }), tensor(b, { dtype: 'f64' })), expected, 1e-12);
    await expectClose(matmul(tensor(a, { dtype: 'f32' }), tensor(b, { dtype: 'f32' })), expected, 1e-5);
  });

  it('reads transposed, flipped and stretched operands as they are meant', async () => {
    const a = host([6, 7], 0.3),
      b = host([9, 7], 0.7);
    const expected = product(
      a,
      generate([7, 9], ([i = 0, j = 0]) => at(b, [j, i])),
    );
    const [x, w] = [tensor(a, { dtype: 'f64' }), tensor(b, { dtype: 'f64' })];
    await expectClose(matmul(x, w.transpose(0, 1)), expected, 1e-12);
    await expectClose(matmul(x.flip([1]), w.flip([1]).transpose(0, 1)), expected, 1e-12);
    await expectClose(
      matmul(tensor([[1], [2]]).expand([2, 3]), tensor([[1, 2]]).expand([3, 2])),
      { data: Float32Array.of(3, 6, 6, 12), shape: [2, 2] },
      0,
    );
    await expectClose(
      matmul(x.unsqueeze(0).expand([3, 6, 7]).flip([0]), w.transpose(0, 1).unsqueeze(0).expand([3, 7, 9])).select(0, 2),
      expected,
      1e-12,
    );
  });

  it('is as good for a stack of a few large products as for one', async () => {
    const a = host([3, 70, 90], 0.21),
      b = host([3, 90, 80], 0.57);
    await expectClose(matmul(tensor(a, { dtype: 'f64' }), tensor(b, { dtype: 'f64' })), product(a, b), 1e-12);
    await expectClose(
      matmul(tensor(a, { dtype: 'f64' }).flip([0]), tensor(b, { dtype: 'f64' }).flip([0])).flip([0]),
      product(a, b),
      1e-12,
    );
  });

  it('gives gradients for an upstream gradient that is a stretched view', async () => {
    const a = ones([2, 3], { requiresGrad: true }),
      b = ones([3, 4], { requiresGrad: true });
    matmul(a, b).sum().backward();
    expect(await a.grad?.array()).toEqual([
      [4, 4, 4],
      [4, 4, 4],
    ]);
    expect(await b.grad?.array()).toEqual(Array.from({ length: 3 }, () => [2, 2, 2, 2]));
  });

  it('is a method as well', async () =>
    expect(
      await tensor([[1, 2]])
        .matmul(tensor([[3], [4]]))
        .item(),
    ).toBe(11));

  it('refuses what does not fit', () => {
    expect(() => matmul(ones([2, 3]), ones([4, 5]))).toThrow(
      `matmul: got f32[2, 3] on ${here} and f32[4, 5] on ${here}, ` +
        'expected the last axis of a (3) to be as long as the last but one axis of b (4)',
    );
    expect(() => matmul(ones([2, 3]), ones([4]))).toThrow(/the only axis of b \(4\)/);
    expect(() => matmul(ones([2, 2, 3]), ones([3, 3, 4]))).toThrow(/expected leading axes that are equal or 1/);
    expect(() => matmul(tensor(2), ones([2]))).toThrow(/expected at least one axis each/);
    expect(() => matmul(ones([2, 2]), ones([2, 2], { dtype: 'f64' }))).toThrow(/expected one dtype/);
    expect(() => matmul(zeros([2, 2], { dtype: 'i32' }), zeros([2, 2], { dtype: 'i32' }))).toThrow(
      /got a i32\[2, 2\] on (cpu|cuda:0), expected f32 or f64/,
    );
  });
});

describe('linear', () => {
  it('is matmul and add, also for many rows in f32', async () => {
    const x = randn([40, 9, 33]),
      weight = randn([21, 33]),
      bias = randn([21]);
    const two = x.matmul(weight.transpose(0, 1)).add(bias);
    await expectClose(linear(x, weight, bias), { data: await two.data(), shape: two.shape }, 1e-5);
  });

  it('takes a transposed view of a sequence without confusing its steps', async () => {
    const x = randn([3, 4, 5], { dtype: 'f64' }),
      weight = randn([2, 5], { dtype: 'f64' });
    const turned = linear(x, weight).transpose(0, 1);
    await expectClose(linear(x.transpose(0, 1), weight), { data: await turned.data(), shape: [4, 3, 2] }, 1e-14);
  });

  it('refuses what does not fit', () => {
    expect(() => linear(ones([2, 3]), ones([5, 4]))).toThrow(
      `linear: got x f32[2, 3] on ${here} and weight f32[5, 4] on ${here}, expected the last axis of x to be 4`,
    );
    expect(() => linear(ones([2, 4]), ones([5, 4]), ones([4]))).toThrow(
      /linear: got bias f32\[4\] on (cpu|cuda:0), expected shape \[5\]/,
    );
    expect(() => linear(ones([2, 4]), ones([4]))).toThrow(/got weight f32\[4\] on (cpu|cuda:0), expected 2 axes/);
    expect(() => linear(ones([2, 4]), ones([5, 4], { dtype: 'f64' }))).toThrow(/expected one dtype/);
  });
});
