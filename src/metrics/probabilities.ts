import {
  abs,
  add,
  cast,
  clamp,
  eq,
  gt,
  log,
  logicalAnd,
  maskedFill,
  mul,
  ne,
  neg,
  rsub,
  sigmoid,
  softplus,
  square,
  sub,
  where,
} from '../tensor/ops/elementwise';
import { gather } from '../tensor/ops/indexing';
import { logSoftmax, softmax } from '../tensor/ops/normalization';
import { max, sum } from '../tensor/ops/reduce';
import { reshape, stack } from '../tensor/ops/shape';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import type { DType, Tensor } from '../tensor/tensor';
import { checkChances, chancesOf, probabilityReaders, type Chances, type ProbabilityOptions } from './chances';
import { checkOdd, placesOf, withinClasses } from './classes';
import { DeviceMetric } from './device-metric';
import type { MetricHints, MetricInput } from './metric-input';

/** A mean over labels of what the probabilities say of each. */
abstract class MeanOfChances extends DeviceMetric<MetricInput, MetricInput> {
  readonly #options: ProbabilityOptions;
  /** Whether outputs are logits where nobody tells. */
  readonly #otherwise: boolean;
  #classes = 2;

  protected constructor(options: ProbabilityOptions, otherwise: boolean) {
    super();
    this.#options = readOptions<ProbabilityOptions>(new.target.name, options, probabilityReaders);
    this.#otherwise = otherwise;
  }

  /** What is said of each label, f64 [M]. @param dtype  that the outputs had @internal */
  protected abstract each(chances: Chances, dtype: DType): Tensor;

  protected override read(given: unknown, what: 'output' | 'target'): Sequence {
    return placesOf(this.constructor.name, this.#options.labels, given) ?? super.read(given, what);
  }

  protected override count(output: Sequence, target: Sequence, hints: MetricHints): Tensor {
    const op = this.constructor.name;
    const chances = chancesOf(op, [output, target], hints, this.#options, this.#otherwise);
    const { scores, truth, weights, classes = 2, logits } = chances;
    this.#classes = classes;
    const values = maskedFill(this.each(chances, output.dtype), eq(weights, 0), 0);
    const counted = (mask: Tensor): Tensor => sum(cast(logicalAnd(mask, ne(weights, 0)), 'f64'));
    // More than rounding: what sums to 1 may be a little above.
    const outside = cast(gt(abs(sub(scores, 0.5)), logits ? Number.POSITIVE_INFINITY : 0.5 + 1e-6), 'f64');
    const rows = outside.rank === 1 ? outside : max(outside, 1);
    const labels = ne(withinClasses(truth, classes, -1), truth);
    return stack([sum(mul(values, weights)), sum(weights), counted(gt(rows, 0)), counted(labels)], 0);
  }

  protected override result([total = 0, weight = 0, outside = 0, labels = 0]: readonly number[]): number {
    checkOdd(this.constructor.name, 'label', labels, this.#classes);
    checkChances(this.constructor.name, outside);
    return weight === 0 ? Number.NaN : this.of(total / weight);
  }

  /** What the mean comes to. @internal */
  protected of(mean: number): number {
    return mean;
  }
}

/** The smallest that a probability is taken for, so that its logarithm is finite: as in scikit-learn. */
const SMALLEST = { f64: 2 ** -52, f32: 2 ** -23, i32: 2 ** -52, bool: 2 ** -52, i8: 2 ** -52 } as const;

/** -log of the probability of the label. */
function surprise({ scores, truth, classes, logits }: Chances, dtype: DType): Tensor {
  const chance = (x: Tensor): Tensor => clamp(x, { min: SMALLEST[dtype], max: 1 - SMALLEST[dtype] });
  if (classes !== undefined) {
    const places = reshape(withinClasses(truth, classes, 0), [-1, 1]);
    const logs = logits ? gather(logSoftmax(scores, 1), 1, places) : log(chance(gather(scores, 1, places)));
    return neg(reshape(logs, [-1]));
  }
  const yes = ne(truth, 0);
  return logits
    ? softplus(where(yes, neg(scores), scores))
    : neg(log(where(yes, chance(scores), rsub(chance(scores), 1))));
}

/**
 * Mean over the labels of -log of the probability that the model gives them, in nats: the cross entropy, without
 * smoothing and class weights. Probabilities are taken for at least 2⁻⁵² (of f32 outputs 2⁻²³), as in scikit-learn.
 *
 * Shapes: output […, C] and labels […]; for yes or no, output […] or […, 1] and target […] or […, 1] of 0 and 1.
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a label was no class or a probability not in 0..1
 */
export class LogLoss extends MeanOfChances {
  readonly name = 'logLoss';

  constructor(options: ProbabilityOptions = {}) {
    super(options, false);
  }

  /** @internal */
  protected override each(chances: Chances, dtype: DType): Tensor {
    return surprise(chances, dtype);
  }
}

/**
 * Mean squared error of the probabilities: of yes or no (p - y)², in 0..1; of several classes the sum over them, in
 * 0..2; of two classes half of that, as in scikit-learn.
 *
 * Shapes: as for LogLoss.
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a label was no class or a probability not in 0..1
 */
export class BrierScore extends MeanOfChances {
  readonly name = 'brierScore';

  constructor(options: ProbabilityOptions = {}) {
    super(options, false);
  }

  /** @internal */
  protected override each({ scores, truth, classes, logits }: Chances): Tensor {
    if (classes === undefined) return square(sub(logits ? sigmoid(scores) : scores, cast(ne(truth, 0), 'f64')));
    const chances = logits ? softmax(scores, 1) : scores;
    const places = reshape(withinClasses(truth, classes, 0), [-1, 1]);
    // Σ p² - 2 p(label) + 1 would cancel; what is right is subtracted from its own place.
    const right = reshape(gather(chances, 1, places), [-1]);
    const others = sub(sum(square(chances), 1), square(right));
    const squares = add(others, square(rsub(right, 1)));
    return classes === 2 ? mul(squares, 0.5) : squares;
  }
}

/**
 * exp of the mean of -log of the probability of the right token: among how many tokens a model seems to choose. Outputs
 * are logits, unless the Trainer's loss or the options say otherwise. It is the same for any batch size, since it is
 * the exp of a mean over all tokens.
 *
 * Shapes: output […, V] and tokens […].
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a token was none of the V
 */
export class Perplexity extends MeanOfChances {
  readonly name = 'perplexity';

  constructor(options: ProbabilityOptions = {}) {
    super(options, true);
  }

  /** @internal */
  protected override each(chances: Chances, dtype: DType): Tensor {
    return surprise(chances, dtype);
  }

  /** @internal */
  protected override of(mean: number): number {
    return Math.exp(mean);
  }
}

/**
 * Mean of -log₂ of the probability of the right character, of a model whose steps are characters; of bytes it is bits
 * per byte. Outputs are logits, unless the Trainer's loss or the options say otherwise.
 *
 * Shapes: output […, V] and characters […].
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a character was none of the V
 */
export class BitsPerCharacter extends MeanOfChances {
  readonly name = 'bitsPerCharacter';

  constructor(options: ProbabilityOptions = {}) {
    super(options, true);
  }

  /** @internal */
  protected override each(chances: Chances, dtype: DType): Tensor {
    return surprise(chances, dtype);
  }

  /** @internal */
  protected override of(mean: number): number {
    return mean / Math.LN2;
  }
}
