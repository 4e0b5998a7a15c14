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
  mseLoss,
  ones,
  smoothL1Loss,
  tensor,
  zeros,
  type HostArray,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { expectGradients, probabilities, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

type PointwiseLoss = (input: Sequence, target: Sequence, options?: { reduction?: 'mean' | 'sum' | 'none' }) => Tensor;

const f64 = (source: HostArray): Tensor => tensor(source, { dtype: 'f64' });

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
