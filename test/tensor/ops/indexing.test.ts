import { describe, expect, it } from 'vitest';
import { gather, indexSelect, oneHot, ones, scatterAdd, sort, tensor, topK, unfold, zeros, type Tensor } from 'stmnet';
import { here } from '../../support/devices';
import { expectGradients, spreadArray } from '../../support/gradients';
import { opCase } from '../../support/ops/cases';
import { indexingOps } from '../../support/ops/indexing';

const indices = (values: readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(values as number[], { dtype: 'i32' });
/** Indices that only the device knows: they passed through an op. */
const computed = (values: readonly number[]): Tensor => indices(values).add(0);

for (const row of indexingOps) opCase(row);

describe('indexSelect, gather and scatterAdd', () => {
  it('take nothing', async () => {
    expect(indexSelect(ones([2, 3]), 1, indices([])).shape).toEqual([2, 0]);
    expect(gather(ones([2, 3]), 1, zeros([2, 0], { dtype: 'i32' })).shape).toEqual([2, 0]);
    expect(await scatterAdd(ones([2]), 0, zeros([0], { dtype: 'i32' }), ones([0])).data()).toEqual(
      Float32Array.of(1, 1),
    );
    expect((await indexSelect(ones([0, 3]), 1, indices([2])).data()).length).toBe(0);
  });

  it('leave what scatterAdd adds to as it was, and add in whole numbers', async () => {
    const x = tensor([1, 2], { dtype: 'i32' });
    expect(await scatterAdd(x, 0, indices([0, 0, 1]), tensor([10, 20, 30], { dtype: 'i32' })).data()).toEqual(
      Int32Array.of(31, 32),
    );
    expect(await x.data()).toEqual(Int32Array.of(1, 2));
  });

  it('refuse what does not fit', async () => {
    const x = ones([2, 3]);
    expect(() => indexSelect(x, 1, indices([3]))).toThrow(
      /indexSelect: got an index with the value 3, expected 0\.\.2 \(places along dim\)/,
    );
    expect(() => indexSelect(x, 1, indices([[0]]))).toThrow(/got indices i32\[1, 1\] on (cpu|cuda:0), expected 1 axes/);
    await expect(indexSelect(x, 1, computed([3])).data()).rejects.toThrow(/got index 3, expected 0\.\.2/);
    expect(() => gather(x, 1, indices([[0], [0], [0]]))).toThrow(
      `gather: got index i32[3, 1] on ${here} for f32[2, 3] on ${here}, expected equal extents except along dim 1`,
    );
    expect(() => gather(x, 1, indices([[0], [-1]]))).toThrow(/gather: .*the value -1/);
    expect(() => scatterAdd(x, 1, indices([[0], [0]]), ones([2, 2]))).toThrow(
      /scatterAdd: got index i32\[2, 1\] on (cpu|cuda:0) and source f32\[2, 2\] on (cpu|cuda:0), expected one shape/,
    );
    await expect(scatterAdd(x, 1, computed([5, 0]).reshape([2, 1]), ones([2, 1])).data()).rejects.toThrow(
      /got index 5/,
    );
  });
});

describe('oneHot', () => {
  it('has 1 at each index', async () => {
    expect(
      await oneHot(
        indices([
          [2, 0],
          [1, 1],
        ]),
        3,
      ).array(),
    ).toEqual([
      [
        [0, 0, 1],
        [1, 0, 0],
      ],
      [
        [0, 1, 0],
        [0, 1, 0],
      ],
    ]);
    expect(oneHot(zeros([0], { dtype: 'i32' }), 3).shape).toEqual([0, 3]);
    expect(await oneHot(tensor(1, { dtype: 'i32' }), 2).data()).toEqual(Float32Array.of(0, 1));
  });

  it('refuses other indices', async () => {
    expect(() => oneHot(indices([3]), 3)).toThrow(/oneHot: got an index with the value 3, expected 0\.\.2 \(classes\)/);
    await expect(oneHot(computed([-1]), 3).data()).rejects.toThrow(/oneHot.*got index -1, expected 0\.\.2/s);
    expect(() => oneHot(indices([0]), 0)).toThrow(/oneHot: got numClasses 0, expected 1 or more/);
    expect(() => oneHot(ones([1], { dtype: 'bool' }), 2)).toThrow(
      /oneHot: got indices bool\[1\] on (cpu|cuda:0), expected i32, or f32 or f64 that hold whole numbers/,
    );
  });
});

describe('sort and topK', () => {
  it('tell places, keep the order of equal elements, and take NaN for the largest', async () => {
    const x = tensor([
      [3, 1, 3, 2],
      [Number.NaN, 0, 5, 0],
    ]);
    const up = sort(x),
      down = sort(x, -1, { descending: true });
    expect(await up.indices.array()).toEqual([
      [1, 3, 0, 2],
      [1, 3, 2, 0],
    ]);
    expect(await down.indices.array()).toEqual([
      [0, 2, 3, 1],
      [0, 2, 1, 3],
    ]);
    expect(await topK(x, 1, -1, { largest: false }).values.array()).toEqual([[1], [0]]);
    expect(await topK(tensor([4, 9, 7], { dtype: 'i32' }), 2).values.data()).toEqual(Int32Array.of(9, 7));
    expect(await sort(x.transpose(0, 1), 0).indices.transpose(0, 1).array()).toEqual([
      [1, 3, 0, 2],
      [1, 3, 2, 0],
    ]);
  });

  it('refuse what is not there', () => {
    expect(() => topK(ones([3]), 4)).toThrow(/topK: got k 4, expected 0\.\.3, the extent of dim -1/);
    expect(() => sort(ones([3]), 1)).toThrow(/sort: got dim 1, expected -1\.\.0/);
    expect(() => sort(ones([3]), 0, { ascending: true } as object)).toThrow(/sort: .*ascending/s);
  });
});

describe('unfold', () => {
  it('refuses windows that do not fit', () => {
    expect(() => unfold(ones([2, 3]), 1, 4)).toThrow(
      `unfold: got size 4, stride 1, dilation 1 for dim 1 of f32[2, 3] on ${here}, ` +
        'expected positive numbers and a window of at most 3 steps',
    );
    expect(() => unfold(ones([2, 3]), 1, 2, { stride: 0 })).toThrow(/stride 0/);
    expect(() => unfold(ones([2, 3]), 1, 2, { step: 2 } as object)).toThrow(/unfold: .*step/s);
    expect(() => unfold(ones([1, 1, 1, 1, 1, 1]), 0, 1)).toThrow(/expected fewer than 6 axes/);
  });

  it('adds up the gradients of windows that overlap', async () => {
    await expectGradients((x) => unfold(x, 0, 3, { stride: 1, dilation: 2 }).square(), [spreadArray([9])]);
  });
});
