import { describe, expect, it } from 'vitest';
import { batchNorm, layerNorm, logSoftmax, ones, softmax, tensor, zeros } from 'stmnet';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';
import { opCase } from '../../support/ops/cases';
import { normalizationOps, softmaxOf } from '../../support/ops/normalization';

for (const row of normalizationOps) opCase(row);

describe('softmax', () => {
  it('gives e^x / Σ e^x along the last axis', async () => {
    const rows = [
      [1, 2, 3],
      [-1, 0, 100],
    ];
    expect(differences(await softmax(tensor(rows)).data(), rows.flatMap(softmaxOf), 1e-6)).toEqual([]);
  });

  it('is exact for long rows and large numbers in f32', async () => {
    const row = Array.from({ length: 1037 }, (_, index) => Math.fround(300 * Math.sin(index)));
    expect(differences(await softmax(tensor([row])).data(), softmaxOf(row), 1e-6)).toEqual([]);
    expect(
      differences(
        await logSoftmax(tensor([row])).data(),
        softmaxOf(row).map((p, i) =>
          p > 1e-290
            ? Math.log(p)
            : (row[i] ?? 0) - Math.max(...row) - Math.log(row.reduce((s, v) => s + Math.exp(v - Math.max(...row)), 0)),
        ),
        1e-4,
      ),
    ).toEqual([]);
  });

  it('takes any axis, views, and tensors of rank 0', async () => {
    const x = tensor(spreadArray([3, 4, 5]), { dtype: 'f64' });
    const along = await softmax(x, 1).transpose(1, 2).data();
    expect(differences(along, await softmax(x.transpose(1, 2), -1).data(), 1e-15)).toEqual([]);
    expect(await softmax(tensor(3)).item()).toBe(1);
    expect((await softmax(zeros([2, 0, 3])).data()).length).toBe(0);
    expect(softmax(zeros([2, 0])).shape).toEqual([2, 0]);
  });

  it('passes NaN on and takes -Infinity for nothing', async () => {
    const [a, b, c, d] = await softmax(
      tensor([
        [-Infinity, 0],
        [Number.NaN, 0],
      ]),
    ).data();
    expect([a, b]).toEqual([0, 1]);
    expect(c).toBeNaN();
    expect(d).toBeNaN();
  });

  it('leaves out what a mask hides, and gives zeros where it hides everything', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    const mask = tensor([
      [true, false, true],
      [true, true, true],
      [false, false, false],
    ]);
    const [p, q] = softmaxOf([1, 3]);
    expect(
      differences(await softmax(x, -1, { mask }).data(), [p ?? 0, 0, q ?? 0, ...softmaxOf([4, 5, 6]), 0, 0, 0], 1e-6),
    ).toEqual([]);
    const column = await softmax(x, 0, { mask }).data();
    expect(differences([column[1] ?? 1, column[4] ?? 0, column[7] ?? 1], [0, 1, 0], 1e-6)).toEqual([]);
  });

  it('broadcasts a mask, and keeps what it hides out of results even if it is NaN', async () => {
    const x = tensor([
      [
        [1, Number.NaN],
        [2, Number.NaN],
      ],
    ]);
    expect(await softmax(x, -1, { mask: tensor([true, false]) }).array()).toEqual([
      [
        [1, 0],
        [1, 0],
      ],
    ]);
  });

  it('has the gradients of differences under a mask', async () => {
    const mask = tensor([
      [true, false, true, true],
      [false, false, false, false],
    ]);
    await expectGradients((x) => softmax(x, -1, { mask }), [spreadArray([2, 4])]);
  });

  it('refuses other dtypes, axes and masks', () => {
    expect(() => softmax(tensor([1, 2], { dtype: 'i32' }))).toThrow(
      /softmax: got x i32\[2\] on (cpu|cuda:0), expected f32 or f64/,
    );
    expect(() => softmax(ones([2, 3]), 2)).toThrow(/softmax: got dim 2, expected -2\.\.1/);
    expect(() => softmax(ones([2, 3]), -1, { mask: ones([2, 3]) })).toThrow(
      /mask f32\[2, 3\] on (cpu|cuda:0), expected dtype bool/,
    );
    expect(() => softmax(ones([2, 3]), -1, { mask: tensor([true, false]) })).toThrow(/broadcasts to x's/);
    expect(() => softmax(ones([2, 3]), -1, { masks: tensor([true]) } as object)).toThrow(
      /write mask, if that is what you mean/,
    );
  });
});

describe('layerNorm', () => {
  it('normalises the last axis', async () => {
    const y = await layerNorm(tensor([[1, 2, 3, 4]], { dtype: 'f64' }), { eps: 0 }).data();
    const deviation = Math.sqrt(1.25);
    expect(
      differences(
        y,
        [-1.5, -0.5, 0.5, 1.5].map((value) => value / deviation),
        1e-12,
      ),
    ).toEqual([]);
  });

  it('normalises several axes together, with weight and bias', async () => {
    const x = tensor(spreadArray([2, 3, 4]), { dtype: 'f64' });
    const weight = tensor(spreadArray([3, 4], 2), { dtype: 'f64' });
    const bias = tensor(spreadArray([3, 4], 3), { dtype: 'f64' });
    const joined = layerNorm(x.reshape([2, 12]), { weight: weight.reshape([12]), bias: bias.reshape([12]) });
    expect(differences(await layerNorm(x, { weight, bias }).data(), await joined.data(), 1e-14)).toEqual([]);
    expect(
      differences(await layerNorm(x, { axes: 2 }).data(), await layerNorm(x.reshape([2, 12])).data(), 1e-14),
    ).toEqual([]);
  });

  it('keeps its digits far from zero', async () => {
    const y = await layerNorm(tensor([[10000, 10001, 10002, 10003]]), { eps: 0 }).data();
    expect(
      differences(
        y,
        [-1.5, -0.5, 0.5, 1.5].map((value) => value / Math.sqrt(1.25)),
        1e-6,
      ),
    ).toEqual([]);
  });

  it('has the gradients of differences', async () => {
    await expectGradients(
      (x, weight, bias) => layerNorm(x, { weight, bias }),
      [spreadArray([3, 2, 5]), spreadArray([5], 2), spreadArray([5], 3)],
    );
    await expectGradients((x) => layerNorm(x.transpose(0, 1)), [spreadArray([4, 3])]);
    await expectGradients((x, weight) => layerNorm(x, { weight }), [spreadArray([2, 80]), spreadArray([80], 2)]);
  });

  it('refuses parameters of another shape', () => {
    expect(() => layerNorm(ones([2, 3]), { weight: ones([4]) })).toThrow(
      /layerNorm: got weight f32\[4\] on (cpu|cuda:0) for x f32\[2, 3\] on (cpu|cuda:0), expected \[3\]/,
    );
    expect(() => layerNorm(ones([2, 3]), { axes: 3 })).toThrow(/3 axes to normalise/);
    expect(() => layerNorm(ones([2, 0]))).toThrow(/at least one element to normalise/);
  });
});

describe('batchNorm', () => {
  const statistics = (): { runningMean: ReturnType<typeof zeros>; runningVar: ReturnType<typeof zeros> } => ({
    runningMean: zeros([2], { dtype: 'f64' }),
    runningVar: ones([2], { dtype: 'f64' }),
  });
  const x = [
    [1, 10],
    [2, 30],
    [3, 20],
    [6, 0],
  ];

  it('normalises columns by the batch and moves the running statistics', async () => {
    const running = statistics();
    const y = await batchNorm(tensor(x, { dtype: 'f64' }), { ...running, training: true, eps: 0 }).data();
    const expected = x.flatMap(([a = 0, b = 0]) => [(a - 3) / Math.sqrt(3.5), (b - 15) / Math.sqrt(125)]);
    expect(differences(y, expected, 1e-12)).toEqual([]);
    expect(differences(await running.runningMean.data(), [0.3, 1.5], 1e-12)).toEqual([]);
    expect(differences(await running.runningVar.data(), [0.9 + (0.1 * 14) / 3, 0.9 + (0.1 * 500) / 3], 1e-12)).toEqual(
      [],
    );
  });

  it('uses the running statistics in evaluation and leaves them alone', async () => {
    const running = statistics();
    expect(
      differences(
        await batchNorm(tensor(x, { dtype: 'f64' }), { ...running, eps: 3 }).data(),
        x.flat().map((value) => value / 2),
        1e-12,
      ),
    ).toEqual([]);
    expect(await running.runningMean.array()).toEqual([0, 0]);
  });

  it('leaves padding out', async () => {
    const padded = tensor(
      [
        [
          [1, 10],
          [2, 30],
          [99, 99],
        ],
        [
          [3, 20],
          [6, 0],
          [Number.NaN, 7],
        ],
        [
          [5, 5],
          [5, 5],
          [5, 5],
        ],
      ],
      { dtype: 'f64' },
    );
    const y = await batchNorm(padded, { training: true, eps: 0, lengths: [2, 2, 0] }).array();
    const [a, b] = (await batchNorm(tensor(x, { dtype: 'f64' }), { training: true, eps: 0 })
      .reshape([2, 2, 2])
      .array()) as number[][][];
    expect(y).toEqual([
      [...(a ?? []), [0, 0]],
      [...(b ?? []), [0, 0]],
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  it('refuses too few rows, other shapes and half of the statistics', () => {
    expect(() => batchNorm(ones([1, 3]), { training: true })).toThrow(
      /batchNorm: got 1 real row in x f32\[1, 3\] on (cpu|cuda:0), expected at least 2/,
    );
    expect(() => batchNorm(ones([2, 2, 3]), { training: true, lengths: [0, 0] })).toThrow(/got 0 real rows/);
    expect(() => batchNorm(ones([3]), { training: true })).toThrow(/expected \[N, C\] or \[N, T, C\]/);
    expect(() => batchNorm(ones([4, 3]), { runningMean: zeros([3]) })).toThrow(/expected both or neither/);
    expect(() => batchNorm(ones([4, 3]), { weight: ones([2]), training: true })).toThrow(
      /got weight f32\[2\] on (cpu|cuda:0) for x f32\[4, 3\] on (cpu|cuda:0), expected \[3\]/,
    );
    expect(() => batchNorm(ones([4, 2, 3]), { training: true, lengths: [1, 2, 3, 1] })).toThrow(
      /got length 3, expected 0\.\.2/,
    );
  });
});
