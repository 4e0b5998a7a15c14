import { describe, expect, it } from 'vitest';
import {
  PaddedSequence,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  klDivergence,
  logSoftmax,
  ones,
  softmax,
  tensor,
  type Tensor,
} from 'stmnet';
import { expectGradients, probabilities, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

describe('binary cross entropy', () => {
  const chances = [0.1, 0.7, 0.5, 0.2];
  const yes = [0, 1, 1, 0];
  const expected = -(Math.log(0.9) + Math.log(0.7) + Math.log(0.5) + Math.log(0.8)) / 4;
  const logit = (p: number): number => Math.log(p / (1 - p));

  it.each([
    ['[N] against [N]', [4], [4]],
    ['[N, 1] against [N]', [4, 1], [4]],
    ['[N] against [N, 1]', [4], [4, 1]],
    ['[N, 1] against [N, 1]', [4, 1], [4, 1]],
    ['[N, T, 1] against [N, T]', [2, 2, 1], [2, 2]],
    ['[N, T] against [N, T, 1]', [2, 2], [2, 2, 1]],
  ])('takes targets of 0 and 1: %s', async (_, input, target) => {
    for (const dtype of ['f64', 'i32', 'bool'] as const) {
      const t = tensor({ data: Int32Array.from(yes), shape: target }, { dtype });
      const x = tensor({ data: Float64Array.from(chances), shape: input }).requiresGrad_();
      const loss = binaryCrossEntropy(x, t);
      loss.backward();
      expect(x.grad?.shape).toEqual(input);
      expect(
        differences(
          (await x.grad?.data()) ?? [],
          [1 / 0.9, -1 / 0.7, -1 / 0.5, 1 / 0.8].map((one) => one / 4),
          1e-12,
        ),
      ).toEqual([]);
      const withLogits = binaryCrossEntropyWithLogits(
        tensor({ data: Float64Array.from(chances.map(logit)), shape: input }),
        t,
      );
      expect(differences([await loss.item(), await withLogits.item()], [expected, expected], 1e-12)).toEqual([]);
      expect(binaryCrossEntropy(x, t, { reduction: 'none' }).shape).toEqual(input);
    }
  });
  it('takes padded targets of 0 and 1 with and without an axis of one', async () => {
    const x = tensor({ data: Float64Array.from([0.1, 0.7, 0.5, Number.NaN]), shape: [2, 2, 1] });
    const t = new PaddedSequence(
      tensor(
        [
          [0, 1],
          [1, 77],
        ],
        { dtype: 'i32' },
      ),
      [2, 1],
    );
    const value = -(Math.log(0.9) + Math.log(0.7) + Math.log(0.5)) / 3;
    for (const given of [x, new PaddedSequence(x, [2, 1]), new PaddedSequence(x.reshape([2, 2]), [2, 1])]) {
      expect(differences([await binaryCrossEntropy(given, t).item()], [value], 1e-12)).toEqual([]);
    }
  });
  it('refuses a label that is neither 0 nor 1', async () => {
    await expect(binaryCrossEntropy(tensor([0.5]), tensor([2], { dtype: 'i32' })).item()).rejects.toThrow(
      /binaryCrossEntropy: got/,
    );
  });

  it('weights positive targets, one weight a place', async () => {
    const x = [
      [-3, 0.5, 2],
      [40, -40, 0],
    ];
    const t = [
      [1, 0, 1],
      [0, 1, 0.5],
    ];
    const w = [2, 3, 0.5];
    const expected = x.flatMap((row, n) =>
      row.map((value, c) => {
        const [target = 0, weight = 0] = [t[n]?.[c], w[c]];
        return (
          target * weight * (Math.log1p(Math.exp(-Math.abs(value))) + Math.max(-value, 0)) +
          (1 - target) * (Math.log1p(Math.exp(-Math.abs(value))) + Math.max(value, 0))
        );
      }),
    );
    expect(
      differences(
        await binaryCrossEntropyWithLogits(tensor(x, { dtype: 'f64' }), tensor(t, { dtype: 'f64' }), {
          posWeight: tensor(w, { dtype: 'f64' }),
          reduction: 'none',
        }).data(),
        expected,
        1e-12,
      ),
    ).toEqual([]);
    await expectGradients(
      (a, b) => binaryCrossEntropyWithLogits(a, b, { posWeight: tensor(w, { dtype: 'f64' }) }),
      [spreadArray([2, 3], 1, 4), probabilities([2, 3], 2)],
      1e-6,
    );
    const one = binaryCrossEntropyWithLogits(tensor(x), tensor(t), { posWeight: tensor(1) });
    expect(
      differences([await one.item()], [await binaryCrossEntropyWithLogits(tensor(x), tensor(t)).item()], 1e-6),
    ).toEqual([]);
  });

  it('refuses weights that do not fit', () => {
    expect(() => binaryCrossEntropyWithLogits(ones([2, 3]), ones([2, 3]), { posWeight: ones([2]) })).toThrow(
      /got posWeight f32\[2\] on (cpu|cuda:0) for input f32\[2, 3\] on (cpu|cuda:0)/,
    );
    expect(() =>
      binaryCrossEntropyWithLogits(ones([2, 3]), ones([2, 3]), { posWeight: ones([3], { requiresGrad: true }) }),
    ).toThrow(/requires a gradient, expected a constant/);
  });

  it('is finite at 0 and 1', async () => {
    expect(await binaryCrossEntropy(tensor([0, 1, 0]), tensor([0, 1, 1]), { reduction: 'none' }).array()).toEqual([
      0, 0, 100,
    ]);
    expect(
      await binaryCrossEntropyWithLogits(tensor([1e4, -1e4]), tensor([0, 0]), { reduction: 'none' }).array(),
    ).toEqual([1e4, 0]);
  });

  it('reports at the next read what is no probability, padding aside', async () => {
    for (const bad of [1.5, -0.25, Number.NaN])
      await expect(binaryCrossEntropy(tensor([0.5, bad]), tensor([1, 1])).item()).rejects.toThrow(
        new RegExp(
          `^binaryCrossEntropy: got input -?${bad} at element 1, expected a probability in \\[0, 1\\]\\.\n` +
            '  Fix: apply sigmoid first, or use binaryCrossEntropyWithLogits\\.$',
          'i',
        ),
      );
    await expect(binaryCrossEntropyWithLogits(tensor([3]), tensor([2])).item()).rejects.toThrow(
      /got target 2 at element 0, .*\n  Fix: give each target as 0, 1 or something between\.$/,
    );
    await expect(klDivergence(tensor([-1]), tensor([Number.NaN])).item()).rejects.toThrow(
      /got target -?nan at element 0, .*\n  Fix: pass probabilities, or logTarget: true for their logarithms\.$/i,
    );
    const padded = new PaddedSequence(tensor([[0.5, 7]]), [1]);
    expect(
      differences(
        [await binaryCrossEntropy(padded, new PaddedSequence(tensor([[1, 9]]), [1])).item()],
        [Math.LN2],
        1e-6,
      ),
    ).toEqual([]);
  });
});

describe('klDivergence', () => {
  it('divides batchmean by the rows, padded or not', async () => {
    const [x, t] = [
      logSoftmax(tensor(spreadArray([2, 3, 4]), { dtype: 'f64' })),
      softmax(tensor(spreadArray([2, 3, 4], 2), { dtype: 'f64' })),
    ];
    const sum = await klDivergence(x, t, { reduction: 'sum' }).item();
    expect(differences([await klDivergence(x, t, { reduction: 'batchmean' }).item()], [sum / 2], 1e-12)).toEqual([]);
    const padded = (values: Tensor): PaddedSequence => new PaddedSequence(values, [1, 2]);
    const part = await klDivergence(padded(x), padded(t), { reduction: 'sum' }).item();
    expect(
      differences([await klDivergence(padded(x), padded(t), { reduction: 'batchmean' }).item()], [part / 2], 1e-12),
    ).toEqual([]);
  });

  it('is 0 where the target is', async () => {
    expect(await klDivergence(tensor([-Infinity, -2]), tensor([0, 1]), { reduction: 'none' }).array()).toEqual([0, 2]);
  });
});
