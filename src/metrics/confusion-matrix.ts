import { OptionError, ShapeError } from '../tensor/errors';
import { add, cast, ge, logicalOr, lt, maskedFill, mul } from '../tensor/ops/elementwise';
import { oneHot } from '../tensor/ops/indexing';
import { matmul } from '../tensor/ops/matmul';
import { reshape, transpose } from '../tensor/ops/shape';
import { describe, positiveInteger } from '../tensor/options';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { readingReaders, type AccuracyOptions } from './accuracy';
import { answersOf } from './answers';
import { DeviceMetric } from './device-metric';
import type { MetricHints } from './metric';

/** Options of ConfusionMatrix. */
export interface ConfusionMatrixOptions extends AccuracyOptions {
  /** Number of classes, C; 2 for yes or no. */
  numClasses: number;
}

/**
 * How often each class was taken for each other one. Its value is the mean over the classes that occur of the part of
 * them that was recognised (balanced accuracy); `matrix` gives the counts. NaN is no answer: its class was not
 * recognised, and stands in no column.
 *
 * Shapes: as for Accuracy, labels in 0..C-1.
 *
 * @throws {OptionError} if `numClasses` is no positive whole number, or an option is unknown; from `compute` and
 * `matrix` if a label was no class
 */
export class ConfusionMatrix extends DeviceMetric {
  readonly name = 'balancedAccuracy';
  readonly #numClasses: number;
  readonly #reading: AccuracyOptions;

  constructor(options: ConfusionMatrixOptions) {
    super();
    const { numClasses, ...reading } = readOptions('ConfusionMatrix', options, {
      numClasses: positiveInteger,
      ...readingReaders,
    });
    this.#numClasses = numClasses;
    this.#reading = reading;
    // Rows: one for each class, then one for labels that are no class. Columns: one for outputs of NaN, which give no
    // answer, then one for each class.
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const classes = this.#numClasses;
    const {
      said,
      truth,
      weights,
      classes: found,
    } = answersOf('ConfusionMatrix', output, target, { ...hints, ...this.#reading });
    if (found !== classes) {
      const expected =
        found === 2 && valuesOf(output).shape.at(-1) !== 2
          ? 'numClasses: 2 for yes or no'
          : `last axis ${classes} (numClasses)`;
      throw new ShapeError('ConfusionMatrix', {
        given: `output ${describe(valuesOf(output))}`,
        expected,
        fix: 'choose numClasses as the model has outputs',
      });
    }
    const flat = (x: Tensor): Tensor => reshape(x, [-1]);
    const labels = maskedFill(truth, logicalOr(lt(truth, 0), ge(truth, classes)), classes);
    const rows = mul(cast(oneHot(flat(labels), classes + 1), 'f64'), reshape(weights, [-1, 1]));
    return matmul(transpose(rows, 0, 1), cast(oneHot(add(flat(said), 1), classes + 1), 'f64'));
  }

  /**
   * Counts by class and answer, or sums of weights: row = true class, column = answer.
   *
   * @throws {OptionError} if a label was no class
   */
  async matrix(): Promise<number[][]> {
    const totals = this.#checked((await this.gathered()) ?? []);
    const classes = this.#numClasses;
    return Array.from({ length: classes }, (_, row) =>
      Array.from({ length: classes }, (__, column) => totals[row * (classes + 1) + column + 1] ?? 0),
    );
  }

  /**
   * The sums, once they are known to hold no label outside of the classes. Labels are not read before, since that would
   * mean to wait for the device at each batch.
   */
  #checked(totals: readonly number[]): readonly number[] {
    const classes = this.#numClasses;
    const odd = totals.slice(classes * (classes + 1)).reduce((total, count) => total + count, 0);
    if (odd === 0) return totals;
    throw new OptionError('ConfusionMatrix', {
      given: `${odd} ${odd === 1 ? 'label that is' : 'labels that are'} no class`,
      expected: `whole numbers in 0..${classes - 1}, or the ignoreIndex`,
      fix: 'correct the labels, or choose numClasses as there are classes',
    });
  }

  protected override result(totals: readonly number[]): number {
    const sums = this.#checked(totals);
    const width = this.#numClasses + 1;
    const recalls: number[] = [];
    for (let row = 0; row < this.#numClasses; row++) {
      const counts = sums.slice(row * width, (row + 1) * width);
      const count = counts.reduce((total, one) => total + one, 0);
      if (count > 0) recalls.push((counts[row + 1] ?? 0) / count);
    }
    return recalls.length === 0 ? Number.NaN : recalls.reduce((total, recall) => total + recall, 0) / recalls.length;
  }
}
