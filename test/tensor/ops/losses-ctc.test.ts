import { describe, expect, it } from 'vitest';
import { PaddedSequence, ctcLoss, logSoftmax, tensor, zeros, type HostArray, type Tensor } from 'stmnet';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';
import { byEveryPath } from '../../support/ops/losses';

const i32 = (values: readonly number[] | readonly (readonly number[])[]): Tensor => tensor(values, { dtype: 'i32' });

/** Log-probabilities [T, N, C], and those of one sequence as [T, C]. */
async function inputs(
  steps: number,
  count: number,
  classes: number,
): Promise<{ input: Tensor; of: (n: number, length: number) => number[][] }> {
  const input = logSoftmax(tensor(spreadArray([steps, count, classes], 1, 2), { dtype: 'f64' }));
  const all = (await input.array()) as number[][][];
  return { input, of: (n, length) => all.slice(0, length).map((step) => step[n] ?? []) };
}

describe('ctcLoss', () => {
  const labels = [
    [1, 2],
    [1, 1],
    [2, 0],
    [0, 0],
  ];
  const inputLengths = [5, 4, 2, 3];
  const targetLengths = [2, 2, 1, 0];
  const options = { inputLengths, targetLengths, reduction: 'none' } as const;

  it('sums over all alignments: repeated labels, short rows and empty targets too', async () => {
    const { input, of } = await inputs(5, 4, 3);
    const expected = labels.map((row, n) =>
      byEveryPath(of(n, inputLengths[n] ?? 0), row.slice(0, targetLengths[n]), 0),
    );
    expect(differences(await ctcLoss(input, i32(labels), options).data(), expected, 1e-12)).toEqual([]);
    expect(
      differences(
        [await ctcLoss(input, i32(labels), { ...options, reduction: 'sum' }).item()],
        [expected.reduce((a, b) => a + b)],
        1e-12,
      ),
    ).toEqual([]);
    const mean = expected.reduce((sum, loss, n) => sum + loss / Math.max(1, targetLengths[n] ?? 0), 0) / 4;
    expect(
      differences([await ctcLoss(input, i32(labels), { inputLengths, targetLengths }).item()], [mean], 1e-12),
    ).toEqual([]);
  });

  it('takes another blank, and the labels of all sequences joined', async () => {
    const { input, of } = await inputs(4, 2, 3);
    const joined = [0, 1, 1];
    const expected = [byEveryPath(of(0, 4), [0, 1], 2), byEveryPath(of(1, 4), [1], 2)];
    expect(
      differences(
        await ctcLoss(input, i32(joined), { blank: 2, targetLengths: [2, 1], reduction: 'none' }).data(),
        expected,
        1e-12,
      ),
    ).toEqual([]);
  });

  it('takes lengths from PaddedSequences, whatever stands in their padding', async () => {
    const { input } = await inputs(5, 4, 3);
    const padded = new PaddedSequence(input.transpose(0, 1), inputLengths);
    const target = new PaddedSequence(
      i32([
        [1, 2],
        [1, 1],
        [2, 99],
        [-5, 0],
      ]),
      targetLengths,
    );
    expect(
      differences(
        await ctcLoss(padded, target, { reduction: 'none' }).data(),
        await ctcLoss(input, i32(labels), options).data(),
        1e-14,
      ),
    ).toEqual([]);
  });

  it('has the gradients of differences, and none past a length', async () => {
    const leaf: HostArray = spreadArray([5, 4, 3], 2);
    for (const reduction of ['mean', 'sum', 'none'] as const)
      await expectGradients((x) => ctcLoss(x, i32(labels), { ...options, reduction }), [leaf]);
    await expectGradients((x) => ctcLoss(logSoftmax(x), i32(labels), { ...options }), [leaf]);
    const input = tensor(leaf, { dtype: 'f64', requiresGrad: true });
    ctcLoss(input, i32(labels), { inputLengths, targetLengths }).backward();
    const gradient = (await input.grad?.array()) as number[][][];
    expect(gradient.map((step) => step.map((row) => row.some((value) => value !== 0)))).toEqual(
      [0, 1, 2, 3, 4].map((t) => inputLengths.map((length) => t < length)),
    );
  });

  it('is infinite for a target that does not fit, or 0 with zeroInfinity', async () => {
    const input = logSoftmax(tensor(spreadArray([2, 2, 3]), { dtype: 'f64' }));
    const target = i32([
      [1, 1],
      [1, 2],
    ]);
    const [first, second] = await ctcLoss(input, target, { reduction: 'none' }).data();
    expect(first).toBe(Infinity);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThan(Infinity);
    expect(await ctcLoss(input, target, { reduction: 'none', zeroInfinity: true }).array()).toEqual([0, second]);
    const leaf = tensor(spreadArray([2, 2, 3]), { dtype: 'f64', requiresGrad: true });
    ctcLoss(logSoftmax(leaf), target, { zeroInfinity: true, reduction: 'sum' }).backward();
    const gradient = (await leaf.grad?.array()) as number[][][];
    expect(gradient.map(([row]) => row)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(gradient[0]?.[1]?.some((value) => value !== 0)).toBe(true);
  });

  it('is as exact in f32, over many steps', async () => {
    const host = spreadArray([200, 3, 20], 3, 4);
    const target = i32([
      [3, 3, 7, 12, 19],
      [1, 2, 3, 4, 5],
      [6, 6, 6, 6, 6],
    ]);
    const exact = await ctcLoss(logSoftmax(tensor(host, { dtype: 'f64' })), target).item();
    expect(
      differences([(await ctcLoss(logSoftmax(tensor(host, { dtype: 'f32' })), target).item()) / exact], [1], 1e-5),
    ).toEqual([]);
  });

  it('refuses shapes, lengths and labels that do not fit', async () => {
    const input = zeros([4, 2, 3]);
    const target = i32([
      [1, 2],
      [2, 1],
    ]);
    expect(() => ctcLoss(zeros([4, 3]), target)).toThrow(
      /ctcLoss: got input f32\[4, 3\] on (cpu|cuda:0), expected 3 axes/,
    );
    expect(() => ctcLoss(input, i32([[1, 2]]))).toThrow(/got target i32\[1, 2\] on (cpu|cuda:0)/);
    expect(() => ctcLoss(input, i32([1, 2, 1]))).toThrow(/without targetLengths/);
    expect(() => ctcLoss(input, i32([1, 2, 1]), { targetLengths: [1, 1] })).toThrow(/add up to 2/);
    expect(() => ctcLoss(input, target, { inputLengths: [4, 5] })).toThrow(
      /got the length 5 in inputLengths, expected 0\.\.4/,
    );
    expect(() => ctcLoss(input, target, { targetLengths: [2] })).toThrow(/got 1 targetLengths, expected 2/);
    expect(() => ctcLoss(input, target, { blank: 3 })).toThrow(
      /got blank 3 for input f32\[4, 2, 3\] on (cpu|cuda:0), expected 0\.\.2/,
    );
    expect(() => ctcLoss(new PaddedSequence(zeros([2, 4, 3]), [4, 4]), target, { inputLengths: [4, 4] })).toThrow(
      /inputLengths for a PaddedSequence/,
    );
    expect(() => ctcLoss(zeros([4, 0, 3]), tensor({ data: new Int32Array(0), shape: [0, 2] }))).toThrow(
      /without any real element/,
    );
    expect(() =>
      ctcLoss(
        input,
        i32([
          [1, 3],
          [1, 2],
        ]),
      ),
    ).toThrow(/with the value 3, expected 0\.\.2/);
    await expect(
      ctcLoss(
        input,
        i32([
          [1, 0],
          [1, 2],
        ]),
      ).item(),
    ).rejects.toThrow(
      /got label 0 at place 1 of sequence 0, expected 0\.\.2 other than the blank 0\.\n  Fix: correct the label/,
    );
    await expect(
      ctcLoss(
        input,
        i32([
          [1, 7],
          [1, 2],
        ]),
        { targetLengths: [2, 1] },
      ).item(),
    ).rejects.toThrow(/got label 7 at place 1 of sequence 0, expected/);
  });
});
