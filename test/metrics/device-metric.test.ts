// Metrics of a user's own that add up tensors, and what all that do so have in common.
import { expect, test } from 'vitest';
import {
  Accuracy,
  DeviceMetric,
  MeanAbsoluteError,
  memory,
  ones,
  OptionError,
  PaddedSequence,
  ShapeError,
  stack,
  sub,
  tensor,
  type MetricHints,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';

/** Mean of output - target, which says whether a model guesses too high. */
class Bias extends DeviceMetric {
  readonly name = 'bias';
  override readonly figureNames = ['batches'];

  protected override count(output: Sequence, target: Sequence, { weight }: MetricHints): Tensor {
    if (output instanceof PaddedSequence || target instanceof PaddedSequence || weight !== undefined)
      throw new Error('not in this test');
    const difference = sub(output.cast('f64'), target.cast('f64'));
    return stack([difference.sum(), ones([], { dtype: 'f64' }).mul(difference.size), ones([], { dtype: 'f64' })], 0);
  }

  protected override result([total = 0, count = 0]: readonly number[]): number {
    return total / count;
  }

  protected override details(totals: readonly number[]): Record<string, number> {
    return { batches: totals[2] ?? 0 };
  }
}

describeDevices('a metric that adds up tensors', () => {
  test('a class of one’s own counts, begins apart and starts anew', async () => {
    const bias = new Bias();
    expect([await bias.compute(), await bias.figures()]).toEqual([Number.NaN, { batches: Number.NaN }]);
    bias.update(tensor([1, 2, 3]), tensor([0, 0, 0]));
    bias.update(tensor([6]), tensor([1]));
    expect([await bias.compute(), await bias.figures()]).toEqual([11 / 4, { batches: 2 }]);
    const apart = bias.begin();
    apart.update(tensor([2]), tensor([0]));
    expect([await apart.compute(), await apart.figures()]).toEqual([2, { batches: 1 }]);
    expect(await bias.figures()).toEqual({ batches: 1 });
    bias.reset();
    expect(await bias.compute()).toBeNaN();
  });

  test('a count goes on from the state of another one', async () => {
    const [first, second] = [new Bias().begin(), new Bias().begin()];
    second.loadState(await first.state()); // nothing yet
    expect(await second.compute()).toBeNaN();
    first.update(tensor([1, 2, 3]), tensor([0, 0, 0]));
    second.update(tensor([90]), tensor([0])); // which the state takes the place of
    second.loadState(await first.state());
    first.update(tensor([7]), tensor([0]));
    second.update(tensor([6]), tensor([1]));
    expect([await second.compute(), await second.figures()]).toEqual([11 / 4, { batches: 2 }]);
    expect(await first.compute()).toBe(13 / 4);
  });

  test('what a batch comes to is not changed by later ones', async () => {
    class Same extends Bias {
      protected override count(output: Sequence): Tensor {
        return output as Tensor;
      }
    }
    const [same, sums] = [new Same(), tensor([3, 1, 1], { dtype: 'f64' })];
    same.update(sums, sums);
    same.update(sums, sums);
    expect(await same.compute()).toBe(3);
    expect(await sums.array()).toEqual([3, 1, 1]);
  });

  test('plain numbers count as tensors do, and keep their precision', async () => {
    const error = new MeanAbsoluteError();
    error.update([[0.1], [0.2]], [[0.2], [0.4]]); // prettier-ignore
    error.update(Float64Array.of(1.5), [1]);
    error.update({ data: Float32Array.of(2, 4), shape: [2] }, [1, 1], { weight: [1, 0] });
    expect(await error.compute()).toBe((0.1 + 0.2 + 0.5 + 1) / 4);
    const accuracy = new Accuracy();
    accuracy.update([[0.1, 0.9], [2, 1]], [1, 1], { weight: [3, 1] }); // prettier-ignore
    expect(await accuracy.compute()).toBe(3 / 4);
  });

  test('updates leave no handles', () => {
    const [bias, x] = [new Bias(), tensor([1, 2])];
    bias.update(x, x);
    const before = memory().handles;
    for (let i = 0; i < 20; i++) bias.update(x, x);
    expect(memory().handles).toBeLessThanOrEqual(before); // fewer where those of other tests have been collected
    const kept = memory().handles;
    bias.reset();
    expect(memory().handles).toBeLessThan(kept);
  });
});

test('what is no number is refused', () => {
  expect(() => new MeanAbsoluteError().update(['a'] as unknown[] as number[], [1])).toThrow(/MeanAbsoluteError.update/);
  expect(() => new MeanAbsoluteError().update(3 as unknown as number[], [1])).toThrow(
    'MeanAbsoluteError.update: got output 3, expected a Tensor, a PaddedSequence or an array of numbers.',
  );
  expect(() => new MeanAbsoluteError().update([1], undefined as unknown as number[])).toThrow(OptionError);
  expect(() => new MeanAbsoluteError().update([1], [1], { weight: 3 as unknown as number[] })).toThrow(/got weight 3/);
});

test('sums of another shape are refused', () => {
  class Odd extends Bias {
    protected override count(output: Sequence): Tensor {
      return output as Tensor;
    }
  }
  const odd = new Odd();
  odd.update([1.5], [1]);
  expect(() => odd.update([1.5, 2], [1])).toThrow(ShapeError);
  expect(() => odd.update([1.5, 2], [1])).toThrow(
    /Odd: got a batch that comes to f64\[2\] .* expected sums of one shape/,
  );
});
