import { markClass } from '../tensor/copies';
import { OptionError } from '../tensor/errors';
import { describe, oneOf } from '../tensor/options';
import type { Reduction } from '../tensor/ops/losses';
import type { Sequence } from '../tensor/padded-sequence';
import { checkTensor, type Tensor } from '../tensor/tensor';

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
   */
  ofBatch(input: Sequence, target: Sequence): Tensor {
    return this.forward(input, target);
  }
}

/** The reduction that was chosen, `mean` by default. */
export const reductionOf = (op: string, options: { reduction?: Reduction }): Reduction =>
  oneOf(op, 'reduction', options.reduction ?? 'mean', ['mean', 'sum', 'none']);

/** Weights that a loss was given, if any: a tensor, as plain numbers would be refused at the first batch only. */
export function weightsOf(op: string, name: string, weights: Tensor | null | undefined): Tensor | undefined {
  if (weights === undefined || weights === null) return undefined;
  const given: unknown = weights;
  if (typeof given === 'number' || Array.isArray(given)) {
    const numbers = Array.isArray(given) && given.length > 8 ? '[…]' : describe(given);
    throw new OptionError(op, {
      given: `${describe(given)} as ${name}`,
      expected: 'a Tensor',
      fix: `write ${name}: tensor(${numbers})`,
    });
  }
  checkTensor(weights, op, name);
  return weights;
}
