import { expect, it } from 'vitest';
import {
  BatchNorm1d,
  crossEntropy,
  ctcLoss,
  div,
  klDivergence,
  mean,
  MeanPool,
  mseLoss,
  noGrad,
  ones,
  PaddedSequence,
  rdiv,
  softmax,
  std,
  tensor,
  variance,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../../support/devices';

const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
/** Numbers as a dtype holds them. */
const held = (dtype: Floating, values: readonly number[]): Float32Array | Float64Array =>
  dtype === 'f32' ? Float32Array.from(values) : Float64Array.from(values);
const dtypes = ['f32', 'f64'] as const;
type Floating = (typeof dtypes)[number];

/** The quotient that a dtype holds: a number is of the tensor's dtype before it divides. */
const quotient = (dtype: Floating, x: number, n: number): number =>
  dtype === 'f64' ? x / n : Math.fround(Math.fround(x) / Math.fround(n));

describeDevices('division by a number is the quotient, rounded once', () => {
  it.each(dtypes)('of whole numbers and fractions in %s, also reversed and in place', async (dtype) => {
    const x = tensor(numbers, { dtype });
    for (const n of [...numbers, 0.1, 0.3, 1e-3, 49.7, -7, 1e30]) {
      const expected = held(
        dtype,
        numbers.map((value) => quotient(dtype, value, n)),
      );
      expect(await x.div(n).data()).toEqual(expected);
      expect(await noGrad(() => x.clone().div_(n)).data()).toEqual(expected);
      expect(await div(x, tensor([n], { dtype })).data()).toEqual(expected);
      expect(await rdiv(x, n).data()).toEqual(
        held(
          dtype,
          numbers.map((value) => quotient(dtype, n, value)),
        ),
      );
    }
  });

  it('where the reciprocal would vanish or be cut', async () => {
    expect(await tensor([1e308, 0], { dtype: 'f64' }).div(1e308).data()).toEqual(Float64Array.of(1, 0));
    expect(await tensor([1, -1, 0]).div(0).data()).toEqual(Float32Array.of(Infinity, -Infinity, NaN));
    expect(await tensor([41, 49]).div(41).floor().data()).toEqual(Float32Array.of(1, 1));
  });

  it.each(dtypes)('in gradients of div and mean in %s', async (dtype) => {
    for (const n of [3, 41, 49, 0.1]) {
      const x = ones([2], { dtype, requiresGrad: true });
      x.div(n).backward({ gradient: tensor([1, 7], { dtype }) });
      expect(await x.grad?.data()).toEqual(held(dtype, [quotient(dtype, 1, n), quotient(dtype, 7, n)]));
    }
    for (const n of [3, 41, 49]) {
      const x = ones([n], { dtype, requiresGrad: true });
      mean(x).backward();
      expect(await x.grad?.data()).toEqual(held(dtype, new Array<number>(n).fill(quotient(dtype, 1, n))));
    }
  });

  it.each(dtypes)('in means of every kind in %s', async (dtype) => {
    const same = async (what: Tensor, value: number): Promise<void> =>
      expect(await what.data()).toEqual(held(dtype, new Array<number>(what.size).fill(value)));
    for (const n of numbers) {
      const column = ones([n, 3], { dtype });
      await same(mean(column), 1);
      await same(mean(column, 0), 1);
      await same(mean(column.transpose(0, 1), 1), 1);
      await same(mean(column.slice([0, 1], [null, 2])), 1);
      await same(mean(tensor(numbers.slice(0, n), { dtype })), quotient(dtype, (n * (n + 1)) / 2, n));
      await same(new MeanPool().forward(ones([1, n, 2], { dtype })), 1);
      await same(new MeanPool().forward(new PaddedSequence(ones([2, n, 1], { dtype }), [n, Math.ceil(n / 2)])), 1);
      await same(mseLoss(column.mul(3), column), 4);
      await same(
        mseLoss(
          new PaddedSequence(ones([1, n, 3], { dtype }), [n]),
          new PaddedSequence(ones([1, n, 3], { dtype }).mul(0), [n]),
        ),
        1,
      );
      await same(klDivergence(column.mul(-1), column, { reduction: 'batchmean' }), 3);
      await same(softmax(ones([n], { dtype })), quotient(dtype, 1, n));
    }
  });

  it('in variances, batch statistics and the mean of CTC losses', async () => {
    const x = tensor(
      Array.from({ length: 98 }, (_, index) => (index % 2 === 0 ? 1 : 3)),
      { dtype: 'f64' },
    );
    expect(await variance(x, undefined, { correction: 0 }).item()).toBe(1);
    expect(await std(x, undefined, { correction: 0 }).item()).toBe(1);
    const norm = new BatchNorm1d({ numFeatures: 1, dtype: 'f64' });
    norm.forward(x.reshape([98, 1]));
    expect(await norm.stateDict()['running_mean']?.item()).toBe(0.1 * 2);
    const steps = 7,
      log = tensor(
        Array.from({ length: steps * 2 }, () => -1),
        { dtype: 'f64' },
      ).reshape([steps, 1, 2]);
    const losses = ctcLoss(log, tensor([[1, 1, 1]], { dtype: 'i32' }), { reduction: 'none' });
    expect(await ctcLoss(log, tensor([[1, 1, 1]], { dtype: 'i32' })).item()).toBe((await losses.item()) / 3);
    expect(await crossEntropy(ones([49, 2], { dtype: 'f64' }), tensor(new Int32Array(49))).item()).toBeCloseTo(
      Math.LN2,
      14,
    );
  });

  it('is refused for whole numbers, by its own name', () => {
    const x = tensor([4, 6], { dtype: 'i32' });
    for (const call of [() => x.div(2), () => x.div(x), () => rdiv(x, 12), () => x.div_(2)]) {
      expect(call).toThrowError(
        expect.objectContaining({
          name: 'DTypeError',
          message: expect.stringMatching(/^div_?: got i32\[2\] on \S+, expected f32 or f64/),
        }),
      );
    }
  });
});
