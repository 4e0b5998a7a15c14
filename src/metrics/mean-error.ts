import { full } from '../tensor/factories';
import { abs, cast, eq, maskedFill, mul, sub } from '../tensor/ops/elementwise';
import { checkEqualShapes, commonLengths, countReal } from '../tensor/ops/losses-shapes';
import { sum } from '../tensor/ops/reduce';
import { stack } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import { DeviceMetric, ratio } from './device-metric';
import type { MetricHints } from './metric-input';

/**
 * Σ weight · error(output - target) and Σ weight over real elements, f64 [2]; without weights each counts 1. All in
 * f64, whatever the two are.
 */
function errorSum(
  op: string,
  output: Sequence,
  target: Sequence,
  { weight }: MetricHints,
  error: (difference: Tensor) => Tensor,
): Tensor {
  const lengths = commonLengths(op, output, target);
  const [x, y] = [valuesOf(output), valuesOf(target)];
  checkEqualShapes(op, 'output', x, y);
  const difference = sub(cast(x, 'f64'), cast(y, 'f64'));
  const real = lengths === undefined ? difference : new PaddedSequence(difference, lengths).zeroPadding().values;
  if (weight !== undefined) {
    const weights = elementWeights(op, weight, { shape: x.shape, lengths, dtype: 'f64' });
    return stack([sum(mul(maskedFill(error(real), eq(weights, 0), 0), weights)), sum(weights)], 0);
  }
  const count = full([], countReal(x.shape, lengths), { dtype: 'f64', device: x.device });
  return stack([sum(error(real)), count], 0);
}

/**
 * Mean of |output - target|.
 *
 * Shapes: output and target of one shape.
 */
export class MeanAbsoluteError extends DeviceMetric {
  readonly name = 'meanAbsoluteError';

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    return errorSum('MeanAbsoluteError', output, target, hints, abs);
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}

/**
 * Mean of (output - target)².
 *
 * Shapes: output and target of one shape.
 */
export class MeanSquaredError extends DeviceMetric {
  readonly name = 'meanSquaredError';

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    return errorSum('MeanSquaredError', output, target, hints, (difference) => mul(difference, difference));
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}
