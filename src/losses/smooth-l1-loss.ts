import { smoothL1Loss, type SmoothL1LossOptions } from '../tensor/ops/losses';
import { checkOptions, nonNegativeNumber } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf } from './loss';

/**
 * `(x - t)² / 2β` where `|x - t| < β`, else `|x - t| - β / 2`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown, or `beta` out of range
 * @see torch.nn.SmoothL1Loss
 */
export class SmoothL1Loss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<SmoothL1LossOptions>>;

  constructor(options: SmoothL1LossOptions = {}) {
    super();
    checkOptions('SmoothL1Loss', options, ['beta', 'reduction']);
    const beta = nonNegativeNumber('SmoothL1Loss', 'beta', options.beta ?? 1);
    this.options = Object.freeze({ beta, reduction: reductionOf('SmoothL1Loss', options) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return smoothL1Loss(input, target, this.options);
  }
}
