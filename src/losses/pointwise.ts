// Losses that compare input and target element by element; each is its function with options chosen once.
import type {
  BinaryCrossEntropyWithLogitsOptions,
  HuberLossOptions,
  KLDivergenceOptions,
  LossOptions,
  SmoothL1LossOptions,
} from '../tensor/ops/losses-options';
import * as readers from '../tensor/ops/losses-options';
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
import type { Tensor } from '../tensor/tensor';
import { LossWithOptions } from './loss';

/**
 * Mean squared error, `(x - t)²`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.MSELoss
 */
export class MSELoss extends LossWithOptions<LossOptions> {
  constructor(options: LossOptions = {}) {
    super('MSELoss', options, readers.reductionOnly);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return mseLoss(input, target, this.options);
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
export class L1Loss extends LossWithOptions<LossOptions> {
  constructor(options: LossOptions = {}) {
    super('L1Loss', options, readers.reductionOnly);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return l1Loss(input, target, this.options);
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
export class SmoothL1Loss extends LossWithOptions<SmoothL1LossOptions> {
  constructor(options: SmoothL1LossOptions = {}) {
    super('SmoothL1Loss', options, readers.smoothL1);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return smoothL1Loss(input, target, this.options);
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
export class HuberLoss extends LossWithOptions<HuberLossOptions> {
  constructor(options: HuberLossOptions = {}) {
    super('HuberLoss', options, readers.huber);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return huberLoss(input, target, this.options);
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
export class BCELoss extends LossWithOptions<LossOptions> {
  constructor(options: LossOptions = {}) {
    super('BCELoss', options, readers.reductionOnly);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return binaryCrossEntropy(input, target, this.options);
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
export class BCEWithLogitsLoss extends LossWithOptions<BinaryCrossEntropyWithLogitsOptions> {
  constructor(options: BinaryCrossEntropyWithLogitsOptions = {}) {
    super('BCEWithLogitsLoss', options, readers.binaryCrossEntropyWithLogits);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return binaryCrossEntropyWithLogits(input, target, this.options);
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
export class KLDivLoss extends LossWithOptions<KLDivergenceOptions> {
  constructor(options: KLDivergenceOptions = {}) {
    super('KLDivLoss', options, readers.klDivergence);
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return klDivergence(input, target, this.options);
  }
}
