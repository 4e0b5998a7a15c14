import { ctcLoss, type CTCLengths, type CTCLossOptions as CTCOptions } from '../tensor/ops/losses';
import { checkOptions, flag, nonNegativeInteger } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf } from './loss';

/** Options of a CTCLoss: those of `ctcLoss` that do not change from batch to batch. */
export type CTCLossSettings = Omit<CTCOptions, keyof CTCLengths>;

/**
 * Connectionist temporal classification (Graves et al., 2006): -log of the probability that the steps spell the labels,
 * over all alignments.
 *
 * Shapes: input log-probabilities, a tensor [T, N, C] or a PaddedSequence of [N, T, C]; target whole numbers [N, S] or
 * a PaddedSequence of it → [] (or [N], for reduction `none`).
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.CTCLoss
 */
export class CTCLoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<CTCLossSettings>>;

  constructor(options: CTCLossSettings = {}) {
    super();
    checkOptions('CTCLoss', options, ['blank', 'zeroInfinity', 'reduction']);
    const blank = nonNegativeInteger('CTCLoss', 'blank', options.blank ?? 0);
    const zeroInfinity = flag('CTCLoss', 'zeroInfinity', options.zeroInfinity ?? false);
    this.options = Object.freeze({ blank, zeroInfinity, reduction: reductionOf('CTCLoss', options) });
  }

  /**
   * @param lengths  inputLengths and targetLengths, for tensors; a PaddedSequence has its own
   * @throws {ShapeError} if lengths and shapes do not fit
   */
  override forward(input: Sequence, target: Sequence, lengths: CTCLengths = {}): Tensor {
    checkOptions('CTCLoss.forward', lengths, ['inputLengths', 'targetLengths']);
    return ctcLoss(input, target, { ...this.options, ...lengths });
  }

  /**
   * In a Trainer a tensor is [N, T, C], as where all rows of a batch are full; give a function that calls `forward` for
   * outputs of [T, N, C].
   */
  override ofBatch(input: Sequence, target: Sequence): Tensor {
    const [rows = 0, steps = 0] = input.shape;
    const known = input instanceof PaddedSequence || input.rank !== 3;
    return this.forward(known ? input : new PaddedSequence(input, new Array<number>(rows).fill(steps)), target);
  }
}
