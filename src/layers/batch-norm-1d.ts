import { ShapeError } from '../tensor/errors';
import { ones, zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add_ } from '../tensor/ops/elementwise';
import { batchNorm } from '../tensor/ops/normalization';
import { describe, finiteNumber, flag, nonNegativeNumber, positiveInteger } from '../tensor/options';
import { mapZeros } from '../tensor/map-values';
import { lengthsOf, type Sequence } from '../tensor/padded-sequence';
import { floating, readOptions, withDefault } from '../tensor/read-options';
import { claim } from '../module/allowance';
import { checkSequence, fixWithoutFeatures } from '../module/check-input';
import { Module } from '../module/module';
import { BufferTensor, takeOver, type Parameter } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';

/** Options of a BatchNorm1d. */
export interface BatchNorm1dOptions {
  /** Last axis of the input. */
  numFeatures: number;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** What part of the running statistics the batch's replace. Default 0.1. */
  momentum?: number;
  /** Whether to learn a factor and a bias of each feature. Default true. */
  affine?: boolean;
  /** Whether to keep running statistics; without them evaluation too uses the batch's own. Default true. */
  trackRunningStats?: boolean;
  /** Element type of parameters and buffers. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Batch normalisation (Ioffe & Szegedy, 2015) of each feature over rows and steps.
 *
 *   y = (x - mean) / √(variance + eps) · weight + bias
 *
 * In training by the batch's own mean and (biased) variance, while running_mean and running_var (unbiased) move towards
 * them; in evaluation by those.
 *
 * Shapes: input [N, C] or [N, T, C] → the same, features last; weight (from ones), bias (from zeros), running_mean,
 * running_var [C]. A PaddedSequence gives a PaddedSequence: steps past a length are left out of the statistics, and
 * zero.
 *
 * @throws {OptionError} if `numFeatures` is not a positive whole number, or an option is unknown
 * @see torch.nn.BatchNorm1d, whose features are the second axis
 */
export class BatchNorm1d extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<BatchNorm1dOptions>>;
  /** Factor, or undefined without affine. */
  weight: Parameter | undefined;
  /** Bias, or undefined without affine. */
  bias: Parameter | undefined;
  /** Running mean, or undefined without trackRunningStats. */
  running_mean: BufferTensor | undefined;
  /** Running variance, or undefined without trackRunningStats. */
  running_var: BufferTensor | undefined;
  /** How many batches the running statistics have seen, i32; PyTorch's checkpoints have it. */
  num_batches_tracked: BufferTensor | undefined;

  constructor(options: BatchNorm1dOptions) {
    super();
    this.options = readOptions('BatchNorm1d', options, {
      numFeatures: positiveInteger,
      eps: withDefault(nonNegativeNumber, 1e-5),
      momentum: withDefault(finiteNumber, 0.1),
      affine: withDefault(flag, true),
      trackRunningStats: withDefault(flag, true),
      dtype: floating,
    });
    const { numFeatures, affine, trackRunningStats, dtype } = this.options;
    if (affine) claim([numFeatures], 2);
    if (trackRunningStats) {
      claim([numFeatures], 2);
      claim([]);
    }
    this.weight = affine ? takeOver(ones([numFeatures], { dtype })) : undefined;
    this.bias = affine ? takeOver(zeros([numFeatures], { dtype })) : undefined;
    this.running_mean = trackRunningStats ? new BufferTensor(zeros([numFeatures], { dtype })) : undefined;
    this.running_var = trackRunningStats ? new BufferTensor(ones([numFeatures], { dtype })) : undefined;
    this.num_batches_tracked = trackRunningStats ? new BufferTensor(zeros([], { dtype: 'i32' })) : undefined;
  }

  /**
   * @throws {ShapeError} if `input` is not [N, C] or [N, T, C] with C `numFeatures`, or fewer than two rows are real in
   * training
   */
  forward<X extends Sequence>(input: X): X {
    checkSequence('BatchNorm1d.forward', input);
    const { numFeatures, eps, momentum } = this.options;
    const { shape } = input;
    if (shape.at(-1) !== numFeatures || shape.length < 2 || shape.length > 3) {
      throw new ShapeError('BatchNorm1d.forward', {
        given: `input ${describe(input)}`,
        expected: `[N, ${numFeatures}] or [N, T, ${numFeatures}] (numFeatures)`,
        fix: fixWithoutFeatures(input) ?? `build the layer with numFeatures: ${shape.at(-1) ?? 1}, features last`,
      });
    }
    const lengths = lengthsOf(input);
    const settings = {
      weight: this.weight,
      bias: this.bias,
      runningMean: this.running_mean,
      runningVar: this.running_var,
      training: this.training,
      momentum,
      eps,
      lengths,
    };
    const output = mapZeros(input, (values) => batchNorm(values, settings));
    const batches = this.num_batches_tracked;
    if (this.training && batches !== undefined) noGrad(() => add_(batches, 1));
    return output;
  }
}
