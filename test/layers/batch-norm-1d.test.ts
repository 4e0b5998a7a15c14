import { describe, expect, it } from 'vitest';
import { BatchNorm1d, PaddedSequence, batchNorm, ones, tensor } from 'stmnet';
import { spreadArray } from '../support/gradients';
import { differences } from '../support/near';

describe('BatchNorm1d', () => {
  const x = tensor(spreadArray([5, 3], 1, 4), { dtype: 'f64' });

  it('normalises by the batch in training, by what it has seen in evaluation', async () => {
    const layer = new BatchNorm1d({ numFeatures: 3, dtype: 'f64', momentum: 1 });
    expect(differences(await layer.forward(x).data(), await batchNorm(x, { training: true }).data(), 1e-14)).toEqual(
      [],
    );
    const other = tensor(spreadArray([5, 3], 2), { dtype: 'f64' });
    layer.eval();
    const expected = batchNorm(other, { runningMean: layer.running_mean, runningVar: layer.running_var });
    expect(await layer.forward(other).array()).toEqual(await expected.array());
    expect(differences((await layer.running_mean?.data()) ?? [], await x.mean(0).data(), 1e-12)).toEqual([]);
    expect(differences((await layer.running_var?.data()) ?? [], await x.variance(0).data(), 1e-12)).toEqual([]);
  });

  it('counts the batches of training, and has the names of PyTorch', async () => {
    const layer = new BatchNorm1d({ numFeatures: 3, dtype: 'f64' });
    layer.forward(x);
    layer.forward(x);
    layer.eval().forward(x);
    expect(await layer.num_batches_tracked?.item()).toBe(2);
    const names = ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'];
    expect(Object.keys(layer.stateDict())).toEqual(names);
    expect(layer.parameters().length).toBe(2);
  });

  it('gives the same for a padded batch as for its real steps alone', async () => {
    const values = tensor(spreadArray([3, 4, 3], 1, 2), { dtype: 'f64' });
    const [padded, alone] = [
      new BatchNorm1d({ numFeatures: 3, dtype: 'f64' }),
      new BatchNorm1d({ numFeatures: 3, dtype: 'f64' }),
    ];
    const output = padded.forward(new PaddedSequence(values, [2, 0, 4]));
    const flat = values.reshape([12, 3]);
    const real = tensor({
      data: Float64Array.from([...(await flat.slice([0], [2]).data()), ...(await flat.slice([8], [12]).data())]),
      shape: [6, 3],
    });
    const expected = alone.forward(real);
    expect(differences(await output.data(), await expected.data(), 1e-13)).toEqual([]);
    expect(await output.values.slice([1], [2]).data()).toEqual(new Float64Array(12));
    expect(
      differences((await padded.running_var?.data()) ?? [], (await alone.running_var?.data()) ?? [], 1e-13),
    ).toEqual([]);
  });

  it('trains its weight and bias', async () => {
    const layer = new BatchNorm1d({ numFeatures: 3, dtype: 'f64' });
    layer.forward(x).pow(3).sum().backward();
    expect((await layer.weight?.grad?.data())?.every((value) => value !== 0)).toBe(true);
    expect((await layer.bias?.grad?.data())?.every((value) => value > 0)).toBe(true);
  });

  it('does without parameters and running statistics', async () => {
    const layer = new BatchNorm1d({ numFeatures: 3, affine: false, trackRunningStats: false, dtype: 'f64' });
    expect(Object.keys(layer.stateDict())).toEqual([]);
    expect(await layer.eval().forward(x).array()).toEqual(await batchNorm(x, { training: true }).array());
  });

  it('refuses what does not fit', () => {
    const layer = new BatchNorm1d({ numFeatures: 3 });
    expect(() => layer.forward(ones([2, 4]))).toThrow(
      /BatchNorm1d\.forward: got input f32\[2, 4\] on (cpu|cuda:0), expected \[N, 3\] or \[N, T, 3\]/,
    );
    expect(() => layer.forward(ones([3]))).toThrow(/BatchNorm1d\.forward/);
    expect(() => layer.forward(ones([1, 3]))).toThrow(/BatchNorm1d\.forward: got 1 real row/);
    expect(() => layer.forward(new PaddedSequence(ones([2, 2, 3]), [0, 0]))).toThrow(/got 0 real rows/);
    expect(() => new BatchNorm1d({ numFeatures: 3, epsilon: 1 } as { numFeatures: number })).toThrow(
      /got an option epsilon/,
    );
    expect(() => new BatchNorm1d({ numFeatures: -3 })).toThrow(/numFeatures: -3/);
  });
});
