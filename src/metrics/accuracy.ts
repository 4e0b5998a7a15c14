import { maskedFill, ne } from '../tensor/ops/elementwise';
import { sum } from '../tensor/ops/reduce';
import { stack } from '../tensor/ops/shape';
import { finiteNumber } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { optional, readOptions, type Readers } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { answersOf } from './answers';
import { DeviceMetric, ratio } from './device-metric';
import type { MetricHints } from './metric';

/** Options that say how a metric reads outputs and labels. */
export interface AccuracyOptions {
  /**
   * For outputs that are a yes or no each, of the target's shape: above it the answer is 1. 0 for logits, 0.5 for
   * probabilities. Default: in a Trainer as its loss reads the outputs, 0 where it takes logits; else 0.5 for outputs
   * [N], […, 1] and padded [N, T], while others are scores of classes along the last axis.
   */
  threshold?: number | undefined;
  /** A label that is not counted. Default that of the cross entropy in the Trainer, else -100, as there. */
  ignoreIndex?: number | undefined;
}

/** Readers of these options. */
export const readingReaders: Readers<AccuracyOptions> = {
  threshold: optional(finiteNumber),
  ignoreIndex: optional(finiteNumber),
};

/**
 * Part of the right answers among all, in 0..1. NaN is no answer, hence wrong.
 *
 * Shapes: output […, C] and labels […], in a Trainer with cross entropy also probabilities […, C]; for yes or no,
 * output […] or […, 1] and target […] or […, 1] of 0 and 1. Labels may be of any dtype.
 *
 * @throws {OptionError} if an option is unknown or no number
 */
export class Accuracy extends DeviceMetric {
  readonly name = 'accuracy';
  readonly #reading: AccuracyOptions;

  constructor(options: AccuracyOptions = {}) {
    super();
    this.#reading = readOptions('Accuracy', options, readingReaders);
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const { said, truth, weights } = answersOf('Accuracy', output, target, { ...hints, ...this.#reading });
    return stack([sum(maskedFill(weights, ne(said, truth), 0)), sum(weights)], 0);
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}
