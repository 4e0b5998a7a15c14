import { describe, expect, it } from 'vitest';
import { conv1d, ones, tensor, type HostArray } from 'stmnet';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

interface Windows {
  stride: number;
  before: number;
  after: number;
  dilation: number;
}

/** The sum over channels and places of the window, element by element. */
function convolved(
  x: HostArray,
  weight: HostArray,
  bias: HostArray,
  { stride, before, after, dilation }: Windows,
): number[] {
  const [rows = 0, steps = 0, channels = 0] = x.shape;
  const [outputs = 0, , size = 0] = weight.shape;
  const count = Math.floor((steps + before + after - dilation * (size - 1) - 1) / stride) + 1;
  const result: number[] = [];
  for (let n = 0; n < rows; n++) {
    for (let t = 0; t < count; t++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias.data[o] ?? 0;
        for (let c = 0; c < channels; c++) {
          for (let k = 0; k < size; k++) {
            const step = t * stride + k * dilation - before;
            if (step >= 0 && step < steps)
              sum +=
                (x.data[(n * steps + step) * channels + c] ?? 0) * (weight.data[(o * channels + c) * size + k] ?? 0);
          }
        }
        result.push(sum);
      }
    }
  }
  return result;
}

describe('conv1d', () => {
  const x = spreadArray([2, 7, 3], 1);
  const weight = spreadArray([4, 3, 3], 2);
  const bias = spreadArray([4], 3);
  const settings = [
    { given: {}, windows: { stride: 1, before: 0, after: 0, dilation: 1 } },
    { given: { stride: 2, padding: 1 }, windows: { stride: 2, before: 1, after: 1, dilation: 1 } },
    { given: { stride: 3, padding: 2, dilation: 2 }, windows: { stride: 3, before: 2, after: 2, dilation: 2 } },
    { given: { padding: 'same', dilation: 2 }, windows: { stride: 1, before: 2, after: 2, dilation: 2 } },
  ] as const;

  it.each(settings)('is the sum over channels and window with $given', async ({ given, windows }) => {
    const y = conv1d(tensor(x, { dtype: 'f64' }), tensor(weight, { dtype: 'f64' }), {
      bias: tensor(bias, { dtype: 'f64' }),
      ...given,
    });
    expect(differences(await y.data(), convolved(x, weight, bias, windows), 1e-12)).toEqual([]);
    if ('padding' in given && given.padding === 'same') expect(y.shape).toEqual([2, 7, 4]);
  });

  it('pads an even window more at the end for same', async () => {
    const kernel = spreadArray([2, 3, 4], 4);
    const none = { data: new Float64Array(2), shape: [2] };
    const y = conv1d(tensor(x, { dtype: 'f64' }), tensor(kernel, { dtype: 'f64' }), { padding: 'same' });
    expect(
      differences(await y.data(), convolved(x, kernel, none, { stride: 1, before: 1, after: 2, dilation: 1 }), 1e-12),
    ).toEqual([]);
  });

  it('has the gradients of differences', async () => {
    for (const { given } of settings)
      await expectGradients(
        (a, b, c) => conv1d(a, b, { bias: c, ...given }),
        [spreadArray([2, 5, 2]), spreadArray([3, 2, 3], 2), spreadArray([3], 3)],
      );
  });

  it('takes a batch without rows', () => {
    expect(conv1d(ones([0, 5, 3]), ones([4, 3, 2])).shape).toEqual([0, 4, 4]);
  });

  it('refuses what does not fit', () => {
    expect(() => conv1d(ones([2, 3, 7]), ones([4, 3, 3]))).toThrow(
      /conv1d: got x f32\[2, 3, 7\] on (cpu|cuda:0) and weight f32\[4, 3, 3\] on (cpu|cuda:0), expected x \[N, T, 3\]/,
    );
    expect(() => conv1d(ones([2, 3]), ones([4, 3, 3]))).toThrow(/expected x \[N, T, 3\]/);
    expect(() => conv1d(ones([2, 2, 3]), ones([4, 3, 3]))).toThrow(
      /got 2 steps with 0 of padding, expected at least 3/,
    );
    expect(() => conv1d(ones([2, 5, 3]), ones([4, 3, 3]), { stride: 0 })).toThrow(/stride: 0/);
    expect(() => conv1d(ones([2, 5, 3]), ones([4, 3, 3]), { stride: 2, padding: 'same' })).toThrow(
      /'same' with stride 2, expected stride 1/,
    );
    expect(() => conv1d(ones([2, 5, 3]), ones([4, 3, 3]), { pad: 1 } as object)).toThrow(
      /only bias, stride, padding, dilation/,
    );
  });
});
