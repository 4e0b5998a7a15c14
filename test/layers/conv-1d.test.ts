import { describe, expect, it } from 'vitest';
import { Conv1d, PaddedSequence, conv1d, ones, tensor, type Conv1dOptions } from 'stmnet';
import { spreadArray } from '../support/gradients';
import { differences } from '../support/near';
import { here } from '../support/devices';

describe('Conv1d', () => {
  const x = tensor(spreadArray([3, 9, 2]), { dtype: 'f64' });

  it('is conv1d with its weight and bias', async () => {
    const layer = new Conv1d({
      inChannels: 2,
      outChannels: 4,
      kernelSize: 3,
      stride: 2,
      padding: 1,
      dilation: 2,
      dtype: 'f64',
    });
    expect(await layer.forward(x).array()).toEqual(
      await conv1d(x, layer.weight, { bias: layer.bias, stride: 2, padding: 1, dilation: 2 }).array(),
    );
    expect(Object.entries(layer.stateDict()).map(([name, value]) => `${name} ${String(value)}`)).toEqual([
      `weight f64[4, 2, 3] on ${here}`,
      `bias f64[4] on ${here}`,
    ]);
    expect(
      [...new Conv1d({ inChannels: 2, outChannels: 4, kernelSize: 3, bias: false }).namedParameters()].map(
        ([name]) => name,
      ),
    ).toEqual(['weight']);
  });

  it('starts within 1 / √(inChannels · kernelSize)', async () => {
    const layer = new Conv1d({ inChannels: 8, outChannels: 50, kernelSize: 2 });
    const values = Array.from(await layer.weight.data());
    expect(Math.max(...values)).toBeLessThanOrEqual(0.25);
    expect(Math.max(...values)).toBeGreaterThan(0.2);
    expect(Math.min(...values)).toBeLessThan(-0.2);
  });

  const settings: Partial<Conv1dOptions>[] = [
    {},
    { padding: 1 },
    { stride: 2, padding: 2 },
    { padding: 'same' },
    { dilation: 2, padding: 3, stride: 3 },
  ];
  it.each(settings)('convolves each row of a padded batch as if it stood alone, with %o', async (options) => {
    const layer = new Conv1d({ inChannels: 2, outChannels: 4, kernelSize: 3, dtype: 'f64', ...options });
    const lengths = [9, 0, 5];
    const output = layer.forward(new PaddedSequence(x, lengths));
    const whole = await output.array();
    for (const [row, length] of lengths.entries()) {
      if (length === 0) {
        expect(whole[row]).toEqual([]);
        continue;
      }
      const alone = layer.forward(x.slice([row, 0], [row + 1, length]));
      expect(output.lengths[row]).toBe(alone.shape[1]);
      expect(differences((whole[row] as number[][]).flat(), await alone.data(), 1e-14)).toEqual([]);
    }
    const dense = (await output.values.array()) as number[][][];
    expect(dense[1]?.flat().every((value) => value === 0)).toBe(true);
    expect(
      dense[2]
        ?.slice(output.lengths[2])
        .flat()
        .every((value) => value === 0),
    ).toBe(true);
  });

  it('leaves rows that are shorter than a window without steps', async () => {
    const layer = new Conv1d({ inChannels: 2, outChannels: 1, kernelSize: 4 });
    expect(layer.forward(new PaddedSequence(ones([2, 6, 2]), [6, 3])).lengths).toEqual([3, 0]);
  });

  it('is rebuilt from its options', () => {
    const layer = new Conv1d({ inChannels: 2, outChannels: 4, kernelSize: 3, padding: 'same' });
    expect(new Conv1d(layer.options).options).toEqual(layer.options);
  });

  it('refuses what does not fit', () => {
    const layer = new Conv1d({ inChannels: 2, outChannels: 4, kernelSize: 3 });
    expect(() => layer.forward(ones([3, 2, 9]))).toThrow(
      /Conv1d\.forward: got input f32\[3, 2, 9\] on (cpu|cuda:0), expected \[N, T, 2\]/,
    );
    expect(() => conv1d(ones([3, 2, 2]), layer.weight)).toThrow(/got 2 steps/);
    expect(layer.forward(ones([3, 2, 2])).shape).toEqual([3, 0, 4]);
    expect(() => new Conv1d({ inChannels: 2, outChannels: 4, kernelSize: 3, padding: -1 })).toThrow(/padding: -1/);
    expect(() => new Conv1d({ inChannels: 2, outChannels: 4, kernelSize: 3, strides: 2 } as Conv1dOptions)).toThrow(
      /write stride, if that is what you mean/,
    );
  });
});
