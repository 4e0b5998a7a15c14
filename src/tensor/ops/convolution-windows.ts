import { ShapeError } from '../errors';
import { nonNegativeInteger, positiveInteger } from '../options';
import { withDefault, type Readers } from '../read-options';

/** Where the windows of a convolution lie. */
export interface WindowOptions {
  /** Steps from one window to the next. Default 1. */
  stride?: number;
  /** Zero steps put before and after the input; `same`, for stride 1, keeps the number of steps. Default 0. */
  padding?: number | 'same';
  /** Steps from one element of a window to the next. Default 1. */
  dilation?: number;
}

/** Readers of the options that say where windows lie. */
export const windowReaders: Readers<WindowOptions> = {
  stride: withDefault(positiveInteger, 1),
  padding: (op, name, value) => (value === 'same' ? value : nonNegativeInteger(op, name, value ?? 0)),
  dilation: withDefault(positiveInteger, 1),
};

/** Where windows lie: zero steps `before` and `after`, and how many steps one window spans. */
export interface Windows {
  stride: number;
  dilation: number;
  before: number;
  after: number;
  span: number;
}

/**
 * Where windows of `size` steps lie.
 *
 * @throws {ShapeError} if padding `same` comes with another stride than 1
 */
export function windowsOf(op: string, size: number, options: Required<WindowOptions>): Windows {
  const { stride, padding, dilation } = options;
  const span = dilation * (size - 1) + 1;
  if (padding !== 'same') return { stride, dilation, before: padding, after: padding, span };
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
