import { tensor, zeros } from './factories';
import { indexSelect } from './ops/indexing';
import { concat, reshape } from './ops/shape';
import type { Tensor } from './tensor';

/** i32 indices on a device. */
export const indices = (places: readonly number[], device: string): Tensor =>
  tensor({ data: Int32Array.from(places), shape: [places.length] }, { dtype: 'i32', device });

/** Rows and steps as one axis: [N, T, …] → [N·T, …]. */
export function joinSteps(values: Tensor): Tensor {
  const [rows = 0, steps = 0, ...rest] = values.shape;
  return reshape(values, [rows * steps, ...rest]);
}

/** Picks steps by their places n·T + t: [N, T, …] → [places, …]. */
export const pickSteps = (values: Tensor, places: readonly number[]): Tensor =>
  indexSelect(joinSteps(values), 0, indices(places, values.device));

/** Places n·T + t of the real steps, row after row. */
export function realPlaces(lengths: readonly number[], steps: number): number[] {
  return lengths.flatMap((length, row) => Array.from({ length }, (_, step) => row * steps + step));
}

/** The opposite of picking the real steps: [Σ lengths, …] → [N, T, …], zeros past each length. */
export function spreadSteps(picked: Tensor, lengths: readonly number[], steps: number): Tensor {
  const [count = 0, ...rest] = picked.shape;
  const places = Array.from({ length: lengths.length * steps }, () => count);
  realPlaces(lengths, steps).forEach((place, index) => (places[place] = index));
  const withZero = concat([picked, zeros([1, ...rest], { dtype: picked.dtype, device: picked.device })], 0);
  return reshape(indexSelect(withZero, 0, indices(places, picked.device)), [lengths.length, steps, ...rest]);
}

/** The length of the longest row; 0 of none. */
export const longest = (lengths: readonly number[]): number =>
  lengths.reduce((most, length) => Math.max(most, length), 0);

/** The real steps of each row in reverse order, padding as it is: [N, T, …] → [N, T, …]. */
export function reverseSteps(values: Tensor, lengths: readonly number[]): Tensor {
  const [, steps = 0] = values.shape;
  const places = lengths.flatMap((length, row) =>
    Array.from({ length: steps }, (_, step) => row * steps + (step < length ? length - 1 - step : step)),
  );
  return reshape(pickSteps(values, places), values.shape);
}
