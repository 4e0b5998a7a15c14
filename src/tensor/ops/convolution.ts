import { ShapeError } from '../errors';
import { zeros } from '../factories';
import { checkOptions, describe, nonNegativeInteger, positiveInteger } from '../options';
import type { Tensor } from '../tensor';
import { unfold } from './indexing';
import { linear } from './matmul';
import { concat, reshape } from './shape';

/** Where the windows of a convolution lie. */
export interface WindowOptions {
  /** Steps from one window to the next. Default 1. */
  stride?: number;
  /** Zero steps put before and after the input; `same`, for stride 1, keeps the number of steps. Default 0. */
  padding?: number | 'same';
  /** Steps from one element of a window to the next. Default 1. */
  dilation?: number;
}

/** Options of `conv1d`. */
export interface Conv1dFunctionOptions extends WindowOptions {
  /** Added to each output channel, [O]. Default: none. */
  bias?: Tensor | undefined;
}

/** Windows with their defaults: zero steps `before` and `after`, and how many steps one window spans. */
export interface Windows {
  stride: number;
  dilation: number;
  before: number;
  after: number;
  span: number;
}

/**
 * Checks where windows of `size` steps lie.
 *
 * @throws {OptionError} if a number is out of range; {ShapeError} if `same` comes with another stride than 1
 */
export function checkWindows(op: string, size: number, options: WindowOptions): Windows {
  const stride = positiveInteger(op, 'stride', options.stride ?? 1);
  const dilation = positiveInteger(op, 'dilation', options.dilation ?? 1);
  const span = dilation * (size - 1) + 1;
  if (options.padding !== 'same') {
    const padding = nonNegativeInteger(op, 'padding', options.padding ?? 0);
    return { stride, dilation, before: padding, after: padding, span };
  }
  if (stride !== 1) throw new ShapeError(op, { given: `padding 'same' with stride ${stride}`, expected: 'stride 1', fix: 'pass the padding as a number' });
  const before = Math.floor((span - 1) / 2);
  return { stride, dilation, before, after: span - 1 - before, span };
}

/** How many windows fit into `steps` real steps; none into none. */
export function windowCount(steps: number, { stride, before, after, span }: Windows): number {
  return steps === 0 ? 0 : Math.max(0, Math.floor((steps + before + after - span) / stride) + 1);
}

/**
 * Convolution along time (a cross-correlation, as everywhere), features last.
 *
 *   y[n, t, o] = Σ_{c, k} x[n, t · stride + k · dilation - padding, c] · weight[o, c, k] + bias[o]
 *
 * Shapes: x [N, T, C], weight [O, C, K] → [N, T', O] with T' = ⌊(T + 2 · padding - dilation · (K - 1) - 1) / stride⌋ + 1.
 *
 * @throws {ShapeError} if channels differ, or no window fits into the padded steps
 * @see torch.nn.functional.conv1d, whose features are the second axis
 */
export function conv1d(x: Tensor, weight: Tensor, options: Conv1dFunctionOptions = {}): Tensor {
  checkOptions('conv1d', options, ['bias', 'stride', 'padding', 'dilation']);
  const [rows, steps, channels] = x.shape;
  const [outputs, inputs, size] = weight.shape;
  if (rows === undefined || steps === undefined || x.rank !== 3 || channels !== inputs || channels === undefined) {
    const expected = `x [N, T, ${inputs ?? 'C'}] and weight [O, C, K]`;
    throw new ShapeError('conv1d', { given: `x ${describe(x)} and weight ${describe(weight)}`, expected, fix: 'put the features on the last axis: x.transpose(1, 2)' });
  }
  if (outputs === undefined || size === undefined || size < 1 || weight.rank !== 3) {
    throw new ShapeError('conv1d', { given: `weight ${describe(weight)}`, expected: '[O, C, K] with K of at least 1', fix: 'give the weight three axes' });
  }
  const windows = checkWindows('conv1d', size, options);
  if (steps + windows.before + windows.after < windows.span) {
    throw new ShapeError('conv1d', {
      given: `${steps} steps with ${windows.before + windows.after} of padding`, expected: `at least ${windows.span}, the span of a window`, fix: 'use more padding or a smaller kernel',
    });
  }
  const padded = padSteps(x, windows.before, windows.after);
  const unfolded = unfold(padded, 1, size, { stride: windows.stride, dilation: windows.dilation }); // [N, T', C, K]
  const [, count = 0] = unfolded.shape;
  return linear(reshape(unfolded, [rows, count, channels * size]), reshape(weight, [outputs, channels * size]), options.bias);
}

/** Zero steps before and after those of [N, T, C]. */
function padSteps(x: Tensor, before: number, after: number): Tensor {
  const [rows = 0, , channels = 0] = x.shape;
  const blank = (steps: number): Tensor[] => (steps === 0 ? [] : [zeros([rows, steps, channels], { dtype: x.dtype, device: x.device })]);
  return before + after === 0 ? x : concat([...blank(before), x, ...blank(after)], 1);
}
