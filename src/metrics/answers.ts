import { ShapeError } from '../tensor/errors';
import { ones } from '../tensor/factories';
import { abs, cast, gt, isNaN, le, logicalAnd, logicalNot, maskedFill, ne } from '../tensor/ops/elementwise';
import { checkEqualShapes, checkLabelShape, commonLengths, sameButForOne } from '../tensor/ops/losses-shapes';
import { argmax, max } from '../tensor/ops/reduce';
import { expand, reshape } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import type { MetricHints } from './metric-input';

/** What a model says and what is right, element by element; all of one shape. */
export interface Answers {
  /** The class that the model predicts, i32; -1 where its output is NaN. */
  readonly said: Tensor;
  /** The right class, i32; 0 where it does not count. */
  readonly truth: Tensor;
  /**
   * How much each element counts, f64: its weight, 1 if there are none, but 0 in the padding and where the label is the
   * one to ignore.
   */
  readonly weights: Tensor;
  /** Number of classes; undefined where the output is answers, which do not tell. */
  readonly classes: number | undefined;
  /** Whether the output is scores of classes along its last axis. */
  readonly scored: boolean;
}

/** How to read the outputs. */
export interface Reading extends MetricHints {
  /** For yes-or-no outputs: the answer is 1 where the output is above it, else 0. */
  readonly threshold?: number | undefined;
}

/** The label that is left out if nobody says otherwise, as in CrossEntropyLoss. */
const IGNORED = -100;

/**
 * Reads answers and right classes from outputs and targets.
 *
 * @param output  […, C] scores of classes, or […] or […, 1] scores of yes; or the answers themselves, i32 or bool […],
 *                where -1 is no answer
 * @param target  labels […], or of yes and no also […, 1]; with hints of cross entropy also probabilities […, C]
 * @throws {ShapeError} if they do not fit each other
 */
export function answersOf(op: string, output: Sequence, target: Sequence, reading: Reading): Answers {
  const lengths = commonLengths(op, output, target);
  const scores = valuesOf(output);
  checkShapes(op, scores, valuesOf(target), reading);
  // Labels in the padding may be any number, even one that no i32 holds: they become 0 before they are cast.
  const labels =
    lengths === undefined || target instanceof PaddedSequence ? target : new PaddedSequence(target, lengths);
  const truths = valuesOf(labels instanceof PaddedSequence ? labels.zeroPadding() : labels);
  const real =
    lengths?.some((length) => length < (scores.shape[1] ?? 0)) === true
      ? new PaddedSequence(scores, lengths).mask()
      : undefined;
  const { counts, ...answers } = read(op, output, truths, real, reading);
  const { weight } = reading;
  if (weight === undefined) return { ...answers, weights: cast(counts, 'f64') };
  const weights = elementWeights(op, weight, { shape: counts.shape, lengths, dtype: 'f64' });
  return { ...answers, weights: maskedFill(weights, logicalNot(counts), 0) };
}

/** With which elements count, bool, in place of how much. */
type CountedAnswers = Omit<Answers, 'weights'> & { readonly counts: Tensor };

function read(
  op: string,
  output: Sequence,
  target: Tensor,
  real: Tensor | undefined,
  reading: Reading,
): CountedAnswers {
  const scores = valuesOf(output);
  if (isAnswers(scores, target, reading)) return givenAnswers(scores, target, real, reading);
  return isBinary(output, target, reading)
    ? binaryAnswers(scores, target, real, reading)
    : classAnswers(op, scores, target, real, reading);
}

/** Whether the output is whole numbers, one for each label: the answers themselves. */
const isAnswers = ({ dtype, shape }: Tensor, target: Tensor, { threshold }: Reading): boolean =>
  threshold === undefined && (dtype === 'i32' || dtype === 'bool') && sameButForOne(shape, target.shape);

function givenAnswers(
  said: Tensor,
  target: Tensor,
  real: Tensor | undefined,
  { ignoreIndex = IGNORED }: Reading,
): CountedAnswers {
  const counts = counting(target, real, ignoreIndex);
  const truth = maskedFill(wholeLabels(target), logicalNot(counts), 0);
  return { said: cast(reshape(said, target.shape), 'i32'), truth, counts, classes: undefined, scored: false };
}

const sameShape = (a: Tensor, b: Tensor): boolean => a.shape.join() === b.shape.join();

function checkShapes(op: string, scores: Tensor, target: Tensor, { threshold }: Reading): void {
  if (sameButForOne(scores.shape, target.shape)) return;
  if (threshold === undefined) checkLabelShape(op, 'output', scores, target);
  else checkEqualShapes(op, 'output', scores, target);
}

/** Whether each output is a yes or no of its own. */
function isBinary(output: Sequence, target: Tensor, { threshold, scores }: Reading): boolean {
  const { shape } = output;
  if (!sameButForOne(shape, target.shape)) return false;
  if (threshold !== undefined || scores === 'logits' || scores === 'probabilities') return true;
  if (scores === 'classes') return false;
  return shape.at(-1) === 1 || shape.length === (output instanceof PaddedSequence ? 2 : 1);
}

const yesOrNo = { classes: 2, scored: false };

function binaryAnswers(
  scores: Tensor,
  target: Tensor,
  real: Tensor | undefined,
  { threshold, ignoreIndex = IGNORED, scores: kind }: Reading,
): CountedAnswers {
  const { shape } = target;
  const x = reshape(scores, shape);
  const said = cast(gt(x, threshold ?? (kind === 'logits' ? 0 : 0.5)), 'i32');
  const counts = counting(target, real, ignoreIndex);
  const yes = target.dtype === 'bool' ? target : gt(cast(target, 'f64'), 0.5);
  return { said: maskedFill(said, isNaN(x), -1), truth: cast(logicalAnd(yes, counts), 'i32'), counts, ...yesOrNo };
}

function classAnswers(
  op: string,
  scores: Tensor,
  target: Tensor,
  real: Tensor | undefined,
  { ignoreIndex = IGNORED, scores: kind }: Reading,
): CountedAnswers {
  const classes = scores.shape.at(-1) ?? 0;
  const given = sameShape(scores, target);
  if (given && kind !== 'classes') {
    throw new ShapeError(op, {
      given: `output ${describe(scores)} and target ${describe(target)}`,
      expected: `labels of shape [${scores.shape.slice(0, -1).join(', ')}]`,
      fix:
        'pass target.argmax(-1) if the target holds a one for the right class, ' +
        'or give the metric a threshold if each ' +
        'output is a yes or no of its own',
    });
  }
  if (!given) checkLabelShape(op, 'output', scores, target);
  const said = argmax(scores, -1);
  const answered = maskedFill(said, isNaN(max(scores, -1)), -1);
  if (given) {
    const truth = argmax(target, -1);
    const counts = counting(truth, real, IGNORED);
    return { said: answered, truth, counts, classes, scored: true };
  }
  const counts = counting(target, real, ignoreIndex);
  const truth = maskedFill(wholeLabels(target), logicalNot(counts), 0);
  return { said: answered, truth, counts, classes, scored: true };
}

/** Which elements count: real ones that are not the label to ignore. */
function counting(labels: Tensor, real: Tensor | undefined, ignoreIndex: number): Tensor {
  const { shape, device } = labels;
  const kept = labels.dtype === 'bool' ? ones(shape, { dtype: 'bool', device }) : ne(labels, ignoreIndex);
  if (real === undefined) return kept;
  return logicalAnd(kept, expand(reshape(real, [...real.shape, ...shape.slice(2).map(() => 1)]), shape));
}

/** Labels as i32; -1, which is no class, for numbers that are not whole. */
function wholeLabels(labels: Tensor): Tensor {
  if (labels.dtype === 'i32' || labels.dtype === 'bool') return cast(labels, 'i32');
  const near = maskedFill(labels, logicalNot(le(abs(labels), 2 ** 30)), -1);
  const whole = cast(near, 'i32');
  return maskedFill(whole, ne(cast(whole, labels.dtype), near), -1);
}
