import { ShapeError } from '../errors';
import { within } from '../op-name';
import { zeros } from '../factories';
import { describe } from '../options';
import { asGiven, readOptions } from '../read-options';
import { checkTensor, type Tensor } from '../tensor';
import { windowReaders, windowsOf, type WindowOptions } from './convolution-windows';
import { unfold } from './indexing';
import { linear } from './matmul';
import { concat, reshape } from './shape';

/** Options of `conv1d`. */
export interface Conv1dFunctionOptions extends WindowOptions {
  /** Added to each output channel, [O]. Default: none. */
  bias?: Tensor | undefined;
}

/**
 * Convolution along time (a cross-correlation, as everywhere), features last.
 *
 *   y[n, t, o] = Σ_{c, k} x[n, t · stride + k · dilation - padding, c] · weight[o, c, k] + bias[o]
 *
 * Shapes: x [N, T, C], weight [O, C, K] → [N, T', O]
 * with T' = ⌊(T + 2 · padding - dilation · (K - 1) - 1) / stride⌋ + 1.
 *
 * @throws {ShapeError} if channels differ, or no window fits into the padded steps
 * @see torch.nn.functional.conv1d, whose features are the second axis
 */
export function conv1d(x: Tensor, weight: Tensor, options: Conv1dFunctionOptions = {}): Tensor {
  const { bias, ...settings } = readOptions('conv1d', options, { bias: asGiven, ...windowReaders });
  checkTensor(x, 'conv1d');
  checkTensor(weight, 'conv1d', 'weight');
  const [rows, steps, channels] = x.shape;
  const [outputs, inputs, size] = weight.shape;
  if (rows === undefined || steps === undefined || x.rank !== 3 || channels !== inputs || channels === undefined) {
    const expected = `x [N, T, ${inputs ?? 'C'}] and weight [O, C, K]`;
    throw new ShapeError('conv1d', {
      given: `x ${describe(x)} and weight ${describe(weight)}`,
      expected,
      fix: 'put the features on the last axis: x.transpose(1, 2)',
    });
  }
  if (outputs === undefined || size === undefined || size < 1 || weight.rank !== 3) {
    throw new ShapeError('conv1d', {
      given: `weight ${describe(weight)}`,
      expected: '[O, C, K] with K of at least 1',
      fix: 'give the weight three axes',
    });
  }
  const windows = windowsOf('conv1d', size, settings);
  if (steps + windows.before + windows.after < windows.span) {
    throw new ShapeError('conv1d', {
      given: `${steps} steps with ${windows.before + windows.after} of padding`,
      expected: `at least ${windows.span}, the span of a window`,
      fix: 'use more padding or a smaller kernel',
    });
  }
  return within('conv1d', () => {
    const padded = padSteps(x, windows.before, windows.after);
    const unfolded = unfold(padded, 1, size, { stride: windows.stride, dilation: windows.dilation }); // [N, T', C, K]
    const [, count = 0] = unfolded.shape;
    return linear(reshape(unfolded, [rows, count, channels * size]), reshape(weight, [outputs, channels * size]), bias);
  });
}

/** Zero steps before and after those of [N, T, C]. */
function padSteps(x: Tensor, before: number, after: number): Tensor {
  const [rows = 0, , channels = 0] = x.shape;
  const blank = (steps: number): Tensor[] =>
    steps === 0 ? [] : [zeros([rows, steps, channels], { dtype: x.dtype, device: x.device })];
  return before + after === 0 ? x : concat([...blank(before), x, ...blank(after)], 1);
}
