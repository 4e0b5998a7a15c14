import { OptionError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { lt, maskedFill, ne } from '../tensor/ops/elementwise';
import { scatterAdd } from '../tensor/ops/indexing';
import { reshape, stack } from '../tensor/ops/shape';
import { describe, flag, nonNegativeInteger, oneOf } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { averageOf, ClassReport, figureOfEach, type ClassAverage, type ClassCounts } from './class-report';
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

/** Options of Precision, Recall and F1Score. */
export interface PrecisionRecallOptions extends ClassOptions {
  /**
   * How the classes become one figure: that of one class alone (`binary`), their mean (`macro`), their mean by how
   * often they occur (`weighted`), or the figure of all answers together (`micro`). In a mean, classes that neither
   * occur nor are answered do not count. Default: `binary` where there are two classes or `positive` is given, else
   * `macro`.
   */
  average?: ClassAverage | undefined;
  /** For `binary`: the class that is looked for, its number or its label. Default 1, the second of two. */
  positive?: number | string | undefined;
  /**
   * What a figure is where there is nothing to divide by, as the precision of what is never answered. NaN leaves such a
   * class out of the means of classes. Default 0.
   */
  zeroDivision?: number | undefined;
  /** Whether a history has the figure of each class too, as `f1.spam`; with `labels` or `numClasses`. Default false. */
  perClass?: boolean | undefined;
}

const readers: Readers<PrecisionRecallOptions> = {
  ...classReaders,
  average: optional((op, name, value) => oneOf(op, name, value, ['binary', 'macro', 'micro', 'weighted'])),
  positive: optional((op, name, value) => (typeof value === 'string' ? value : nonNegativeInteger(op, name, value))),
  zeroDivision: withDefault(zeroDivisionOf, 0),
  perClass: withDefault(flag, false),
};

/** What Precision, Recall and F1Score have in common: they count per class how often it was right, said and both. */
abstract class PrecisionRecall extends ClassMetric {
  readonly #figure: 'precision' | 'recall' | 'f1';
  override readonly figureNames: readonly string[] = [];
  protected readonly reading: AccuracyOptions;
  readonly #average: ClassAverage | undefined;
  readonly #zeroDivision: number;
  readonly #positive: number | undefined;
  readonly #classes: number | undefined;

  protected constructor(figure: 'precision' | 'recall' | 'f1', options: PrecisionRecallOptions) {
    super();
    const op = new.target.name;
    const given = readOptions<PrecisionRecallOptions>(op, options, readers);
    const { average, positive, zeroDivision = 0, perClass = false, numClasses, ...reading } = given;
    this.#figure = figure;
    this.#average = average;
    this.#zeroDivision = zeroDivision;
    this.reading = reading;
    this.#classes = classCount(op, { ...reading, numClasses });
    this.#positive = positive === undefined ? undefined : placeOf(op, positive, reading.labels, this.#classes);
    if (perClass) this.figureNames = reading.labels ?? numbersTo(this.#classes ?? unknownClasses(op));
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const answers = this.answers(output, target, hints);
    const { said, truth, weights } = answers;
    const classes = classesOf(this.constructor.name, answers, output, this.#classes);
    // Columns: the classes, then one for what is no class, and one for where there is no answer.
    const [given, right, counted] = [said, truth, weights].map((x) => reshape(x, [-1])) as [Tensor, Tensor, Tensor];
    const answered = maskedFill(withinClasses(given, classes, classes), lt(given, 0), classes + 1);
    const labels = withinClasses(right, classes, classes);
    const sums = (places: Tensor, source: Tensor): Tensor =>
      scatterAdd(zeros([classes + 2], { dtype: 'f64', device: counted.device }), 0, places, source);
    const agreed = maskedFill(counted, ne(answered, labels), 0);
    return stack([sums(labels, agreed), sums(answered, counted), sums(labels, counted)], 0);
  }

  protected override result(totals: readonly number[]): number {
    const counts = this.#countsOf(totals);
    const positive = this.#positive ?? 1;
    const classes = counts.right.length;
    const average = this.#average ?? (this.#positive !== undefined || classes === 2 ? 'binary' : 'macro');
    if (average === 'binary' && positive >= classes) throw noSuchClass(this.constructor.name, positive, classes);
    return averageOf(this.#figure, counts, { average, positive, zeroDivision: this.#zeroDivision });
  }

  protected override details(totals: readonly number[]): Record<string, number> {
    const each = figureOfEach(this.#figure, this.#countsOf(totals), this.#zeroDivision);
    return Object.fromEntries(this.figureNames.map((name, index) => [name, each[index] ?? Number.NaN]));
  }

  /**
   * The figure of each class, in their order; empty if nothing was counted.
   *
   * @throws {OptionError} if a label or an answer was no class
   */
  async perClass(): Promise<number[]> {
    const totals = await this.gathered();
    return totals === undefined ? [] : figureOfEach(this.#figure, this.#countsOf(totals), this.#zeroDivision);
  }

  /**
   * Precision, recall and F1 of each class and of all; as a text a table.
   *
   * @throws {OptionError} if a label or an answer was no class
   */
  async report(): Promise<ClassReport> {
    const totals = (await this.gathered()) ?? [];
    return new ClassReport(this.#countsOf(totals), this.reading.labels, this.#zeroDivision);
  }

  #countsOf(totals: readonly number[]): ClassCounts {
    const width = totals.length / 3;
    const classes = Math.max(width - 2, 0);
    const row = (index: number): readonly number[] => totals.slice(index * width, (index + 1) * width);
    checkOdd(this.constructor.name, 'label', row(2)[classes] ?? 0, classes);
    checkOdd(this.constructor.name, 'answer', row(1)[classes] ?? 0, classes);
    const [right, said, truth] = [0, 1, 2].map((index) => row(index).slice(0, classes));
    return { right: right ?? [], said: said ?? [], truth: truth ?? [] };
  }
}

/**
 * Part of the answers that are right, of a class or of all: right / said.
 *
 * Shapes: as for Accuracy, labels in 0..C-1. NaN is no answer, and a label that is none is an error of `compute`.
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export class Precision extends PrecisionRecall {
  readonly name = 'precision';

  constructor(options: PrecisionRecallOptions = {}) {
    super('precision', options);
  }
}

/**
 * Part of the labels that were found, of a class or of all: right / there.
 *
 * Shapes: as for Precision.
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export class Recall extends PrecisionRecall {
  readonly name = 'recall';

  constructor(options: PrecisionRecallOptions = {}) {
    super('recall', options);
  }
}

/**
 * Harmonic mean of precision and recall, of a class or of all: 2 · right / (said + there).
 *
 *     new F1Score({ labels: ['ham', 'spam'], positive: 'spam' }) // of spam alone
 *     new F1Score({ average: 'macro', numClasses: 18 }) // the mean of 18 classes
 *
 * Shapes: as for Precision.
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export class F1Score extends PrecisionRecall {
  readonly name = 'f1';

  constructor(options: PrecisionRecallOptions = {}) {
    super('f1', options);
  }
}

/** The number of a class that was named. @throws {OptionError} if there is none */
function placeOf(
  op: string,
  positive: number | string,
  labels: readonly string[] | undefined,
  classes: number | undefined,
): number {
  if (typeof positive === 'string' && labels?.includes(positive) === true) return labels.indexOf(positive);
  if (typeof positive === 'number' && positive < (classes ?? Number.POSITIVE_INFINITY)) return positive;
  if (typeof positive === 'number') throw noSuchClass(op, positive, classes ?? 0);
  throw new OptionError(op, {
    given: `positive: ${describe(positive)}`,
    expected: labels === undefined ? 'labels beside it, or a number' : `one of ${describe(labels)}`,
    fix: `name the classes, as in labels: ['no', ${describe(positive)}]`,
  });
}

const noSuchClass = (op: string, positive: number, classes: number): OptionError =>
  new OptionError(op, {
    given: `positive: ${positive} of ${classes} classes`,
    expected: `a number in 0..${classes - 1}`,
    fix: 'name the class that is looked for, or choose another average',
  });

function zeroDivisionOf(op: string, name: string, value: unknown): number {
  if (value === 0 || value === 1 || Number.isNaN(value)) return value as number;
  throw new OptionError(op, { given: `${name}: ${describe(value)}`, expected: '0, 1 or NaN', fix: 'leave it out' });
}

const numbersTo = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

function unknownClasses(op: string): never {
  throw new OptionError(op, {
    given: 'perClass without labels',
    expected: 'labels or numClasses, so that the names of the figures are known',
    fix: "name the classes: labels: ['ham', 'spam']",
  });
}
