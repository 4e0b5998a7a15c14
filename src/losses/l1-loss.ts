import { l1Loss, type LossOptions } from '../tensor/ops/losses';
import { checkOptions } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf } from './loss';

/**
 * Mean absolute error, `|x - t|`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.L1Loss
 */
export class L1Loss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LossOptions>>;

  constructor(options: LossOptions = {}) {
    super();
    checkOptions('L1Loss', options, ['reduction']);
    this.options = Object.freeze({ reduction: reductionOf('L1Loss', options) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return l1Loss(input, target, this.options);
  }
}
