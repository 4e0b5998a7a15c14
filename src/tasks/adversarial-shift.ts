import { keepBuffers } from '../module/keep-buffers';
import type { Module } from '../module/module';
import { keepRandomState } from '../tensor/generator';
import { PaddedSequence, lengthsOf, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { div, maximum, mul } from '../tensor/ops/elementwise';
import { norm } from '../tensor/ops/reduce';
import { noGrad } from '../tensor/grad-mode';
import type { Tensor } from '../tensor/tensor';

/** What a gradient's length is at least taken for, so that one of zeros moves nothing. */
const [LEAST, LEAST_UNIT] = [1e-30, 1e-12];

/** What the loss is multiplied by: gradients are divided by their length, and small ones would be 0 in f16. */
const SCALE = 1024;

/**
 * Vectors of tokens, moved to where the loss grows fastest (the fast gradient method; Miyato, Dai and Goodfellow,
 * 2017), each text by `epsilon` as a whole:
 *
 *   x' = x + ε · g / ‖g‖       g = ∂ loss / ∂ x of a text, all its steps together
 *
 * How far they move is a constant to `backward`, which goes on into the vectors as if they had not been moved. Of the
 * model no gradient changes and no running statistic, and what is drawn meanwhile, as by dropout, is drawn once more by
 * whoever computes the loss next.
 *
 * Shapes: vectors [N, T, D] → [N, T, D].
 *
 * @param model   whose parameters and buffers are left alone
 * @param lossOf  of a batch of vectors
 */
export function adversarialShift<X extends Sequence>(
  model: Module,
  vectors: X,
  epsilon: number,
  lossOf: (vectors: X) => Tensor,
): X {
  const start = valuesOf(vectors).detach().requiresGrad_();
  const learning = model.parameters().filter((parameter) => parameter.requiresGrad);
  learning.forEach((parameter) => parameter.requiresGrad_(false));
  try {
    const pass = (): void => mul(lossOf(withValues(vectors, start)), SCALE).backward();
    keepRandomState(() => keepBuffers(model, pass));
  } finally {
    learning.forEach((parameter) => parameter.requiresGrad_(true));
  }
  const { grad } = start;
  if (grad === undefined) return vectors; // a batch without a step
  const shift = noGrad(() => ofLength(grad, epsilon));
  return withValues(vectors, valuesOf(vectors).add(shift));
}

/** The gradient of each text with a length of its own. Squares of the smallest ones would be 0: it is made 1 first. */
function ofLength(gradient: Tensor, length: number): Tensor {
  const rest = gradient.shape.map((_, axis) => axis).slice(1);
  const largest = norm(gradient, rest, { p: Number.POSITIVE_INFINITY, keepDim: true });
  const unit = div(gradient, maximum(largest, LEAST));
  return div(mul(unit, length), maximum(norm(unit, rest, { keepDim: true }), LEAST_UNIT));
}

const withValues = <X extends Sequence>(like: X, values: Tensor): X => {
  const lengths = lengthsOf(like);
  return (lengths === undefined ? values : new PaddedSequence(values, lengths)) as X;
};
