import { full } from '../tensor/factories';
import { abs, add, cast, clamp, div, eq, maskedFill, mul, square, sub } from '../tensor/ops/elementwise';
import { checkEqualShapes, commonLengths, countReal } from '../tensor/ops/losses-shapes';
import { sum } from '../tensor/ops/reduce';
import { stack } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import { DeviceMetric, ratio } from './device-metric';
import type { MetricHints } from './metric-input';

/** A mean over real elements of what output and target come to; all in f64, whatever the two are. */
abstract class MeanError extends DeviceMetric {
  /** What an output and its target come to. @internal */
  protected abstract error(output: Tensor, target: Tensor): Tensor;

  /** What the mean comes to. @internal */
  protected of(mean: number): number {
    return mean;
  }

  protected override count(output: Sequence, target: Sequence, { weight }: MetricHints): Tensor {
    const op = this.constructor.name;
    const lengths = commonLengths(op, output, target);
    const [x, y] = [valuesOf(output), valuesOf(target)];
    checkEqualShapes(op, 'output', x, y);
    const error = this.error(cast(x, 'f64'), cast(y, 'f64'));
    const real = lengths === undefined ? error : new PaddedSequence(error, lengths).zeroPadding().values;
    if (weight !== undefined) {
      const weights = elementWeights(op, weight, { shape: x.shape, lengths, dtype: 'f64' });
      return stack([sum(mul(maskedFill(real, eq(weights, 0), 0), weights)), sum(weights)], 0);
    }
    return stack([sum(real), full([], countReal(x.shape, lengths), { dtype: 'f64', device: x.device })], 0);
  }

  protected override result(totals: readonly number[]): number {
    return this.of(ratio(totals));
  }
}

/**
 * Mean of |output - target|.
 *
 * Shapes: output and target of one shape.
 */
export class MeanAbsoluteError extends MeanError {
  readonly name = 'meanAbsoluteError';

  /** @internal */
  protected override error(output: Tensor, target: Tensor): Tensor {
    return abs(sub(output, target));
  }
}

/**
 * Mean of (output - target)².
 *
 * Shapes: output and target of one shape.
 */
export class MeanSquaredError extends MeanError {
  readonly name = 'meanSquaredError';

  /** @internal */
  protected override error(output: Tensor, target: Tensor): Tensor {
    return square(sub(output, target));
  }
}

/**
 * Square root of the mean of (output - target)², over all elements: where there are several outputs, one root of their
 * common mean, as in torchmetrics, and not the mean of their roots.
 *
 * Shapes: output and target of one shape.
 */
export class RootMeanSquaredError extends MeanError {
  readonly name = 'rootMeanSquaredError';

  /** @internal */
  protected override error(output: Tensor, target: Tensor): Tensor {
    return square(sub(output, target));
  }

  /** @internal */
  protected override of(mean: number): number {
    return Math.sqrt(mean);
  }
}

/**
 * Mean of |output - target| / max(|target|, 2⁻⁵²): a part, not a percentage, and huge where a target is 0, as in
 * scikit-learn.
 *
 * Shapes: output and target of one shape.
 */
export class MeanAbsolutePercentageError extends MeanError {
  readonly name = 'meanAbsolutePercentageError';

  /** @internal */
  protected override error(output: Tensor, target: Tensor): Tensor {
    return div(abs(sub(output, target)), clamp(abs(target), { min: 2 ** -52 }));
  }
}

/** What the divisor of SymmetricMeanAbsolutePercentageError is at least, as in torchmetrics. */
const SMALLEST = 1.17e-6;

/**
 * Mean of 2 · |output - target| / max(|output| + |target|, 1.17e-6), in 0..2, as in torchmetrics: 0 where both are 0.
 *
 * Shapes: output and target of one shape.
 */
export class SymmetricMeanAbsolutePercentageError extends MeanError {
  readonly name = 'symmetricMeanAbsolutePercentageError';

  /** @internal */
  protected override error(output: Tensor, target: Tensor): Tensor {
    return div(mul(abs(sub(output, target)), 2), clamp(add(abs(output), abs(target)), { min: SMALLEST }));
  }
}
