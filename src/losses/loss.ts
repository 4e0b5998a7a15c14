import { markClass } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions, type Readers } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';

/**
 * Base of all losses: options chosen once, then called with predictions and targets, as a Trainer does.
 *
 * Given a PaddedSequence as input or target, a loss counts real steps only.
 */
export abstract class Loss {
  static {
    markClass(this.prototype, 'Loss');
  }

  /**
   * The loss of predictions.
   *
   * @returns a tensor without axes to call `backward` on, unless `reduction` is `none`
   * @throws {ShapeError} if input and target do not fit each other
   */
  abstract forward(input: Sequence, target: Sequence): Tensor;

  /**
   * The loss as a Trainer computes it, of batches whose first axis is N: `forward`, unless a loss takes its tensors in
   * another order.
   *
   * @param weight  of each example, [N], or of each step, [N, T]: a mean is Σ weight · loss / Σ weight
   * @throws {OptionError} if the loss cannot weigh; a loss of one's own takes the weight here
   */
  ofBatch(input: Sequence, target: Sequence, weight?: Sequence): Tensor {
    if (weight === undefined) return this.forward(input, target);
    throw new OptionError(this.constructor.name, {
      given: 'a batch with a weight',
      expected: 'a loss that weighs examples or steps',
      fix: 'write ofBatch(input, target, weight) in this class, or leave weight out of the batches',
    });
  }
}

/** A loss with the options of its function. */
export abstract class LossWithOptions<O extends object> extends Loss {
  /** The options with their defaults. */
  readonly options: Readonly<Required<O>>;

  constructor(op: string, options: O, readers: Readers<O>) {
    super();
    this.options = readOptions(op, options, readers);
  }
}
