import { ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { abs, add_, cast, eq, fill_, gt, logicalAnd, mul, ne, sub } from '../tensor/ops/elementwise';
import { oneHot } from '../tensor/ops/indexing';
import { matmul } from '../tensor/ops/matmul';
import { argmax, sum } from '../tensor/ops/reduce';
import { expand, reshape, slice, transpose } from '../tensor/ops/shape';
import { checkOptions, describe, finiteNumber, positiveInteger } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { outsideScopes, scope } from '../tensor/scope';
import { Tensor } from '../tensor/tensor';

/**
 * A number that is gathered batch by batch: `update` counts on the device without waiting, `compute` reads the result.
 *
 * Given PaddedSequences, metrics count real steps only.
 */
export abstract class Metric {
  /** Under which it stands in the history and in the result of `evaluate`. */
  abstract readonly name: string;
  #totals: Tensor | undefined;

  /** Shape of what `count` returns. */
  protected abstract readonly shape: readonly number[];

  /** Sums over one batch, of `shape`, f64. */
  protected abstract count(output: Sequence, target: Sequence): Tensor;

  /** The metric of the sums over all batches. */
  protected abstract result(totals: readonly number[]): number;

  /** Forgets all batches. */
  reset(): void {
    const totals = this.#totals;
    if (totals !== undefined) noGrad(() => fill_(totals, 0));
  }

  /**
   * Counts one batch.
   *
   * @throws {ShapeError} if output and target do not fit each other
   */
  update(output: Sequence, target: Sequence): void {
    noGrad(() =>
      scope(() => {
        const counted = this.count(output, target);
        const totals = (this.#totals ??= outsideScopes(() => zeros(this.shape, { dtype: 'f64', device: counted.device })));
        add_(totals, counted);
      }),
    );
  }

  /** The sums over all batches, in row-major order. */
  protected async totals(): Promise<number[]> {
    return this.#totals === undefined ? [] : Array.from(await this.#totals.data());
  }

  /** The value over all batches since `reset`; NaN if nothing was counted. */
  async compute(): Promise<number> {
    const totals = await this.totals();
    return totals.length === 0 ? Number.NaN : this.result(totals);
  }
}

/** What a metric compares: values, and which elements of the target are real. */
interface Compared {
  output: Tensor;
  target: Tensor;
  /** bool [N, T]; undefined if all are real. */
  mask: Tensor | undefined;
}

/** @param features  axes of the output beyond those of the target */
function compared(op: string, output: Sequence, target: Sequence, features: number): Compared {
  const [x, y] = [output, target].map((part) => (part instanceof PaddedSequence ? part.values : part));
  if (!(x instanceof Tensor) || !(y instanceof Tensor)) throw new ShapeError(op, { given: `${describe(output)} and ${describe(target)}`, expected: 'tensors or PaddedSequences', fix: 'let the model return one' });
  const wanted = x.shape.slice(0, x.rank - features);
  if (y.shape.join() !== wanted.join()) {
    throw new ShapeError(op, { given: `output ${describe(x)} and target ${describe(y)}`, expected: `a target of shape [${wanted.join(', ')}]`, fix: 'pass targets that fit the output' });
  }
  const padded = target instanceof PaddedSequence ? target : output instanceof PaddedSequence ? output : undefined;
  // An output that has lost its time axis, as after LastStep, has a target without one; then there is nothing padded to leave out.
  return { output: x, target: y, mask: padded?.mask() };
}

/** The mask in the shape of `like`, [N, T, …]. */
function maskLike(mask: Tensor, like: Tensor): Tensor {
  return reshape(mask, [...mask.shape, ...like.shape.slice(2).map(() => 1)]);
}

/** [sum(values), number counted] as f64 [2]. */
function sumAndCount(values: Tensor, mask: Tensor | undefined): Tensor {
  const numbers = cast(values, 'f64');
  const counted = zeros([2], { dtype: 'f64', device: values.device });
  if (mask === undefined) {
    add_(slice(counted, [0], [1]), sum(numbers));
    add_(slice(counted, [1], [2]), numbers.size);
    return counted;
  }
  const real = cast(expand(maskLike(mask, numbers), numbers.shape), 'f64');
  add_(slice(counted, [0], [1]), sum(mul(numbers, real)));
  add_(slice(counted, [1], [2]), sum(real));
  return counted;
}

const ratio = ([total = 0, count = 0]: readonly number[]): number => (count === 0 ? Number.NaN : total / count);

/** Options of Accuracy. */
export interface AccuracyOptions {
  /** For outputs of the target's shape: above it the answer is 1. Default: the answer is the class with the highest score along the last axis. 0 for logits, 0.5 for probabilities. */
  threshold?: number;
  /** A label that is not counted, as in CrossEntropyLoss. Default -100. */
  ignoreIndex?: number;
}

/**
 * Part of the right answers among all, in 0..1.
 *
 * Shapes: output […, C] and labels […]; with `threshold`, output […] and target […] of 0 and 1.
 *
 * @throws {OptionError} if an option is unknown or no number
 */
export class Accuracy extends Metric {
  readonly name = 'accuracy';
  protected readonly shape = [2];
  readonly #threshold: number | undefined;
  readonly #ignoreIndex: number;

  constructor(options: AccuracyOptions = {}) {
    super();
    checkOptions('Accuracy', options, ['threshold', 'ignoreIndex']);
    this.#threshold = options.threshold === undefined ? undefined : finiteNumber('Accuracy', 'threshold', options.threshold);
    this.#ignoreIndex = finiteNumber('Accuracy', 'ignoreIndex', options.ignoreIndex ?? -100);
  }

  protected override count(output: Sequence, target: Sequence): Tensor {
    if (this.#threshold !== undefined) {
      const { output: scores, target: truth, mask } = compared('Accuracy', output, target, 0);
      return sumAndCount(eq(gt(scores, this.#threshold), gt(cast(truth, scores.dtype), 0.5)), mask);
    }
    const { output: scores, target: labels, mask } = compared('Accuracy', output, target, 1);
    const whole = cast(labels, 'i32');
    const wanted = ne(whole, this.#ignoreIndex);
    const right = cast(logicalAnd(eq(argmax(scores, -1), whole), wanted), 'f64');
    const real = mask === undefined ? wanted : logicalAnd(wanted, mask);
    const counted = zeros([2], { dtype: 'f64', device: scores.device });
    add_(slice(counted, [0], [1]), sum(mul(right, cast(real, 'f64'))));
    add_(slice(counted, [1], [2]), sum(cast(real, 'f64')));
    return counted;
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}

/**
 * Mean of |output - target|.
 *
 * Shapes: output and target of one shape.
 */
export class MeanAbsoluteError extends Metric {
  readonly name = 'meanAbsoluteError';
  protected readonly shape = [2];

  protected override count(output: Sequence, target: Sequence): Tensor {
    const { output: x, target: y, mask } = compared('MeanAbsoluteError', output, target, 0);
    return sumAndCount(abs(sub(x, cast(y, x.dtype))), mask);
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
export class MeanSquaredError extends Metric {
  readonly name = 'meanSquaredError';
  protected readonly shape = [2];

  protected override count(output: Sequence, target: Sequence): Tensor {
    const { output: x, target: y, mask } = compared('MeanSquaredError', output, target, 0);
    const difference = sub(x, cast(y, x.dtype));
    return sumAndCount(mul(difference, difference), mask);
  }

  protected override result(totals: readonly number[]): number {
    return ratio(totals);
  }
}

/** Options of ConfusionMatrix. */
export interface ConfusionMatrixOptions {
  /** Number of classes, C. */
  numClasses: number;
}

/**
 * How often each class was taken for each other one. Its value is the mean over the classes that occur of the part of them that was recognised
 * (balanced accuracy); `matrix` gives the counts.
 *
 * Shapes: output […, C] and labels […] in 0..C-1.
 *
 * @throws {OptionError} if `numClasses` is no positive whole number, or an option is unknown
 */
export class ConfusionMatrix extends Metric {
  readonly name = 'balancedAccuracy';
  protected readonly shape: readonly number[];
  readonly #numClasses: number;

  constructor(options: ConfusionMatrixOptions) {
    super();
    checkOptions('ConfusionMatrix', options, ['numClasses']);
    this.#numClasses = positiveInteger('ConfusionMatrix', 'numClasses', options.numClasses);
    this.shape = [this.#numClasses, this.#numClasses];
  }

  protected override count(output: Sequence, target: Sequence): Tensor {
    const { output: scores, target: labels, mask } = compared('ConfusionMatrix', output, target, 1);
    const classes = this.#numClasses;
    if (scores.shape.at(-1) !== classes) {
      throw new ShapeError('ConfusionMatrix', { given: `output ${describe(scores)}`, expected: `last axis ${classes} (numClasses)`, fix: 'choose numClasses as the model has outputs' });
    }
    const flat = (x: Tensor): Tensor => reshape(x, [-1]);
    const real = mask === undefined ? undefined : flat(cast(maskLike(mask, labels), 'i32'));
    const whole = flat(cast(labels, 'i32'));
    const kept = real === undefined ? whole : mul(whole, real);
    const truth = cast(oneHot(kept, classes), 'f64');
    const counted = real === undefined ? truth : mul(truth, cast(reshape(real, [-1, 1]), 'f64'));
    return matmul(transpose(counted, 0, 1), cast(oneHot(flat(argmax(scores, -1)), classes), 'f64'));
  }

  /** Counts by class and answer: row = true class, column = answer. */
  async matrix(): Promise<number[][]> {
    const totals = await this.totals();
    const classes = this.#numClasses;
    return Array.from({ length: classes }, (_, row) => Array.from({ length: classes }, (__, column) => totals[row * classes + column] ?? 0));
  }

  protected override result(totals: readonly number[]): number {
    const classes = this.#numClasses;
    const recalls: number[] = [];
    for (let row = 0; row < classes; row++) {
      const counts = totals.slice(row * classes, (row + 1) * classes);
      const all = counts.reduce((total, count) => total + count, 0);
      if (all > 0) recalls.push((counts[row] ?? 0) / all);
    }
    return recalls.length === 0 ? Number.NaN : recalls.reduce((total, recall) => total + recall, 0) / recalls.length;
  }
}
