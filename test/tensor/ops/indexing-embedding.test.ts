import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  ctcLoss,
  embedding,
  numThreads,
  oneHot,
  ones,
  PaddedSequence,
  randint,
  setNumThreads,
  sum,
  synchronize,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../../support/devices';
import { spreadArray } from '../../support/gradients';

const indices = (values: readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(values as number[], { dtype: 'i32' });
/** Indices that only the device knows: they passed through an op. */
const computed = (values: readonly number[]): Tensor => indices(values).add(0);

describe('embedding', () => {
  it('gives the padding row no gradient, and adds up rows used twice', async () => {
    const weight = ones([4, 2], { requiresGrad: true });
    sum(
      embedding(
        indices([
          [1, 0, 1],
          [3, 0, 1],
        ]),
        weight,
        { paddingIdx: 0 },
      ),
    ).backward();
    expect(await weight.grad?.array()).toEqual([
      [0, 0],
      [3, 3],
      [0, 0],
      [1, 1],
    ]);
    const other = ones([4, 2], { requiresGrad: true });
    sum(embedding(indices([3, 1]), other, { paddingIdx: -1 })).backward();
    expect(await other.grad?.array()).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  it('has the same gradient, bit for bit, with any number of threads', async () => {
    const before = numThreads();
    const places = randint(0, 50, [5000]),
      upstream = tensor(spreadArray([5000, 40], 2), { dtype: 'f32' });
    const gradient = async (): Promise<unknown> => {
      const weight = ones([50, 40], { requiresGrad: true });
      embedding(places, weight).backward({ gradient: upstream });
      return weight.grad?.data();
    };
    const expected = await gradient();
    try {
      for (const count of [1, 2, 3]) {
        await synchronize();
        setNumThreads(count);
        expect(await gradient()).toEqual(expected);
      }
    } finally {
      setNumThreads(before);
    }
  });

  it('refuses indices outside the table: at the call, or at the read where only the device knows them', async () => {
    const weight = ones([3, 2]);
    expect(() => embedding(indices([0, 3]), weight)).toThrow(
      /embedding: got an index with the value 3, expected 0\.\.2 \(rows of the table\)/,
    );
    expect(() => embedding(indices([-1]), weight)).toThrow(/the value -1/);
    await expect(embedding(computed([0, 3]), weight).data()).rejects.toThrow(
      /embedding.*got index 3, expected 0\.\.2/s,
    );
    expect(await embedding(indices([2]), weight).data()).toEqual(Float32Array.of(1, 1));
    expect(() => embedding(ones([2], { dtype: 'bool' }), weight)).toThrow(
      /embedding: got indices bool\[2\] on (cpu|cuda:0), expected i32, or f32 or f64 that hold whole numbers/,
    );
    expect(() => embedding(indices([0]), ones([3]))).toThrow(/got weight f32\[3\] on (cpu|cuda:0), expected 2 axes/);
    expect(() => embedding(indices([0]), weight, { paddingIdx: 3 })).toThrow(/got paddingIdx 3, expected -3\.\.2/);
    expect(() => embedding(indices([0]), weight, { paddingIdxs: 1 } as object)).toThrow(
      /got an option paddingIdxs, expected only paddingIdx.\n  Fix: write paddingIdx/,
    );
  });
});

describeDevices('indices in f32 and f64', () => {
  const whole = async (dtype: 'f32' | 'f64', value: number): Promise<unknown> =>
    oneHot(tensor([value], { dtype }).mul(1), 4).data();
  it.each(['f32', 'f64'] as const)('of %s stand for whole numbers, and for nothing else', async (dtype) => {
    const weight = tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { requiresGrad: true },
    );
    const found = embedding(
      tensor(
        [
          [2, 0],
          [2, 2],
        ],
        { dtype },
      ),
      weight,
    );
    expect(await found.array()).toEqual([
      [
        [5, 6],
        [1, 2],
      ],
      [
        [5, 6],
        [5, 6],
      ],
    ]);
    found.sum().backward();
    expect(await weight.grad?.array()).toEqual([
      [1, 1],
      [0, 0],
      [3, 3],
    ]);
    expect(await whole(dtype, 3)).toEqual(Float32Array.of(0, 0, 0, 1));
    const most = dtype === 'f32' ? 16777216 : 2147483647;
    for (const wrong of [0.5, NaN, Infinity, -Infinity, 2 ** 40]) {
      await expect(whole(dtype, wrong)).rejects.toThrow(
        /^oneHot: got .* as element 0, expected whole numbers of at most/,
      );
      await expect(whole(dtype, wrong)).rejects.toThrow(
        `expected whole numbers of at most ${most}.\n` +
          "  Fix: correct the number; give larger ones in an Int32Array, or ask for dtype 'i32'.",
      );
    }
    await expect(whole(dtype, 4)).rejects.toThrow(/got index 4, expected 0\.\.3/);
    expect(() => embedding(tensor([0, 3], { dtype: 'f32' }), weight)).toThrow(/the value 3, expected 0\.\.2/);
  });
  it('f32 is refused above 2^24, where it cannot tell whole numbers apart', async () => {
    await expect(oneHot(tensor([2 ** 24 + 2]), 4).data()).rejects.toThrow(
      'got 16777218 as element 0, expected whole numbers of at most 16777216',
    );
    await expect(crossEntropy(ones([2, 3]), tensor([0, 0.5])).item()).rejects.toThrow(
      /crossEntropy.*got 0\.5 as element 1/s,
    );
    await expect(ctcLoss(zeros([4, 1, 3]), tensor([[1.5]])).item()).rejects.toThrow(/ctcLoss.*got 1\.5 as element 0/s);
  });
  it('are checked where they are real', async () => {
    const labels = new PaddedSequence(
      tensor([
        [1, 0.5],
        [NaN, -7],
      ]),
      [1, 0],
    );
    expect(await crossEntropy(new PaddedSequence(zeros([2, 2, 4]), [1, 0]), labels).item()).toBeCloseTo(Math.log(4));
  });
});

describe('indices of views', () => {
  it('are those that the view shows', async () => {
    const weight = tensor([[0], [10], [20], [30]]);
    expect(
      await embedding(
        indices([
          [9, 1],
          [9, 3],
        ]).select(1, 1),
        weight,
      ).array(),
    ).toEqual([[10], [30]]);
    expect(
      await embedding(
        indices([
          [0, 1],
          [2, 3],
        ]).transpose(0, 1),
        weight,
      ).array(),
    ).toEqual([
      [[0], [20]],
      [[10], [30]],
    ]);
    await expect(
      embedding(
        indices([
          [9, 1],
          [9, 3],
        ]).select(1, 0),
        weight,
      ).data(),
    ).rejects.toThrow(/got index 9/);
  });
});
