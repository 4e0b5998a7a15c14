import { mseLoss, type LossOptions } from '../tensor/ops/losses';
import { checkOptions } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf } from './loss';

/**
 * Mean squared error, `(x - t)²`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.MSELoss
 */
export class MSELoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LossOptions>>;

  constructor(options: LossOptions = {}) {
    super();
    checkOptions('MSELoss', options, ['reduction']);
    this.options = Object.freeze({ reduction: reductionOf('MSELoss', options) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return mseLoss(input, target, this.options);
  }
}
