import { ShapeError } from '../tensor/errors';
import { div, mul, sub } from '../tensor/ops/elementwise';
import { countReal } from '../tensor/ops/losses-shapes';
import { sum } from '../tensor/ops/reduce';
import { slice } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { lengthsOf, PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { clearPadding } from '../tensor/map-values';
import { Tensor } from '../tensor/tensor';

/**
 * Activation regularisation (AR; Merity, McCann and Socher, Revisiting activation regularization for language RNNs,
 * 2017): the mean square of what a recurrent layer gives, for a loss to add with a weight α, so that activations stay
 * small. As in AWD-LSTM: of the output of the last layer as dropout has left it.
 *
 *     loss: (scores, target) => [crossEntropy(scores, target), { loss: activationRegularization(output), weight: 2 }]
 *
 * Shapes: [N, T, H] → []. Padding of a PaddedSequence does not count; without any step it is 0.
 *
 * @throws {ShapeError} if there are no steps
 */
export function activationRegularization(output: Sequence): Tensor {
  checkSteps('activationRegularization', output);
  return meanSquare(output);
}

/**
 * Temporal activation regularisation (TAR; same source): the mean square of the change from step to step, for a loss to
 * add with a weight β, so that states change slowly. As in AWD-LSTM: of the output of the last layer before dropout.
 *
 *   mean (h_t - h_{t-1})²        over the elements of the steps 2 to T
 *
 * Shapes: [N, T, H] → []. Padding of a PaddedSequence does not count; without a second step it is 0.
 *
 * @throws {ShapeError} if there are no steps
 */
export function temporalActivationRegularization(output: Sequence): Tensor {
  checkSteps('temporalActivationRegularization', output);
  const values = valuesOf(output);
  const changes = sub(slice(values, [0, 1]), slice(values, [0, 0], [null, Math.max(0, (output.shape[1] ?? 0) - 1)]));
  const lengths = lengthsOf(output)?.map((length) => Math.max(0, length - 1));
  return meanSquare(lengths === undefined ? changes : new PaddedSequence(changes, lengths));
}

/** Over the real elements. */
function meanSquare(x: Sequence): Tensor {
  const values = valuesOf(clearPadding(x));
  return div(sum(mul(values, values)), Math.max(1, countReal(values.shape, lengthsOf(x))));
}

function checkSteps(op: string, output: unknown): void {
  const isSequence = output instanceof Tensor || output instanceof PaddedSequence;
  if (isSequence && output.shape.length >= 3) return;
  throw new ShapeError(op, {
    given: `output ${describe(output)}`,
    expected: 'what a recurrent layer gives, [N, T, H]',
    fix: 'pass its output, with the batch first: x.unsqueeze(0)',
  });
}
