import { OptionError } from '../tensor/errors';
import { huberLoss, type HuberLossOptions } from '../tensor/ops/losses';
import { checkOptions, nonNegativeNumber } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf } from './loss';

/**
 * `(x - t)² / 2` where `|x - t| ≤ δ`, else `δ · (|x - t| - δ / 2)`.
 *
 * Shapes: input and target equal → [] (or the same, for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown, or `delta` out of range
 * @see torch.nn.HuberLoss
 */
export class HuberLoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<HuberLossOptions>>;

  constructor(options: HuberLossOptions = {}) {
    super();
    checkOptions('HuberLoss', options, ['delta', 'reduction']);
    const delta = nonNegativeNumber('HuberLoss', 'delta', options.delta ?? 1);
    if (delta === 0)
      throw new OptionError('HuberLoss', {
        given: 'delta: 0',
        expected: 'a number above 0 for delta',
        fix: 'use L1Loss for the line alone',
      });
    this.options = Object.freeze({ delta, reduction: reductionOf('HuberLoss', options) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return huberLoss(input, target, this.options);
  }
}
