import { PaddedSequence, type Sequence } from './padded-sequence';
import type { Tensor } from './tensor';

/**
 * Applies `fn` to the values of a sequence and gives back the kind that came in: a tensor for a tensor, the same
 * lengths around it for a PaddedSequence.
 *
 *     const logits = mapValues(x, (values) => values.mul(2).add(1));
 *
 * @param fn  keeps the first two axes when `x` is a PaddedSequence, of which it sees zeros past each length: see
 *            `PaddedSequence.map`
 * @throws {ShapeError} if it does not
 */
export function mapValues<X extends Sequence>(x: X, fn: (values: Tensor) => Tensor): X;
export function mapValues(x: Sequence, fn: (values: Tensor) => Tensor): Sequence {
  return x instanceof PaddedSequence ? x.map(fn) : fn(x);
}

/**
 * As `mapValues`, with zeros past each length before and after, and no gradient there: how a layer that does not know
 * the lengths is applied.
 * @internal
 */
export function mapRealSteps<X extends Sequence>(x: X, fn: (values: Tensor) => Tensor): X;
export function mapRealSteps(x: Sequence, fn: (values: Tensor) => Tensor): Sequence {
  return x instanceof PaddedSequence ? x.map(fn).zeroPadding() : fn(x);
}

/**
 * As `mapRealSteps`, for functions without parameters that take each step by itself and 0 to 0, or that know the
 * lengths: their results need no clearing, and a gradient that arrives in the padding goes on to the `zeroPadding` of
 * `x`, where it ends.
 * @internal
 */
export function mapZeros<X extends Sequence>(x: X, fn: (values: Tensor) => Tensor): X;
export function mapZeros(x: Sequence, fn: (values: Tensor) => Tensor): Sequence {
  return x instanceof PaddedSequence ? PaddedSequence.zeroPadded(x.map(fn).values, x.lengths) : fn(x);
}

/**
 * The same sequence with zeros past each length, where gradients go nowhere; itself if there is nothing to clear.
 * @internal
 */
export function clearPadding<X extends Sequence>(x: X): X;
export function clearPadding(x: Sequence): Sequence {
  return x instanceof PaddedSequence ? x.zeroPadding() : x;
}
