import { OptionError } from '../tensor/errors';
import { crossEntropy, type CrossEntropyOptions } from '../tensor/ops/losses';
import { checkOptions } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Loss, reductionOf, weightsOf } from './loss';

/** Options of a CrossEntropyLoss: those of `crossEntropy` that do not change from batch to batch. */
export type CrossEntropyLossOptions = Omit<CrossEntropyOptions, 'stepWeights'>;

/**
 * Cross entropy of `softmax(input)` along the last axis and class labels, or probabilities of the classes.
 *
 * Shapes: input […, C], target […] of whole numbers in 0..C-1, or […, C] of the input's dtype → [] (or […], for
 * reduction `none`).
 *
 * @throws {OptionError} if an option is unknown or out of range, or `weight` is no tensor
 * @see torch.nn.CrossEntropyLoss, whose classes are the second axis
 */
export class CrossEntropyLoss extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<CrossEntropyLossOptions>>;

  constructor(options: CrossEntropyLossOptions = {}) {
    super();
    const op = 'CrossEntropyLoss';
    checkOptions(op, options, ['weight', 'ignoreIndex', 'labelSmoothing', 'reduction']);
    const { ignoreIndex = -100, labelSmoothing = 0 } = options;
    if (!Number.isInteger(ignoreIndex))
      throw new OptionError(op, {
        given: `ignoreIndex: ${String(ignoreIndex)}`,
        expected: 'a whole number',
        fix: 'name the label of the steps to leave out',
      });
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw new OptionError(op, {
        given: `labelSmoothing: ${String(labelSmoothing)}`,
        expected: 'a number in 0..1',
        fix: 'pass a fraction such as labelSmoothing: 0.1',
      });
    }
    this.options = Object.freeze({
      weight: weightsOf(op, 'weight', options.weight),
      ignoreIndex,
      labelSmoothing,
      reduction: reductionOf(op, options),
    });
  }

  /**
   * @param settings.stepWeights  weight of each step: of the target's shape, or [N], one a sequence
   * @throws {ShapeError} if the target has neither the input's axes nor those but the last; {OptionError} if a label is
   * out of range
   */
  override forward(input: Sequence, target: Sequence, settings: Pick<CrossEntropyOptions, 'stepWeights'> = {}): Tensor {
    checkOptions('CrossEntropyLoss.forward', settings, ['stepWeights']);
    return crossEntropy(input, target, { ...this.options, ...settings });
  }
}
