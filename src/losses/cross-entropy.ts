import type { CrossEntropyLossOptions, CrossEntropyOptions } from '../tensor/ops/losses-options';
import * as readers from '../tensor/ops/losses-options';
import { commonLengths } from '../tensor/ops/losses-shapes';
import { crossEntropy } from '../tensor/ops/losses';
import { asGiven, readOptions } from '../tensor/read-options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import { LossWithOptions } from './loss';
import { countingAlone } from './weighted';

/**
 * Cross entropy of `softmax(input)` along the last axis and class labels, or probabilities of the classes.
 *
 * Shapes: input […, C], target […] of whole numbers in 0..C-1, or […, C] of the input's dtype → [] (or […], for
 * reduction `none`).
 *
 * @throws {OptionError} if an option is unknown or out of range, or `weight` is no tensor
 * @see torch.nn.CrossEntropyLoss, whose classes are the second axis
 */
export class CrossEntropyLoss extends LossWithOptions<CrossEntropyLossOptions> {
  constructor(options: CrossEntropyLossOptions = {}) {
    super('CrossEntropyLoss', options, readers.crossEntropyOfAllBatches);
  }

  /**
   * @param settings.stepWeights  weight of each step: of the target's shape, or [N], one a sequence
   * @throws {ShapeError} if the target has neither the input's axes nor those but the last; {OptionError} if a label is
   * out of range
   */
  override forward(input: Sequence, target: Sequence, settings: Pick<CrossEntropyOptions, 'stepWeights'> = {}): Tensor {
    const { stepWeights } = readOptions('CrossEntropyLoss.forward', settings, { stepWeights: asGiven });
    return crossEntropy(input, target, { ...this.options, stepWeights });
  }

  /** @throws {ShapeError} if there is not one weight for each example or step */
  override ofBatch(input: Sequence, target: Sequence, weight?: Sequence): Tensor {
    if (weight === undefined) return this.forward(input, target);
    const shape = input.shape.slice(0, -1);
    const lengths = commonLengths('CrossEntropyLoss', input, target);
    const stepWeights = elementWeights('CrossEntropyLoss', weight, { shape, lengths, dtype: input.dtype });
    return this.forward(countingAlone(input, stepWeights), countingAlone(target, stepWeights), { stepWeights });
  }
}
