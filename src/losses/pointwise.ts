// Losses that compare input and target element by element; each is its function with options chosen once.
import type {
  BinaryCrossEntropyWithLogitsOptions,
  HuberLossOptions,
  KLDivergenceOptions,
  LossOptions,
  Reduction,
  SmoothL1LossOptions,
} from '../tensor/ops/losses-options';
import * as readers from '../tensor/ops/losses-options';
import { commonLengths } from '../tensor/ops/losses-shapes';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  klDivergence,
  l1Loss,
  mseLoss,
  smoothL1Loss,
} from '../tensor/ops/losses';
import type { Sequence } from '../tensor/padded-sequence';
import type { Readers } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import { LossWithOptions } from './loss';
import { countingAlone, weighted } from './weighted';

/** Whatever options a point-wise loss has. */
interface PointwiseOptions {
  reduction?: Reduction | 'batchmean';
}

/** A loss of each element by itself: `forward` is its function with the options of the class. */
abstract class PointwiseLoss<O extends PointwiseOptions> extends LossWithOptions<O> {
  readonly #loss: (input: Sequence, target: Sequence, options: Readonly<Required<O>>) => Tensor;

  constructor(
    op: string,
    options: O,
    readers: Readers<O>,
    loss: (input: Sequence, target: Sequence, options: Readonly<Required<O>>) => Tensor,
  ) {
    super(op, options, readers);
    this.#loss = loss;
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return this.#loss(input, target, this.options);
  }

  /** @throws {ShapeError} if there is not one weight for each example, step or element */
  override ofBatch(input: Sequence, target: Sequence, weight?: Sequence): Tensor {
    if (weight === undefined) return this.forward(input, target);
    const op = this.constructor.name;
    const { reduction = 'mean' } = this.options as PointwiseOptions;
    const { shape, dtype } = input;
    const lengths = commonLengths(op, input, target);
    const weights = elementWeights(op, weight, { shape, lengths, dtype });
    const values = this.#loss(countingAlone(input, weights), countingAlone(target, weights), {
      ...this.options,
      reduction: 'none',
    });
    if (reduction !== 'batchmean') return weighted(values, weights, reduction);
    const examples = elementWeights(op, weight, { shape: shape.slice(0, 1), lengths: undefined, dtype });
    return weighted(values, weights, 'mean', examples);
  }
}

/**
 * Mean squared error, `(x - t)²`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.MSELoss
 */
export class MSELoss extends PointwiseLoss<LossOptions> {
  constructor(options: LossOptions = {}) {
    super('MSELoss', options, readers.reductionOnly, mseLoss);
  }
}

/**
 * Mean absolute error, `|x - t|`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.L1Loss
 */
export class L1Loss extends PointwiseLoss<LossOptions> {
  constructor(options: LossOptions = {}) {
    super('L1Loss', options, readers.reductionOnly, l1Loss);
  }
}

/**
 * `(x - t)² / 2β` where `|x - t| < β`, else `|x - t| - β / 2`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown, or `beta` out of range
 * @see torch.nn.SmoothL1Loss
 */
export class SmoothL1Loss extends PointwiseLoss<SmoothL1LossOptions> {
  constructor(options: SmoothL1LossOptions = {}) {
    super('SmoothL1Loss', options, readers.smoothL1, smoothL1Loss);
  }
}

/**
 * `(x - t)² / 2` where `|x - t| ≤ δ`, else `δ · (|x - t| - δ / 2)`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown, or `delta` out of range
 * @see torch.nn.HuberLoss
 */
export class HuberLoss extends PointwiseLoss<HuberLossOptions> {
  constructor(options: HuberLossOptions = {}) {
    super('HuberLoss', options, readers.huber, huberLoss);
  }
}

/**
 * Binary cross entropy of probabilities in [0, 1], as sigmoid gives them.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.BCELoss; BCEWithLogitsLoss is exact where sigmoid rounds to 0 or 1
 */
export class BCELoss extends PointwiseLoss<LossOptions> {
  constructor(options: LossOptions = {}) {
    super('BCELoss', options, readers.reductionOnly, binaryCrossEntropy);
  }
}

/**
 * Binary cross entropy of `σ(input)`, without overflow; `posWeight` makes positive targets count more.
 *
 * Shapes: input and target equal, targets in [0, 1] → [] (or the same, for reduction `none`); posWeight one number, or
 * [C], one a place on the last axis.
 *
 * @throws {OptionError} if an option is unknown, or `posWeight` is no tensor
 * @see torch.nn.BCEWithLogitsLoss
 */
export class BCEWithLogitsLoss extends PointwiseLoss<BinaryCrossEntropyWithLogitsOptions> {
  constructor(options: BinaryCrossEntropyWithLogitsOptions = {}) {
    super('BCEWithLogitsLoss', options, readers.binaryCrossEntropyWithLogits, binaryCrossEntropyWithLogits);
  }
}

/**
 * Kullback-Leibler divergence of the target, probabilities or with `logTarget` their logarithms, from the input,
 * log-probabilities.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`). `batchmean` divides by N, which of [N, C] is
 * the divergence itself; `mean`, the default as in PyTorch, divides by elements.
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.KLDivLoss
 */
export class KLDivLoss extends PointwiseLoss<KLDivergenceOptions> {
  constructor(options: KLDivergenceOptions = {}) {
    super('KLDivLoss', options, readers.klDivergence, klDivergence);
  }
}
