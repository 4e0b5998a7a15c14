// Metrics of an order: how far what is right stands above what is not, whatever the threshold.
import { tensor } from '../tensor/factories';
import { select } from '../tensor/ops/shape';
import { sort } from '../tensor/ops/indexing';
import { softmax } from '../tensor/ops/normalization';
import { sub } from '../tensor/ops/elementwise';
import type { Sequence } from '../tensor/padded-sequence';
import { oneOf } from '../tensor/options';
import { optional, readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { chancesOf, probabilityReaders, type ProbabilityOptions } from './chances';
import { checkOdd, placesOf } from './classes';
import { HostMetric, type HostForm, type HostNumbers } from './host-metric';
import type { MetricHints, MetricInput } from './metric-input';

/** Options of AUROC and AveragePrecision. */
export interface RankingOptions extends ProbabilityOptions {
  /**
   * How the figures of several classes, each against all others, become one: their mean, or their mean by how often
   * they occur. Default `macro`.
   */
  average?: 'macro' | 'weighted' | undefined;
}

/** Rows of a batch that count, as AUROC and AveragePrecision gather them. */
export interface RankedRows {
  /** One list for each class; one for yes or no. */
  readonly scores: readonly Float64Array[];
  /** The label of each. */
  /** The label of each. */
  readonly truth: Int32Array;
  /** Absent if each counts 1. */
  readonly weights?: Float64Array;
}

/** Adds up while one goes down the order, from one group of equal scores to the next. */
interface Descent {
  /** What is right and what is not so far, this group included. */
  group(right: number, wrong: number): void;
  /** The value once all are passed. */
  value(right: number, wrong: number): number;
}

/** A metric of an order, of yes or no or of each class against the others. */
abstract class Ranking extends HostMetric<RankedRows, MetricInput, MetricInput> {
  readonly #options: ProbabilityOptions;
  readonly #average: 'macro' | 'weighted';

  protected constructor(options: RankingOptions) {
    super();
    const { average = 'macro', ...others } = readOptions<RankingOptions>(new.target.name, options, {
      average: optional((op, name, value) => oneOf(op, name, value, ['macro', 'weighted'])),
      ...probabilityReaders,
    });
    this.#options = others;
    this.#average = average;
  }

  /** Begins at the top. @internal */
  protected abstract descent(): Descent;

  protected override read(given: unknown, what: 'output' | 'target'): Sequence {
    return placesOf(this.constructor.name, this.#options.labels, given) ?? super.read(given, what);
  }

  protected override onDevice(output: Sequence, target: Sequence, hints: MetricHints): [Tensor, Tensor, Tensor] {
    const op = this.constructor.name;
    const { scores, truth, weights, classes, logits } = chancesOf(op, [output, target], hints, this.#options);
    if (classes === 2) {
      const [no, yes] = [select(scores, 1, 0), select(scores, 1, 1)];
      return [logits ? sub(yes, no) : yes, truth, weights];
    }
    return [logits && classes !== undefined ? softmax(scores, 1) : scores, truth, weights];
  }

  /** @internal */
  protected override count(
    output: HostForm<MetricInput>,
    target: HostForm<MetricInput>,
    weight?: HostNumbers,
  ): RankedRows {
    const [{ data: scores, shape }, { data: truth }] = [output as HostNumbers, target as HostNumbers];
    const [columns, weights] = [shape[1] ?? 1, weight?.data ?? truth];
    const kept = Array.from(weights.keys()).filter((row) => weights[row] !== 0);
    const column = (at: number): Float64Array =>
      Float64Array.from(kept, (row) => scores[row * columns + at] ?? Number.NaN);
    const rows = {
      scores: Array.from({ length: columns }, (_, at) => column(at)),
      truth: Int32Array.from(kept, (row) => truth[row] ?? -1),
    };
    if (kept.every((row) => weights[row] === 1)) return rows;
    return { ...rows, weights: Float64Array.from(kept, (row) => weights[row] ?? 0) };
  }

  /**
   * The value of each class against all others, in their order; of yes or no that of yes.
   *
   * @throws {OptionError} if a label was no class
   */
  async perClass(): Promise<number[]> {
    const { values } = await this.#each((await this.gathered()) ?? []);
    return values;
  }

  protected override async result(parts: readonly RankedRows[]): Promise<number> {
    const { values, supports } = await this.#each(parts);
    const weights = values.length === 1 || this.#average === 'macro' ? values.map(() => 1) : supports;
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const parted = values.map((value, at) => ((weights[at] ?? 0) === 0 ? 0 : value * (weights[at] ?? 0)));
    return parted.reduce((sum, part) => sum + part, 0) / all;
  }

  /** The value of each class, and how often it occurs. */
  async #each(parts: readonly RankedRows[]): Promise<{ values: number[]; supports: number[] }> {
    const columns = parts[0]?.scores.length ?? 0;
    const classes = Math.max(columns, 2);
    const truth = parts.map((part) => part.truth);
    checkOdd(this.constructor.name, 'label', oddLabels(truth, classes), classes);
    const [values, supports]: [number[], number[]] = [[], []];
    for (let at = 0; at < columns; at++) {
      const { value, support } = await descend(parts, at, columns === 1 ? 1 : at, this.descent());
      values.push(value);
      supports.push(support);
    }
    return { values, supports };
  }
}

const oddLabels = (lists: readonly Int32Array[], classes: number): number =>
  lists.reduce((sum, list) => sum + list.reduce((odd, label) => odd + Number(label < 0 || label >= classes), 0), 0);

/** Lists behind each other. */
function joined<A extends Float64Array | Int32Array>(lists: readonly A[], empty: (length: number) => A): A {
  const all = empty(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

/**
 * Goes down the order of one column of scores. The CPU sorts, on its own thread.
 *
 * @param wanted  the class that is right
 */
async function descend(
  parts: readonly RankedRows[],
  column: number,
  wanted: number,
  descent: Descent,
): Promise<{ value: number; support: number }> {
  const scores = joined(
    parts.map((part) => part.scores[column] ?? new Float64Array()),
    (length) => new Float64Array(length),
  );
  const truth = joined(
    parts.map((part) => part.truth),
    (length) => new Int32Array(length),
  );
  const weighted = parts.some((part) => part.weights !== undefined);
  const weights = weighted
    ? joined(
        parts.map((part) => part.weights ?? new Float64Array(part.truth.length).fill(1)),
        (length) => new Float64Array(length),
      )
    : undefined;
  const given = tensor(scores, { device: 'cpu' });
  const { values, indices } = sort(given, 0, { descending: true });
  const reading = indices.data();
  for (const made of [given, values, indices]) made.dispose();
  const order = await reading;
  let [right, wrong] = [0, 0];
  for (let at = 0; at < order.length; at++) {
    const row = order[at] ?? 0;
    const weight = weights === undefined ? 1 : (weights[row] ?? 0);
    if (truth[row] === wanted) right += weight;
    else wrong += weight;
    if (at + 1 === order.length || scores[order[at + 1] ?? 0] !== scores[row]) descent.group(right, wrong);
  }
  const known = order.length > 0 && !scores.some(Number.isNaN);
  return { value: known ? descent.value(right, wrong) : Number.NaN, support: right };
}

/**
 * Area under the ROC curve: the probability that what is right has a larger score than what is not, equal scores half
 * counted. Of several classes that of each against all others, averaged. NaN where only right or only wrong is there,
 * or a score is NaN, as in scikit-learn.
 *
 * Scores are gathered on the host: 12 bytes for each row of yes or no, 8 more with weights, 8 for each further class;
 * some 60 bytes a row more while it is computed.
 *
 * Shapes: output […, C] and labels […]; for yes or no, output […] or […, 1] and target […] or […, 1] of 0 and 1.
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a label was no class
 */
export class AUROC extends Ranking {
  readonly name = 'auroc';

  constructor(options: RankingOptions = {}) {
    super(options);
  }

  /** @internal */
  protected override descent(): Descent {
    let [area, rightBefore, wrongBefore] = [0, 0, 0];
    return {
      group: (right, wrong) => {
        area += ((wrong - wrongBefore) * (right + rightBefore)) / 2;
        [rightBefore, wrongBefore] = [right, wrong];
      },
      value: (right, wrong) => area / (right * wrong),
    };
  }
}

/**
 * Average precision: the mean over what is right of the precision among all that stand as high or higher, which is the
 * area under the steps of the precision-recall curve. Of several classes that of each against all others, averaged. 0
 * where nothing right is there, as in scikit-learn.
 *
 * Memory and shapes: as for AUROC.
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a label was no class
 */
export class AveragePrecision extends Ranking {
  readonly name = 'averagePrecision';

  constructor(options: RankingOptions = {}) {
    super(options);
  }

  /** @internal */
  protected override descent(): Descent {
    let [area, before] = [0, 0];
    return {
      group: (right, wrong) => {
        if (right > before) area += ((right - before) * right) / (right + wrong);
        before = right;
      },
      value: (right) => (right === 0 ? 0 : area / right),
    };
  }
}
