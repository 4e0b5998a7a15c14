import { describe, expect, it } from 'vitest';
import {
  PaddedSequence,
  ShapeError,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  huberLoss,
  klDivergence,
  l1Loss,
  logSoftmax,
  mseLoss,
  ones,
  sigmoid,
  smoothL1Loss,
  softmax,
  tensor,
  zeros,
  type HostArray,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { here } from '../../support/devices';
import { expectGradients, spread, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

type PointwiseLoss = (input: Sequence, target: Sequence, options?: { reduction?: 'mean' | 'sum' | 'none' }) => Tensor;

const f64 = (source: HostArray): Tensor => tensor(source, { dtype: 'f64' });
const probabilities = (shape: readonly number[], seed: number): HostArray => {
  const { data } = spreadArray(shape, seed);
  return { data: Float64Array.from(data, (value) => 0.5 + 0.45 * value), shape };
};

interface Case {
  name: string;
  loss: PointwiseLoss;
  value: (x: number, t: number) => number;
  input: (shape: readonly number[]) => HostArray;
  target: (shape: readonly number[]) => HostArray;
}

const real =
  (seed: number, scale = 2) =>
  (shape: readonly number[]): HostArray =>
    spreadArray(shape, seed, scale);
const chance =
  (seed: number) =>
  (shape: readonly number[]): HostArray =>
    probabilities(shape, seed);
const smooth =
  (beta: number) =>
  (x: number, t: number): number =>
    Math.abs(x - t) < beta ? (x - t) ** 2 / (2 * beta) : Math.abs(x - t) - beta / 2;
const huber =
  (delta: number) =>
  (x: number, t: number): number =>
    Math.abs(x - t) <= delta ? (x - t) ** 2 / 2 : delta * (Math.abs(x - t) - delta / 2);

const cases: Case[] = [
  { name: 'mseLoss', loss: mseLoss, value: (x, t) => (x - t) ** 2, input: real(1), target: real(2) },
  { name: 'l1Loss', loss: l1Loss, value: (x, t) => Math.abs(x - t), input: real(1), target: real(2) },
  { name: 'smoothL1Loss', loss: smoothL1Loss, value: smooth(1), input: real(1), target: real(2) },
  {
    name: 'smoothL1Loss, beta 0.3',
    loss: (x, t, options) => smoothL1Loss(x, t, { beta: 0.3, ...options }),
    value: smooth(0.3),
    input: real(1),
    target: real(2),
  },
  {
    name: 'smoothL1Loss, beta 0',
    loss: (x, t, options) => smoothL1Loss(x, t, { beta: 0, ...options }),
    value: (x, t) => Math.abs(x - t),
    input: real(1),
    target: real(2),
  },
  { name: 'huberLoss', loss: huberLoss, value: huber(1), input: real(1), target: real(2) },
  {
    name: 'huberLoss, delta 0.4',
    loss: (x, t, options) => huberLoss(x, t, { delta: 0.4, ...options }),
    value: huber(0.4),
    input: real(1),
    target: real(2),
  },
  {
    name: 'binaryCrossEntropy',
    loss: binaryCrossEntropy,
    value: (x, t) => -(t * Math.log(x) + (1 - t) * Math.log(1 - x)),
    input: chance(1),
    target: chance(2),
  },
  {
    name: 'binaryCrossEntropyWithLogits',
    loss: binaryCrossEntropyWithLogits,
    value: (x, t) => Math.log1p(Math.exp(x)) - t * x,
    input: real(1, 5),
    target: chance(2),
  },
  {
    name: 'klDivergence',
    loss: klDivergence,
    value: (x, t) => t * (Math.log(t) - x),
    input: real(1),
    target: chance(2),
  },
  {
    name: 'klDivergence, logTarget',
    loss: (x, t, options) => klDivergence(x, t, { logTarget: true, ...options }),
    value: (x, t) => Math.exp(t) * (t - x),
    input: real(1),
    target: real(2),
  },
];

describe.each(cases)('$name', ({ loss, value, input, target }) => {
  const each = (shape: readonly number[]): number[] => {
    const t = target(shape).data;
    return Array.from(input(shape).data, (x, i) => value(x, t[i] ?? 0));
  };
  const total = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);

  it('gives each loss, their sum and their mean', async () => {
    const shape = [3, 4];
    const [x, t] = [f64(input(shape)), f64(target(shape))];
    const none = loss(x, t, { reduction: 'none' });
    expect(none.shape).toEqual(shape);
    expect(differences(await none.data(), each(shape), 1e-12)).toEqual([]);
    expect(
      differences(
        [await loss(x, t, { reduction: 'sum' }).item(), await loss(x, t).item()],
        [total(each(shape)), total(each(shape)) / 12],
        1e-12,
      ),
    ).toEqual([]);
  });

  it('agrees in f32, over many slices', async () => {
    const shape = [130, 101];
    const result = loss(tensor(input(shape), { dtype: 'f32' }), tensor(target(shape), { dtype: 'f32' }));
    expect(differences([await result.item()], [total(each(shape)) / 13130], 1e-6)).toEqual([]);
  });

  it('takes views and numbers without axes', async () => {
    const shape = [3, 4];
    const turned = loss(f64(input(shape)).transpose(0, 1), f64(target(shape)).transpose(0, 1));
    expect(differences([await turned.item()], [total(each(shape)) / 12], 1e-12)).toEqual([]);
    expect(differences([await loss(f64(input([])), f64(target([]))).item()], each([]), 1e-12)).toEqual([]);
  });

  it('has the gradients of differences, by input and target', async () => {
    for (const reduction of ['mean', 'sum', 'none'] as const)
      await expectGradients((x, t) => loss(x, t, { reduction }), [input([3, 3]), target([3, 3])], 1e-6);
  });

  it('counts real steps only', async () => {
    const shape = [3, 2, 2];
    const lengths = [1, 0, 2];
    const kept = [0, 1, 8, 9, 10, 11];
    const [x, t] = [f64(input(shape)).requiresGrad_(), f64(target(shape))];
    const result = loss(new PaddedSequence(x, lengths), new PaddedSequence(t, lengths));
    const losses = each(shape).filter((_, i) => kept.includes(i));
    expect(differences([await result.item()], [total(losses) / 6], 1e-12)).toEqual([]);
    expect(differences([await loss(x, new PaddedSequence(t, lengths)).item()], [total(losses) / 6], 1e-12)).toEqual([]);
    const none = await loss(new PaddedSequence(x, lengths), t, { reduction: 'none' }).data();
    expect(
      differences(
        none,
        each(shape).map((one, i) => (kept.includes(i) ? one : 0)),
        1e-12,
      ),
    ).toEqual([]);
    result.backward();
    const gradient = Array.from((await x.grad?.data()) ?? []);
    expect(gradient.map((one, i) => (one === 0 ? -1 : i)).filter((i) => i >= 0)).toEqual(kept);
  });

  it('refuses shapes that differ, a mean over nothing and lengths that differ', async () => {
    expect(() => loss(f64(input([3])), f64(target([3, 2])))).toThrow(
      /got input f64\[3\] on (cpu|cuda:0) and target f64\[3, 2\] on (cpu|cuda:0), expected equal shapes/,
    );
    expect(() => loss(zeros([0, 3]), zeros([0, 3]))).toThrow(
      /got input f32\[0, 3\] on (cpu|cuda:0) without any real element/,
    );
    const empty = (source: HostArray): PaddedSequence => new PaddedSequence(f64(source), [0, 0]);
    expect(() => loss(empty(input([2, 3, 1])), empty(target([2, 3, 1])))).toThrow(ShapeError);
    expect(await loss(empty(input([2, 3, 1])), empty(target([2, 3, 1])), { reduction: 'sum' }).item()).toBe(0);
    expect(() =>
      loss(new PaddedSequence(f64(input([1, 3])), [2]), new PaddedSequence(f64(target([1, 3])), [3])),
    ).toThrow(/lengths \[2\] of the input and \[3\] of the target, expected equal lengths/);
    expect(() => loss(ones([2]), ones([2], { dtype: 'f64' }))).toThrow(/expected one dtype/);
  });
});

describe('options of the point-wise losses', () => {
  it('are checked', () => {
    const x = ones([2]);
    expect(() => mseLoss(x, x, { reductions: 'mean' } as object)).toThrow(/write reduction, if that is what you mean/);
    expect(() => mseLoss(x, x, { reduction: 'avg' } as object)).toThrow(
      /reduction: "avg", expected one of 'mean', 'sum', 'none'/,
    );
    expect(() => mseLoss(x, x, { reduction: 'batchmean' } as object)).toThrow(/expected one of 'mean', 'sum', 'none'/);
    expect(() => smoothL1Loss(x, x, { beta: -1 })).toThrow(/beta: -1/);
    expect(() => huberLoss(x, x, { delta: 0 })).toThrow(/above 0 for delta/);
    expect(() => klDivergence(x, x, { logTarget: 1 } as object)).toThrow(/true or false for logTarget/);
  });
});

describe('shapes that differ say what to do', () => {
  const fix = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ShapeError) return error.message.split('Fix: ')[1] ?? '';
      throw error;
    }
    return 'no error';
  };
  it.each([
    ['a time axis too many', [4, 6, 1], [4], /put LastStep, MeanPool or MaxPool after the last recurrent layer/],
    ['a time axis too many, with features', [4, 6, 2], [4, 2], /put LastStep/],
    ['a time axis too few', [4, 2], [4, 6, 2], /the target has a time axis and the output none/],
    ['numbers where there is an axis of one', [4, 1], [4], /target: \[y\] in the items, or target.unsqueeze\(-1\)/],
    ['an axis of one too many', [4], [4, 1], /input.unsqueeze\(-1\), or take it from the target/],
    ['other numbers of outputs', [4, 3], [4, 2], /as many outputs as there are targets/],
  ])('%s', (_, input, target, expected) => {
    for (const loss of [mseLoss, l1Loss, smoothL1Loss, huberLoss])
      expect(fix(() => loss(zeros(input), zeros(target)))).toMatch(expected);
  });
  it.each([
    ['a time axis too many', [4, 6, 3], [4], /put LastStep, MeanPool or MaxPool/],
    ['a time axis too few', [4, 3], [4, 6], /the target has a time axis and the output none/],
    ['classes on the second axis', [4, 3, 6], [4, 6], /put the classes last: output.transpose\(1, -1\)/],
    ['labels in brackets', [4, 3], [4, 1], /target.squeeze\(-1\), or target: label in place of \[label\]/],
    ['other numbers of rows', [4, 3], [5], /give each row of the output one label/],
  ])('labels: %s', (_, input, target, expected) => {
    expect(fix(() => crossEntropy(zeros(input), zeros(target, { dtype: 'i32' })))).toMatch(expected);
  });
});

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
        /binaryCrossEntropy: .*(at|as) element 1, expected (a probability|probabilities)/,
      );
    await expect(binaryCrossEntropyWithLogits(tensor([3]), tensor([2])).item()).rejects.toThrow(
      /got (target )?2 (at|as) element 0/,
    );
    await expect(klDivergence(tensor([-1]), tensor([Number.NaN])).item()).rejects.toThrow(/nan (at|as) element 0/i);
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

describe('crossEntropy', () => {
  const labels = (values: readonly number[] | readonly (readonly number[])[]): Tensor =>
    tensor(values, { dtype: 'i32' });
  /** Weighted losses and weights of the rows of `logits`. */
  function rows(
    logits: HostArray,
    classes: readonly number[],
    {
      weight,
      smoothing = 0,
      steps,
    }: { weight?: readonly number[]; smoothing?: number; steps?: readonly number[] } = {},
  ) {
    const count = logits.shape.at(-1) ?? 1;
    return classes.map((label, row) => {
      const x = Array.from(logits.data.slice(row * count, (row + 1) * count));
      const largest = Math.max(...x);
      const log = x.map(
        (value) => value - largest - Math.log(x.reduce((sum, one) => sum + Math.exp(one - largest), 0)),
      );
      const factor = (c: number): number => weight?.[c] ?? 1;
      const step = steps?.[row] ?? 1;
      const smooth = log.reduce((sum, p, c) => sum - factor(c) * p, 0) / count;
      return {
        loss: step * ((1 - smoothing) * factor(label) * -(log[label] ?? 0) + smoothing * smooth),
        weight: step * factor(label),
      };
    });
  }
  const mean = (losses: readonly { loss: number; weight: number }[]): number =>
    losses.reduce((s, { loss }) => s + loss, 0) / losses.reduce((s, { weight }) => s + weight, 0);
  const logits = spreadArray([4, 3], 1, 3);
  const classes = [2, 0, 1, 1];
  const weight = [0.5, 2, 1.25];

  it('is the mean, the sum or each of -log softmax at the labels', async () => {
    const expected = rows(logits, classes);
    expect(
      differences(
        await crossEntropy(f64(logits), labels(classes), { reduction: 'none' }).data(),
        expected.map(({ loss }) => loss),
        1e-12,
      ),
    ).toEqual([]);
    expect(differences([await crossEntropy(f64(logits), labels(classes)).item()], [mean(expected)], 1e-12)).toEqual([]);
    expect(
      differences(
        [await crossEntropy(f64(logits), labels(classes), { reduction: 'sum' }).item()],
        [4 * mean(expected)],
        1e-12,
      ),
    ).toEqual([]);
    expect(
      differences(
        [
          await crossEntropy(
            f64({ ...logits, shape: [2, 2, 3] }),
            labels([
              [2, 0],
              [1, 1],
            ]),
          ).item(),
        ],
        [mean(expected)],
        1e-12,
      ),
    ).toEqual([]);
  });

  it('takes class weights, step weights, smoothing and an index to ignore together', async () => {
    const steps = [1, 0.5, 3, 2];
    const options = { weight: tensor(weight, { dtype: 'f64' }), labelSmoothing: 0.2, ignoreIndex: 0 };
    const all = rows(logits, classes, { weight, smoothing: 0.2, steps });
    const expected = mean([all[0], all[2], all[3]].flatMap((row) => row ?? []));
    const stepWeights = tensor(steps, { dtype: 'f64' });
    expect(
      differences(
        [await crossEntropy(f64(logits), labels(classes), { ...options, stepWeights }).item()],
        [expected],
        1e-12,
      ),
    ).toEqual([]);
    const none = await crossEntropy(f64(logits), labels(classes), {
      ...options,
      stepWeights,
      reduction: 'none',
    }).data();
    expect(
      differences(
        none,
        all.map(({ loss }, row) => (classes[row] === 0 ? 0 : loss)),
        1e-12,
      ),
    ).toEqual([]);
  });

  it('gives each sequence of [N, T] its weight for [N] step weights', async () => {
    const x = f64({ ...logits, shape: [2, 2, 3] });
    const each = rows(logits, classes, { steps: [3, 3, 0.5, 0.5] });
    expect(
      differences(
        [
          await crossEntropy(
            x,
            labels([
              [2, 0],
              [1, 1],
            ]),
            { stepWeights: tensor([3, 0.5], { dtype: 'f64' }) },
          ).item(),
        ],
        [mean(each)],
        1e-12,
      ),
    ).toEqual([]);
  });

  it('counts real steps only, whatever stands in the padding', async () => {
    const x = spreadArray([3, 2, 3], 4);
    const target = [
      [2, 99],
      [-7, 99],
      [0, 1],
    ];
    const padded = new PaddedSequence(tensor(target, { dtype: 'i32' }), [1, 0, 2]);
    const kept = rows(
      { data: Float64Array.from([...x.data.slice(0, 3), ...x.data.slice(12)]), shape: [3, 3] },
      [2, 0, 1],
    );
    const input = f64(x).requiresGrad_();
    const loss = crossEntropy(new PaddedSequence(input, [1, 0, 2]), padded);
    expect(differences([await loss.item()], [mean(kept)], 1e-12)).toEqual([]);
    loss.backward();
    const gradient = (await input.grad?.data()) ?? [];
    expect(Array.from(gradient.slice(3, 12))).toEqual(new Array(9).fill(0));
    expect(gradient[0]).not.toBe(0);
  });

  it('has the gradients of differences', async () => {
    const settings = [
      {},
      { reduction: 'sum' },
      { reduction: 'none' },
      { weight: tensor(weight, { dtype: 'f64' }) },
      { labelSmoothing: 0.3 },
      { ignoreIndex: 1 },
      {
        weight: tensor(weight, { dtype: 'f64' }),
        labelSmoothing: 0.3,
        stepWeights: tensor([1, 2, 0, 0.5], { dtype: 'f64' }),
      },
    ] as const;
    for (const options of settings) await expectGradients((x) => crossEntropy(x, labels(classes), options), [logits]);
    await expectGradients(
      (x) =>
        crossEntropy(
          new PaddedSequence(x, [1, 2]),
          labels([
            [0, 2],
            [1, 1],
          ]),
        ),
      [{ ...logits, shape: [2, 2, 3] }],
    );
  });

  it('is exact for logits of any size and many classes in f32', async () => {
    const data = Float32Array.from({ length: 3 * 1500 }, (_, index) => 300 * spread(index));
    const expected = rows({ data: Float64Array.from(data), shape: [3, 1500] }, [7, 1499, 700]);
    const got = await crossEntropy(tensor({ data, shape: [3, 1500] }), labels([7, 1499, 700]), {
      reduction: 'none',
    }).data();
    expected.forEach(({ loss }, row) => expect(differences([(got[row] ?? 0) / loss], [1], 1e-6)).toEqual([]));
  });

  it('refuses a label out of range: at the call from the host, else at the read', async () => {
    expect(() => crossEntropy(zeros([2, 3]), labels([0, 3]))).toThrow(
      /crossEntropy: got target .*with the value 3, expected 0\.\.2/,
    );
    expect(() => crossEntropy(zeros([2, 3]), labels([0, -1]))).toThrow(/with the value -1, expected 0\.\.2/);
    await expect(crossEntropy(zeros([3, 3]), labels([-100, -1, 0])).item()).rejects.toThrow(
      /got class label -1( at step 1)?, expected 0\.\.2/,
    );
    const padded = new PaddedSequence(
      labels([
        [0, 5],
        [1, 5],
      ]),
      [2, 1],
    );
    await expect(crossEntropy(new PaddedSequence(zeros([2, 2, 3]), [2, 1]), padded).item()).rejects.toThrow(
      /got class label 5( at step 1)?, expected 0\.\.2/,
    );
  });

  it('refuses a mean where nothing counts', async () => {
    await expect(crossEntropy(zeros([2, 3]), labels([-100, -100])).item()).rejects.toThrow(
      /2 steps that are all ignored/,
    );
    expect(await crossEntropy(zeros([2, 3]), labels([-100, -100]), { reduction: 'sum' }).item()).toBe(0);
    expect(() => crossEntropy(zeros([0, 3]), tensor({ data: new Int32Array(0), shape: [0] }))).toThrow(
      /without any real element/,
    );
    expect(() => crossEntropy(new PaddedSequence(zeros([1, 2, 3]), [0]), labels([[0, 0]]))).toThrow(
      /without any real element/,
    );
  });

  it('refuses shapes, dtypes and options that do not fit', () => {
    const target = labels([0, 1]);
    expect(() => crossEntropy(zeros([2, 3, 4]), target)).toThrow(
      `got input f32[2, 3, 4] on ${here} and target i32[2] on ${here}, ` +
        'expected a target of shape [2, 3]: classes are the last axis of the input',
    );
    expect(() => crossEntropy(zeros([2, 3]), zeros([2], { dtype: 'bool' }))).toThrow(
      /got target bool\[2\] on (cpu|cuda:0), expected i32, or f32 or f64 that hold whole numbers/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { weight: ones([2]) })).toThrow(
      /got weight f32\[2\] on (cpu|cuda:0) for input f32\[2, 3\] on (cpu|cuda:0), expected \[3\]/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { stepWeights: ones([3]) })).toThrow(
      /got stepWeights f32\[3\] on (cpu|cuda:0)/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { labelSmoothing: 1.5 })).toThrow(
      /labelSmoothing 1.5, expected 0\.\.1/,
    );
    expect(() => crossEntropy(zeros([2, 3]), target, { ignoreIndex: 0.5 })).toThrow(/a whole number/);
    expect(() => crossEntropy(zeros([2, 3]), target, { ignore_index: 1 } as object)).toThrow(
      /write ignoreIndex, if that is what you mean/,
    );
    expect(() => crossEntropy(zeros([2, 0]), target)).toThrow(/at least one class/);
  });
});

describe('fused and composed', () => {
  it('agree: sigmoid then BCE, log-softmax then picking', async () => {
    const [x, t] = [f64(spreadArray([4, 3])), f64(probabilities([4, 3], 2))];
    expect(
      differences(
        [await binaryCrossEntropy(sigmoid(x), t).item()],
        [await binaryCrossEntropyWithLogits(x, t).item()],
        1e-12,
      ),
    ).toEqual([]);
    const picked = Array.from(await logSoftmax(x).data()).filter((_, index) => index % 3 === 1);
    expect(
      differences(
        [await crossEntropy(x, tensor([1, 1, 1, 1], { dtype: 'i32' })).item()],
        [-picked.reduce((sum, one) => sum + one, 0) / 4],
        1e-12,
      ),
    ).toEqual([]);
  });
});
