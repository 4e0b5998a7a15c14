import { ShapeError } from '../tensor/errors';
import { arange } from '../tensor/factories';
import { add, cast, eq, gt, isNaN, logicalAnd, logicalNot, lt, maskedFill, ne } from '../tensor/ops/elementwise';
import { gather } from '../tensor/ops/indexing';
import { max, sum } from '../tensor/ops/reduce';
import { reshape, stack, unsqueeze } from '../tensor/ops/shape';
import { describe, positiveInteger } from '../tensor/options';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { ClassMetric, readingReaders, withinClasses, type AccuracyOptions } from './classes';
import { ratio } from './device-metric';
import type { MetricHints } from './metric-input';

/**
 * Part of the right answers among all, in 0..1. NaN is no answer, hence wrong.
 *
 * Shapes: output […, C] and labels […], in a Trainer with cross entropy also probabilities […, C]; for yes or no,
 * output […] or […, 1] and target […] or […, 1] of 0 and 1; or answers […], i32, and labels […]. Labels may be of any
 * dtype.
 *
 * @throws {OptionError} if an option is unknown or no number
 */
export class Accuracy extends ClassMetric {
  readonly name = 'accuracy';
  protected readonly reading: AccuracyOptions;

  constructor(options: AccuracyOptions = {}) {
    super();
    this.reading = readOptions('Accuracy', options, readingReaders);
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const { said, truth, weights } = this.answers(output, target, hints);
    return stack([sum(maskedFill(weights, ne(said, truth), 0)), sum(weights)], 0);
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}

/** Options of TopKAccuracy. */
export interface TopKAccuracyOptions extends Omit<AccuracyOptions, 'threshold'> {
  /** Among how many of the largest scores the right class has to be. */
  k: number;
}

/**
 * Part of the labels that are among the `k` classes with the largest scores, in 0..1. Among equal scores the class that
 * comes first stands higher, as for the argmax: with `k: 1` it is the accuracy. Where a score is NaN, there is no
 * answer. In a history its name is `top5Accuracy`, with the `k` it has.
 *
 * Shapes: output […, C] and labels […].
 *
 * @throws {OptionError} if `k` is no positive whole number, or an option is unknown; {ShapeError} from `update` if the
 * output has fewer than `k` classes
 */
export class TopKAccuracy extends ClassMetric {
  readonly name: `top${number}Accuracy`;
  protected readonly reading: AccuracyOptions;
  readonly #k: number;

  constructor(options: TopKAccuracyOptions) {
    super();
    const { threshold: _, ...readers } = readingReaders;
    const { k, ...reading } = readOptions('TopKAccuracy', options, { k: positiveInteger, ...readers });
    this.name = `top${k}Accuracy`;
    this.reading = reading;
    this.#k = k;
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const { truth, weights, classes = 0, scored } = this.answers(output, target, { ...hints, scores: 'classes' });
    const values = valuesOf(output);
    if (!scored || classes < this.#k) {
      throw new ShapeError('TopKAccuracy', {
        given: `output ${describe(values)}`,
        expected: `scores of ${this.#k} classes or more along the last axis`,
        fix: `choose a smaller k, or pass what the model says of each class`,
      });
    }
    const scores = reshape(values, [-1, classes]);
    const labels = reshape(truth, [-1, 1]);
    const right = gather(scores, 1, withinClasses(labels, classes, 0));
    const places = unsqueeze(arange(0, classes, 1, { dtype: 'i32', device: scores.device }), 0);
    const counted = (mask: Tensor): Tensor => sum(cast(mask, 'f64'), 1);
    const before = add(counted(gt(scores, right)), counted(logicalAnd(eq(scores, right), lt(places, labels))));
    const known = eq(withinClasses(labels, classes, -1), labels);
    const found = logicalAnd(logicalAnd(lt(before, this.#k), reshape(known, [-1])), logicalNot(isNaN(max(scores, 1))));
    return stack([sum(maskedFill(reshape(weights, [-1]), logicalNot(found), 0)), sum(weights)], 0);
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}
