import { zeros } from '../tensor/factories';
import { add, clamp, mul } from '../tensor/ops/elementwise';
import { scatterAdd } from '../tensor/ops/indexing';
import { reshape } from '../tensor/ops/shape';
import { oneOf } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { optional, readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { alignedTable, ClassReport, supportText } from './class-report';
import {
  checkOdd,
  classCount,
  classesOf,
  ClassMetric,
  classReaders,
  withinClasses,
  type AccuracyOptions,
  type ClassOptions,
} from './classes';
import type { MetricHints } from './metric-input';

/** Options of ConfusionMatrix. */
export type ConfusionMatrixOptions = ClassOptions;

/** Options of `matrix` and `table`. */
export interface ConfusionMatrixFormat {
  /**
   * What counts are divided by: those of the true class (`true`), of the answer (`pred`), or all of them (`all`); 0
   * where that is 0. Default: nothing.
   */
  normalize?: 'true' | 'pred' | 'all' | undefined;
}

/**
 * How often each class was taken for each other one. Its value is the mean over the classes that occur of the part of
 * them that was recognised (balanced accuracy); `matrix` gives the counts, `table` a text, and `report` precision,
 * recall and F1. NaN is no answer: its class was not recognised, and stands in no column.
 *
 * Shapes: as for Accuracy, labels in 0..C-1.
 *
 * @throws {OptionError} if an option is unknown or out of range; from `compute`, `matrix` and the like if a label or an
 * answer was no class
 */
export class ConfusionMatrix extends ClassMetric {
  readonly name = 'balancedAccuracy';
  protected readonly reading: AccuracyOptions;
  readonly #numClasses: number | undefined;

  constructor(options: ConfusionMatrixOptions = {}) {
    super();
    const { numClasses, ...reading } = readOptions<ConfusionMatrixOptions>('ConfusionMatrix', options, classReaders);
    this.#numClasses = classCount('ConfusionMatrix', { ...reading, numClasses });
    this.reading = reading;
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const answers = this.answers(output, target, hints);
    const classes = classesOf('ConfusionMatrix', answers, output, this.#numClasses);
    // Rows: one for each class, then one for labels that are no class. Columns: one for outputs of NaN, which give no
    // answer, then one for each class, then one for answers that are no class.
    const [said, truth, weights] = [answers.said, answers.truth, answers.weights].map((x) => reshape(x, [-1])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const rows = withinClasses(truth, classes, classes);
    const columns = add(clamp(said, { min: -1, max: classes }), 1);
    const size = (classes + 1) * (classes + 2);
    const sums = zeros([size], { dtype: 'f64', device: weights.device });
    return reshape(scatterAdd(sums, 0, add(mul(rows, classes + 2), columns), weights), [classes + 1, classes + 2]);
  }

  /**
   * Counts by class and answer, or sums of weights: row = true class, column = answer.
   *
   * @throws {OptionError} if a label or an answer was no class, or an option is unknown
   */
  async matrix(options: ConfusionMatrixFormat = {}): Promise<number[][]> {
    const { normalize } = readOptions<ConfusionMatrixFormat>('ConfusionMatrix.matrix', options, {
      normalize: optional((op, name, value) => oneOf(op, name, value, ['true', 'pred', 'all'])),
    });
    const matrix = this.#cellsOf(await this.gathered()).map((row) => row.slice(1));
    if (normalize === undefined) return matrix;
    const columns = matrix.map((_, at) => total(matrix.map((row) => row[at] ?? 0)));
    const whole = total(columns);
    return matrix.map((row) => {
      const by = { true: () => total(row), pred: (at: number) => columns[at] ?? 0, all: () => whole }[normalize];
      return row.map((count, at) => (count === 0 ? 0 : count / by(at)));
    });
  }

  /**
   * The matrix as a text, with the labels: rows are true classes, columns answers.
   *
   * @throws as `matrix`
   */
  async table(options: ConfusionMatrixFormat = {}): Promise<string> {
    const matrix = await this.matrix(options);
    const names = matrix.map((_, index) => this.reading.labels?.[index] ?? String(index));
    return alignedTable([['', ...names], ...matrix.map((row, index) => [names[index] ?? '', ...row.map(supportText)])]);
  }

  /**
   * Precision, recall and F1 of each class and of all; as a text a table.
   *
   * @throws {OptionError} if a label or an answer was no class
   */
  async report(): Promise<ClassReport> {
    const cells = this.#cellsOf(await this.gathered());
    const said = cells.map((_, index) => total(cells.map((row) => row[index + 1] ?? 0)));
    const counts = { right: cells.map((row, index) => row[index + 1] ?? 0), said, truth: cells.map(total) };
    return new ClassReport(counts, this.reading.labels, 0);
  }

  /**
   * The rows of the classes: no answer, then the classes. Labels are not read before, since that would mean to wait for
   * the device at each batch.
   */
  #cellsOf(totals: readonly number[] | undefined): number[][] {
    // (C + 1)(C + 2) sums; without any of them as many classes as are known.
    const known = totals === undefined ? (this.#numClasses ?? 0) : Math.round(Math.sqrt(totals.length + 0.25) - 1.5);
    const sums = totals ?? [];
    const width = known + 2;
    const rows = Array.from({ length: known }, (_, row) =>
      Array.from({ length: width }, (__, column) => sums[row * width + column] ?? 0),
    );
    checkOdd('ConfusionMatrix', 'label', total(sums.slice(known * width)), known);
    checkOdd('ConfusionMatrix', 'answer', total(rows.map((row) => row[known + 1] ?? 0)), known);
    return rows.map((row) => row.slice(0, known + 1));
  }

  protected override result(totals: readonly number[]): number {
    const recalls = this.#cellsOf(totals).flatMap((row, index) => {
      const count = total(row);
      return count === 0 ? [] : [(row[index + 1] ?? 0) / count];
    });
    return recalls.length === 0 ? Number.NaN : total(recalls) / recalls.length;
  }
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
