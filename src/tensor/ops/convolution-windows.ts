import { ShapeError } from '../errors';
import { nonNegativeInteger, positiveInteger } from '../options';

/** Where the windows of a convolution lie. */
export interface WindowOptions {
  /** Steps from one window to the next. Default 1. */
  stride?: number;
  /** Zero steps put before and after the input; `same`, for stride 1, keeps the number of steps. Default 0. */
  padding?: number | 'same';
  /** Steps from one element of a window to the next. Default 1. */
  dilation?: number;
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
  if (stride !== 1)
    throw new ShapeError(op, {
      given: `padding 'same' with stride ${stride}`,
      expected: 'stride 1',
      fix: 'pass the padding as a number',
    });
  const before = Math.floor((span - 1) / 2);
  return { stride, dilation, before, after: span - 1 - before, span };
}

/** How many windows fit into `steps` real steps; none into none. */
export function windowCount(steps: number, { stride, before, after, span }: Windows): number {
  return steps === 0 ? 0 : Math.max(0, Math.floor((steps + before + after - span) / stride) + 1);
}
