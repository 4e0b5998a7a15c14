import { binding } from '../../native/load';
import { idOf, optionalIdOf, wrap, type Tensor } from '../tensor';

/**
 * Matrix product over the last two axes; leading axes broadcast. A vector on the left is a row, on the right a column,
 * and its axis goes away again.
 *
 * Shapes: a […, M, K], b […, K, N] → […, M, N].
 *
 * @throws {ShapeError} if the inner extents differ, or leading axes do not broadcast; {DTypeError} if the dtypes are
 * not floating and equal
 */
export const matmul = (a: Tensor, b: Tensor): Tensor =>
  wrap(binding.matmul(idOf(a, 'matmul', 'a'), idOf(b, 'matmul', 'b')));

/**
 * `x · weightᵀ + bias` over the last axis of `x`, in one step.
 *
 * Shapes: x […, in], weight [out, in], bias [out] → […, out].
 *
 * @throws {ShapeError} if the last axis of `x` is not `in`
 */
export const linear = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor =>
  wrap(binding.linear(idOf(x, 'linear'), idOf(weight, 'linear', 'weight'), optionalIdOf(bias, 'linear', 'bias')));
