// Metrics of a user's own that get numbers or texts.
import { expect, test } from 'vitest';
import {
  HostMetric,
  memory,
  OptionError,
  PaddedSequence,
  scope,
  synchronize,
  tensor,
  type HostNumbers,
  type MetricHints,
  type Sequence,
} from 'stmnet';
import { describeDevices } from '../support/devices';

/** The middle one of all errors, which cannot be added up. */
class MedianError extends HostMetric<number[]> {
  readonly name = 'medianError';

  protected override count(output: HostNumbers, target: HostNumbers, weight?: HostNumbers): number[] {
    if (output.lengths !== undefined && output.lengths.join() !== '2,1') throw new Error('other lengths');
    return Array.from(output.data, (x, place) => Math.abs(x - (target.data[place] ?? 0)) * (weight?.data[place] ?? 1));
  }

  protected override result(parts: readonly number[][]): number {
    const errors = parts.flat().sort((a, b) => a - b);
    return errors[Math.floor(errors.length / 2)] ?? Number.NaN;
  }
}

/** As above, of the last column, which is chosen before anything is read. */
class MedianOfLast extends MedianError {
  protected override onDevice(output: Sequence, target: Sequence, { weight }: MetricHints): [Sequence, Sequence] {
    if (weight !== undefined) throw new Error('not in this test');
    return [output.select(-1, -1), target.select(-1, -1)];
  }
}

class SameLength extends HostMetric<number, readonly string[], readonly string[]> {
  readonly name = 'sameLength';
  protected override readonly takes = 'texts';

  protected override count(output: readonly string[], target: readonly string[], weight?: HostNumbers): number {
    const same = output.filter((text, place) => text.length === target[place]?.length).length;
    return same * (weight?.data[0] ?? 1);
  }

  protected override result(parts: readonly number[]): number {
    return parts.reduce((sum, part) => sum + part, 0);
  }
}

describeDevices('a metric on the host', (device) => {
  test('gets the numbers of each batch, in order, without anyone waiting', async () => {
    const median = new MedianError();
    expect(await median.compute()).toBeNaN();
    const before = memory().handles;
    scope(() => {
      median.update(tensor([1, 9]), tensor([0, 0]));
      median.update([0.5], Float64Array.of(0));
      const output = new PaddedSequence(tensor([[4, 3], [2, Number.NaN]]), [2, 1]); // prettier-ignore
      median.update(output, new PaddedSequence(tensor([[0, 0], [0, 7]]), [2, 1])); // prettier-ignore
    });
    expect(memory().handles).toBeLessThanOrEqual(before); // fewer where those of other tests have been collected
    await synchronize(device);
    expect(await median.compute()).toBe(2); // of 0, 0.5, 1, 2, 3, 4, 9
    const apart = median.begin();
    apart.update([[1, 2]], [[0, 0]], { weight: [[5, 0]] }); // prettier-ignore
    expect(await apart.compute()).toBe(5);
    expect(await median.compute()).toBe(5);
    apart.update([[9]], [[0]]);
    expect(await median.compute()).toBe(5);
    expect(await apart.compute()).toBe(5);
    apart.dispose();
    expect(await apart.compute()).toBeNaN();
    median.reset();
    expect(await median.compute()).toBeNaN();
  });

  test('a count goes on from the state of another one', async () => {
    const [first, second] = [new MedianError().begin(), new MedianError().begin()];
    first.update(tensor([1, 9]), tensor([0, 0]));
    second.update([70], [0]); // which the state takes the place of
    const state = await first.state();
    first.update([100], [0]);
    second.loadState(JSON.parse(JSON.stringify(state)));
    second.update([2], [0]);
    expect(await second.compute()).toBe(2); // of 1, 2, 9
    second.loadState(await new MedianError().begin().state());
    expect(await second.compute()).toBeNaN();
  });

  test('reads what it chose on the device', async () => {
    const median = new MedianOfLast();
    median.update(tensor([[1, 2], [3, 5]]), tensor([[0, 0], [0, 0]])); // prettier-ignore
    expect(await median.compute()).toBe(5);
  });

  test('a fault of the device is told by whoever computes', async () => {
    const median = new MedianError();
    const labels = tensor([7], { dtype: 'i32' }).add(0);
    median.update(tensor([[1, 2]]).indexSelect(1, labels), [[0]]);
    await expect(median.compute()).rejects.toThrow(/index/i);
  });

  test('takes texts as they are', async () => {
    const same = new SameLength();
    same.update(['ab', 'c'], ['xy', 'z0']);
    same.update(['ab'], ['xy'], { weight: tensor([4]) });
    expect(await same.compute()).toBe(5);
  });
});

test('numbers for texts, and texts for numbers, are refused', () => {
  const numbers = [[1]] as unknown as string[];
  expect(() => new SameLength().update(numbers, ['a'])).toThrow(OptionError);
  expect(() => new SameLength().update(numbers, ['a'])).toThrow(
    'SameLength.update: got output [[1]] and target ["a"], expected texts for both.\n  Fix: decode numbers first; ' +
      'in a Trainer: { metric, from: async (output, batch) => [texts, batch.texts] }.',
  );
  expect(() => new MedianError().update(['a'] as unknown as number[], [1])).toThrow(/MedianError.update/);
});
