import { binaryCrossEntropy, type LossOptions } from '../tensor/ops/losses';
import { checkOptions } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf } from './loss';

/**
 * Binary cross entropy of probabilities in [0, 1], as sigmoid gives them.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.BCELoss; BCEWithLogitsLoss is exact where sigmoid rounds to 0 or 1
 */
export class BCELoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LossOptions>>;

  constructor(options: LossOptions = {}) {
    super();
    checkOptions('BCELoss', options, ['reduction']);
    this.options = Object.freeze({ reduction: reductionOf('BCELoss', options) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return binaryCrossEntropy(input, target, this.options);
  }
}
