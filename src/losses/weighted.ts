import { mapValues } from '../tensor/map-values';
import { divided, divisorsWanted } from '../tensor/ops/losses-notes';
import { add, cast, div, eq, maskedFill, mul } from '../tensor/ops/elementwise';
import { sum } from '../tensor/ops/reduce';
import { reshape, stack } from '../tensor/ops/shape';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import type { Reduction } from '../tensor/ops/losses-options';

/**
 * What has weight 0 may be NaN, or a label that is none: it becomes a number before the loss sees it, so that it has an
 * effect neither on the loss nor, by its gradient, on the model. What does not fit the weights stays as it is, for the
 * loss to refuse.
 *
 * @param x        input or target
 * @param weights  of its first axes
 * @param number   what it becomes, which the loss takes. Default 0
 */
export function countingAlone(x: Sequence, weights: Tensor, number = 0): Sequence {
  const { rank } = valuesOf(x);
  const axes = weights.shape.slice(0, rank);
  const fits = axes.every((extent, axis) => extent === x.shape[axis]);
  // A target may lack the last axis of extent 1.
  if (!fits || weights.shape.slice(rank).some((extent) => extent !== 1)) return x;
  const left = reshape(eq(weights, 0), [...axes, ...x.shape.slice(axes.length).map(() => 1)]);
  return mapValues(x, (values) => maskedFill(values, left, number));
}

/**
 * The weighed mean of the values of a loss, Σ w · l / Σ w, or their weighed sum. A value of weight 0 is left out,
 * whatever it is.
 *
 * @param values     of the loss, 0 in the padding
 * @param weights    one for each value, 0 in the padding
 * @param reduction  `mean` or `sum`; `none` gives the weighed values
 * @param dividing   the weights that a mean divides by the sum of. Default: all of them
 */
export function weighted(values: Tensor, weights: Tensor, reduction: Reduction, dividing = weights): Tensor {
  const weighed = mul(maskedFill(values, eq(weights, 0), 0), weights);
  if (reduction === 'none') return weighed;
  const total = sum(weighed);
  if (reduction === 'sum') return divided(total, 'none');
  const divisor = sum(dividing);
  // Where nothing counts, a batch adds nothing to the figures of an epoch.
  const by = divisorsWanted() ? add(divisor, cast(eq(divisor, 0), divisor.dtype)) : divisor;
  const mean = div(total, by);
  return divided(mean, stack([cast(divisor, 'f64'), cast(total.detach(), 'f64')], 0));
}
