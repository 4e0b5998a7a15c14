import { describe, expect, it } from 'vitest';
import { conv1d, ones } from 'stmnet';
import { opCase } from '../../support/ops/cases';
import { convolutionOps } from '../../support/ops/convolution';

for (const row of convolutionOps) opCase(row);

describe('conv1d', () => {
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
