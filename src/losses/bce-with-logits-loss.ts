import { binaryCrossEntropyWithLogits, type BinaryCrossEntropyWithLogitsOptions } from '../tensor/ops/losses';
import { checkOptions } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf, weightsOf } from './loss';

/**
 * Binary cross entropy of `σ(input)`, without overflow; `posWeight` makes positive targets count more.
 *
 * Shapes: input and target equal, targets in [0, 1] → [] (or the same, for reduction `none`); posWeight one number, or
 * [C], one a place on the last axis.
 *
 * @throws {OptionError} if an option is unknown, or `posWeight` is no tensor
 * @see torch.nn.BCEWithLogitsLoss
 */
export class BCEWithLogitsLoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<BinaryCrossEntropyWithLogitsOptions>>;

  constructor(options: BinaryCrossEntropyWithLogitsOptions = {}) {
    super();
    checkOptions('BCEWithLogitsLoss', options, ['posWeight', 'reduction']);
    const posWeight = weightsOf('BCEWithLogitsLoss', 'posWeight', options.posWeight);
    this.options = Object.freeze({ posWeight, reduction: reductionOf('BCEWithLogitsLoss', options) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return binaryCrossEntropyWithLogits(input, target, this.options);
  }
}
