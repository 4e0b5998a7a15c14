import type { HostArray } from '../tensor/host-array';
import { drawSequences, type LongMemoryOptions } from './long-memory';
import type { RandomDraws } from './random-draws';

/** A sequence of the adding problem. */
export interface AddingSequence {
  /** f32 [T', 2]: a number in (-1, 1), and whether it is marked, 1; -1 at the first and last step, else 0. */
  input: HostArray;
  /** f32 [1]: 0.5 + the sum of the marked numbers / 4, in [0, 1]. */
  target: Float32Array;
}

/**
 * The adding problem (Hochreiter and Schmidhuber, Long short-term memory, 1997, experiment 4): which two numbers of a
 * long sequence are marked must be noticed, and their sum remembered until the end. One mark is among the first ten
 * steps, the other before the middle; the first number counts as 0 if it is marked. A sequence has T to 1.1 · T steps.
 * It is solved where the error is below 0.04.
 *
 *     addingProblem({ sequences: 2000, steps: 100, seed: 1 })    // [{ input, target }, …]
 *
 * @throws {OptionError} if `sequences` is no positive whole number, `steps` is below 10, or `seed` no whole number
 */
export const addingProblem = (options: LongMemoryOptions): AddingSequence[] =>
  drawSequences('addingProblem', options, (random, steps) => adding(random, steps));

function adding(random: RandomDraws, steps: number): AddingSequence {
  const length = steps + random.below(Math.floor(steps / 10) + 1);
  const data = new Float32Array(2 * length);
  for (let step = 0; step < length; step++) data[2 * step] = 2 * random.uniform() - 1;
  const places = Math.max(2, Math.floor(steps / 2) - 1);
  const first = random.below(Math.min(10, places));
  const second = (first + 1 + random.below(places - 1)) % places;
  let sum = 0;
  for (const step of [first, second]) {
    if (step > 0) sum += data[2 * step] ?? 0;
    data[2 * step + 1] = 1;
  }
  for (const end of [0, length - 1]) if (data[2 * end + 1] === 0) data[2 * end + 1] = -1;
  return { input: { data, shape: [length, 2] }, target: Float32Array.of(0.5 + sum / 4) };
}
