import { binding } from '../../native/load';
import { OptionError, ShapeError } from '../errors';
import { within } from '../op-name';
import { divided, divisorsWanted, tellKind } from './losses-notes';
import type {
  BinaryCrossEntropyWithLogitsOptions,
  CrossEntropyOptions,
  CTCLossFunctionOptions,
  HuberLossOptions,
  KLDivergenceOptions,
  LossOptions,
  Reduction,
  SmoothL1LossOptions,
} from './losses-options';
import * as readers from './losses-options';
import { describe } from '../options';
import { lengthsOf, PaddedSequence, valuesOf, type Sequence } from '../padded-sequence';
import { readOptions } from '../read-options';
import { checkTensor, idOf, optionalIdOf, wrap, type Tensor } from '../tensor';
import { binaryTarget, checkEqualShapes, checkLabelShape, commonLengths, countReal } from './losses-shapes';
import { transpose } from './shape';

export type {
  BinaryCrossEntropyWithLogitsOptions,
  CrossEntropyLossOptions,
  CrossEntropyOptions,
  CTCLengths,
  CTCLossFunctionOptions,
  CTCLossOptions,
  HuberLossOptions,
  KLDivergenceOptions,
  LossOptions,
  Reduction,
  SmoothL1LossOptions,
} from './losses-options';

// Every loss takes tensors or PaddedSequences. If input or target is a PaddedSequence, only real steps count: padding
// has loss and gradient 0, and a mean divides by real elements. A mean over nothing is a ShapeError. Losses do not
// broadcast.

/** What input and target may be, for messages. */
const SEQUENCE = 'a Tensor or a PaddedSequence';

/** Names of the point-wise losses in the binding. */
type Pointwise = Parameters<typeof binding.pointwiseLoss>[0];

interface PointwiseSettings {
  reduction: Reduction | 'batchmean';
  parameter?: number;
  posWeight?: Tensor | undefined;
}

function pointwise(
  op: string,
  loss: Pointwise,
  input: Sequence,
  target: Sequence,
  { reduction, parameter = 0, posWeight }: PointwiseSettings,
): Tensor {
  const lengths = commonLengths(op, input, target);
  const [x, given] = [valuesOf(input), valuesOf(target)];
  checkTensor(x, op, 'input', SEQUENCE);
  checkTensor(given, op, 'target', SEQUENCE);
  const t = loss.startsWith('binary') ? binaryTarget(op, 'input', x, given) : given;
  checkEqualShapes(op, 'input', x, t);
  if (loss.startsWith('binary')) tellKind({ scores: loss === 'binaryCrossEntropy' ? 'probabilities' : 'logits' });
  const count = countReal(x.shape, lengths);
  const divisor = { mean: count, batchmean: x.shape[0] ?? 1, sum: 'none' } as const;
  const kind = count === 0 && reduction !== 'none' && divisorsWanted() ? 'sum' : reduction;
  const [xId, tId, weightId] = [idOf(x, op, 'input'), idOf(t, op, 'target'), optionalIdOf(posWeight, op, 'posWeight')];
  const result = wrap(binding.pointwiseLoss(loss, xId, tId, weightId, parameter, kind, lengths));
  return reduction === 'none' ? result : divided(result, divisor[reduction]);
}

/**
 * Mean squared error, `(x - t)²`.
 *
 * Shapes: input and target equal → [] (or the same, for `none`).
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.mse_loss
 */
export function mseLoss(input: Sequence, target: Sequence, options: LossOptions = {}): Tensor {
  return pointwise('mseLoss', 'mseLoss', input, target, readOptions('mseLoss', options, readers.reductionOnly));
}

/**
 * Mean absolute error, `|x - t|`.
 *
 * Shapes: input and target equal → [] (or the same, for `none`).
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.l1_loss
 */
export function l1Loss(input: Sequence, target: Sequence, options: LossOptions = {}): Tensor {
  return pointwise('l1Loss', 'l1Loss', input, target, readOptions('l1Loss', options, readers.reductionOnly));
}

/**
 * `(x - t)² / 2β` where `|x - t| < β`, else `|x - t| - β / 2`.
 *
 * Shapes: input and target equal → [] (or the same, for `none`).
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.smooth_l1_loss
 */
export function smoothL1Loss(input: Sequence, target: Sequence, options: SmoothL1LossOptions = {}): Tensor {
  const { beta, reduction } = readOptions('smoothL1Loss', options, readers.smoothL1);
  return pointwise('smoothL1Loss', 'smoothL1Loss', input, target, { reduction, parameter: beta });
}

/**
 * Huber's loss: `(x - t)² / 2` where `|x - t| ≤ δ`, else `δ · (|x - t| - δ / 2)`.
 *
 * Shapes: input and target equal → [] (or the same, for `none`).
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.huber_loss
 */
export function huberLoss(input: Sequence, target: Sequence, options: HuberLossOptions = {}): Tensor {
  const { delta, reduction } = readOptions('huberLoss', options, readers.huber);
  return pointwise('huberLoss', 'huberLoss', input, target, { reduction, parameter: delta });
}

/**
 * Binary cross entropy of probabilities, `-(t · log x + (1 - t) · log(1 - x))`; logarithms are not taken below -100.
 *
 * Shapes: input and target equal, both in [0, 1] → [] (or the same, for `none`). A number outside, or NaN, is an error
 * at the next read. The target may also lack an axis of extent 1 at the end, or have one more, and may be i32 or bool.
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.binary_cross_entropy; `binaryCrossEntropyWithLogits` is exact where sigmoid rounds to 0 or 1
 */
export function binaryCrossEntropy(input: Sequence, target: Sequence, options: LossOptions = {}): Tensor {
  return pointwise(
    'binaryCrossEntropy',
    'binaryCrossEntropy',
    input,
    target,
    readOptions('binaryCrossEntropy', options, readers.reductionOnly),
  );
}

/**
 * Binary cross entropy of `σ(x)`, `-(posWeight · t · log σ(x) + (1 - t) · log(1 - σ(x)))`, without overflow.
 *
 * Shapes: input and target equal, targets in [0, 1] → [] (or the same, for `none`). A target outside, or NaN, is an
 * error at the next read. The target may also lack an axis of extent 1 at the end, or have one more, and may be i32 or
 * bool.
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.binary_cross_entropy_with_logits
 */
export function binaryCrossEntropyWithLogits(
  input: Sequence,
  target: Sequence,
  options: BinaryCrossEntropyWithLogitsOptions = {},
): Tensor {
  const op = 'binaryCrossEntropyWithLogits';
  return pointwise(op, op, input, target, readOptions(op, options, readers.binaryCrossEntropyWithLogits));
}

/**
 * Kullback-Leibler divergence of the target from the input, `t · (log t - x)`, 0 where `t` is.
 *
 * Shapes: input log-probabilities, target probabilities of the same shape → [] (or the same, for `none`). A target
 * outside [0, 1], or NaN, is an error at the next read.
 *
 * @throws {ShapeError} if the shapes differ, or there is nothing to take the mean of
 * @see torch.nn.functional.kl_div
 */
export function klDivergence(input: Sequence, target: Sequence, options: KLDivergenceOptions = {}): Tensor {
  const { logTarget, reduction } = readOptions('klDivergence', options, readers.klDivergence);
  const loss = logTarget ? 'klDivergenceFromLog' : 'klDivergence';
  return pointwise('klDivergence', loss, input, target, { reduction });
}

/**
 * Cross entropy of `softmax(input)` along the last axis and class labels, in one step and without overflow.
 *
 *   loss = -weight[y] · log softmax(x)[y];  the mean divides by the sum of the weights (class · step) of the labels
 *                                           that count
 *
 * Or of probabilities of the classes, such as one-hot, mixed or another model's; they get a gradient too:
 *
 *   loss = -Σ weight[c] · t[c] · log softmax(x)[c]; the mean divides by the number of steps, or the sum of their
 *     weights
 *
 * Shapes: input […, C], target […] of whole numbers in 0..C-1, i32 or, as plain arrays make them, f32 or f64; or
 * […, C] of the input's dtype → [] (or […], for `none`).
 *
 * @throws {ShapeError} if the target has neither the input's axes nor those but the last, or there is nothing to take
 * the mean of
 * @throws {DTypeError} if probabilities are not of the input's dtype
 * @throws {OptionError} if a label is out of range; at the next read where only the device can know
 * @see torch.nn.functional.cross_entropy, whose classes are the second axis
 */
export function crossEntropy(input: Sequence, target: Sequence, options: CrossEntropyOptions = {}): Tensor {
  const op = 'crossEntropy';
  const settings = readOptions(op, options, readers.crossEntropy);
  const { weight, ignoreIndex, labelSmoothing, reduction } = settings;
  const lengths = commonLengths(op, input, target);
  const [x, t] = [valuesOf(input), valuesOf(target)];
  checkTensor(x, op, 'input', SEQUENCE);
  checkTensor(t, op, 'target', SEQUENCE);
  if (x.shape.join() !== t.shape.join()) checkLabelShape(op, 'input', x, t);
  const stepWeights = settings.stepWeights && valuesOf(settings.stepWeights);
  tellKind({ scores: 'classes', ignoreIndex });
  const counted = reduction === 'mean' && divisorsWanted();
  const [xId, tId] = [idOf(x, op, 'input'), idOf(t, op, 'target')];
  const weights = [optionalIdOf(weight, op, 'weight'), optionalIdOf(stepWeights, op, 'stepWeights')] as const;
  const ids = binding.crossEntropy(xId, tId, ...weights, ignoreIndex, labelSmoothing, reduction, lengths, counted);
  const [loss, sums] = ids.map(wrap) as [Tensor, Tensor?];
  return reduction === 'none' ? loss : divided(loss, sums ?? 'none');
}

/**
 * Connectionist temporal classification (Graves et al., 2006): -log of the probability that the steps spell the labels,
 * over all alignments. The mean is that of each sequence's loss divided by its number of labels.
 *
 * Shapes: input log-probabilities, a tensor [T, N, C] as in PyTorch or a PaddedSequence of [N, T, C]; target whole
 * numbers [N, S], a PaddedSequence of it, or the labels of all sequences joined, with `targetLengths` → [] (or [N],
 * for `none`).
 *
 * @throws {ShapeError} if lengths and shapes do not fit; {OptionError} if the blank is no class, or lengths are given
 * twice
 * @see torch.nn.functional.ctc_loss
 */
export function ctcLoss(input: Sequence, target: Sequence, options: CTCLossFunctionOptions = {}): Tensor {
  const op = 'ctcLoss';
  const settings = readOptions(op, options, readers.ctc);
  const { blank, zeroInfinity, reduction } = settings;
  const x = input instanceof PaddedSequence ? within(op, () => transpose(input.values, 0, 1)) : input;
  const t = valuesOf(target);
  checkTensor(x, op, 'input', SEQUENCE);
  checkTensor(t, op, 'target', SEQUENCE);
  const [steps = 0, count = 0] = x.shape;
  const inputLengths = ownLengths('inputLengths', input, settings.inputLengths) ?? new Array<number>(count).fill(steps);
  const targetLengths = ownLengths('targetLengths', target, settings.targetLengths) ?? wholeTargets(t, count);
  const loss = wrap(
    binding.ctcLoss(
      idOf(x, op, 'input'),
      idOf(t, op, 'target'),
      inputLengths,
      targetLengths,
      blank,
      zeroInfinity,
      reduction,
    ),
  );
  return reduction === 'none' ? loss : divided(loss, reduction === 'mean' ? count : 'none');
}

/** The lengths of a PaddedSequence, or those given for a tensor. */
function ownLengths(
  name: string,
  sequence: Sequence,
  given: readonly number[] | undefined,
): readonly number[] | undefined {
  const own = lengthsOf(sequence);
  if (own === undefined || given === undefined) return own ?? given;
  throw new OptionError('ctcLoss', {
    given: `${name} for a PaddedSequence, which has lengths`,
    expected: 'one of the two',
    fix: `leave ${name} out`,
  });
}

function wholeTargets(target: Tensor, count: number): readonly number[] {
  const [, labels] = target.shape;
  if (labels !== undefined) return new Array<number>(count).fill(labels);
  throw new ShapeError('ctcLoss', {
    given: `target ${describe(target)} without targetLengths`,
    expected: 'the number of labels of each sequence',
    fix: 'pass targetLengths, or give each sequence a row',
  });
}
