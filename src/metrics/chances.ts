// How metrics of probabilities read outputs: as logits or probabilities, of classes or of yes.
import { OptionError } from '../tensor/errors';
import { flag } from '../tensor/options';
import { reshape } from '../tensor/ops/shape';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { optional, type Readers } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { sameButForOne } from '../tensor/ops/losses-shapes';
import { answersOf } from './answers';
import { readingReaders, type AccuracyOptions } from './classes';
import type { MetricHints } from './metric-input';

/** Options of metrics that take probabilities. */
export interface ProbabilityOptions extends Omit<AccuracyOptions, 'threshold'> {
  /**
   * Whether outputs are logits, of which softmax or sigmoid makes probabilities. Default: in a Trainer as its loss
   * reads them; else false.
   */
  logits?: boolean | undefined;
}

const { threshold: _, ...labelReaders } = readingReaders;

/** Readers of these options. */
export const probabilityReaders: Readers<ProbabilityOptions> = { logits: optional(flag), ...labelReaders };

/** Outputs and labels of a batch, flat. */
export interface Chances {
  /** f64 [M, C], or [M] for yes or no. */
  readonly scores: Tensor;
  /** Labels, i32 [M]. */
  readonly truth: Tensor;
  /** How much each counts, f64 [M]; 0 in the padding and where the label is the one to ignore. */
  readonly weights: Tensor;
  /** Number of classes; undefined for yes or no. */
  readonly classes: number | undefined;
  /** Whether the scores are logits. */
  readonly logits: boolean;
}

/**
 * Reads a batch.
 *
 * @param options    `logits` and `ignoreIndex` go before the hints
 * @param otherwise  whether outputs are logits where nobody tells
 * @throws {ShapeError} if output and target do not fit each other
 */
export function chancesOf(
  op: string,
  [output, target]: readonly [Sequence, Sequence],
  hints: MetricHints,
  { logits: told, labels: __, ...options }: ProbabilityOptions,
  otherwise = false,
): Chances {
  const alike = sameButForOne(output.shape, target.shape);
  const logits = told ?? (hints.scores === undefined ? otherwise : hints.scores !== 'probabilities');
  const each = logits ? 'logits' : 'probabilities';
  const scores = hints.scores === 'classes' || !alike ? 'classes' : each;
  const numbers = output.cast('f64');
  const { truth, weights, classes, scored } = answersOf(op, numbers, target, { ...hints, ...options, scores });
  const shape = scored ? [-1, classes ?? 0] : [-1];
  return {
    scores: reshape(valuesOf(numbers), shape),
    truth: reshape(truth, [-1]),
    weights: reshape(weights, [-1]),
    classes: scored ? classes : undefined,
    logits,
  };
}

/** @throws {OptionError} if a probability was none, which is seen when sums are read */
export function checkChances(op: string, odd: number): void {
  if (odd === 0) return;
  throw new OptionError(op, {
    given: `${odd} ${odd === 1 ? 'output that is' : 'outputs that are'} no probability`,
    expected: 'numbers in 0..1',
    fix: 'say logits: true if they are logits, or put a Softmax or Sigmoid behind the model',
  });
}
