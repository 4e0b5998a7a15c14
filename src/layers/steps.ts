import { zeros } from '../tensor/factories';
import { concat } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';

/**
 * A batch in which no row has a step gets one that is padding, so that it is computed like an empty row beside longer
 * ones; any other batch stays as it is.
 *
 * @param input  [N, T, …]
 */
export function withStep(input: Sequence): Sequence {
  const [rows = 0, steps, ...rest] = input.shape;
  if (steps !== 0) return input;
  const values = concat([valuesOf(input), zeros([rows, 1, ...rest], { dtype: input.dtype, device: input.device })], 1);
  return PaddedSequence.zeroPadded(values, new Array<number>(rows).fill(0));
}
