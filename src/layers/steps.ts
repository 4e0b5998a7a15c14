import { zeros } from '../tensor/factories';
import { concat, flip, reshape } from '../tensor/ops/shape';
import { mapZeros, PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { pickSteps } from '../tensor/steps';

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

/** The steps in reverse order; of a PaddedSequence the real ones only, so that padding stays at the end. */
export function reverseSteps<X extends Sequence>(input: X): X;
export function reverseSteps(input: Sequence): Sequence {
  if (!(input instanceof PaddedSequence)) return flip(input, [1]);
  const [, steps = 0] = input.shape;
  const places = input.lengths.flatMap((length, row) => Array.from({ length: steps }, (_, step) => row * steps + (step < length ? length - 1 - step : step)));
  return mapZeros(input, (values) => reshape(pickSteps(values, places), values.shape));
}
