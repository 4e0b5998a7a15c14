import { describe, expect, it } from 'vitest';
import {
  PaddedSequence,
  ShapeError,
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
  type Tensor,
} from 'stmnet';
import { spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';
import { opCase } from '../../support/ops/cases';
import { lossOps, pointwiseLosses } from '../../support/ops/losses';

for (const row of lossOps) opCase(row);

const f64 = (source: HostArray): Tensor => tensor(source, { dtype: 'f64' });
const between =
  ([low, high]: readonly [number, number], seed: number) =>
  (shape: readonly number[]): HostArray => ({
    data: spreadArray(shape, seed).data.map((value) => low + ((value + 1) / 2) * (high - low)),
    shape,
  });

describe.each(Object.entries(pointwiseLosses))('%s', (_, { loss, value, ...ranges }) => {
  const [input, target] = [between(ranges.input, 1), between(ranges.target, 2)];
  const each = (shape: readonly number[]): number[] => {
    const t = target(shape).data;
    return Array.from(input(shape).data, (x, i) => value(x, t[i] ?? 0));
  };
  const total = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);

  it('agrees in f32, over many slices', async () => {
    const shape = [130, 101];
    const result = loss(tensor(input(shape), { dtype: 'f32' }), tensor(target(shape), { dtype: 'f32' }));
    expect(differences([await result.item()], [total(each(shape)) / 13130], 1e-6)).toEqual([]);
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
