import { klDivergence, type KLDivergenceOptions } from '../tensor/ops/losses';
import { checkOptions, flag, oneOf } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss } from './loss';

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
export class KLDivLoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<KLDivergenceOptions>>;

  constructor(options: KLDivergenceOptions = {}) {
    super();
    checkOptions('KLDivLoss', options, ['logTarget', 'reduction']);
    const reduction = oneOf('KLDivLoss', 'reduction', options.reduction ?? 'mean', [
      'mean',
      'sum',
      'none',
      'batchmean',
    ]);
    this.options = Object.freeze({ reduction, logTarget: flag('KLDivLoss', 'logTarget', options.logTarget ?? false) });
  }

  override forward(input: Sequence, target: Sequence): Tensor {
    return klDivergence(input, target, this.options);
  }
}
