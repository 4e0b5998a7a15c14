import { PaddedSequence, type HostArray, type Tensor } from 'stmnet';

/** Lengths for the N rows of [N, T, …]: all steps, none, some, one, all but one, and again. */
export function lengthsOf([count = 0, steps = 0]: readonly number[]): number[] {
  const usual = [steps, 0, Math.ceil(steps / 3), 1, steps - 1];
  return Array.from({ length: count }, (_, row) => usual[row % usual.length] ?? steps);
}

/** A batch with these lengths. */
export const padded = (x: Tensor): PaddedSequence => new PaddedSequence(x, lengthsOf(x.shape));

/** Whether the place [n, t, …] of an array is before the length of its row. */
export const isReal = ({ shape }: HostArray, [row = 0, step = 0]: readonly number[]): boolean =>
  step < (lengthsOf(shape)[row] ?? 0);
