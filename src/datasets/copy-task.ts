import type { HostArray } from '../tensor/host-array';
import { drawSequences, type LongMemoryOptions } from './long-memory';
import type { RandomDraws } from './random-draws';

/** A sequence of the copy task. */
export interface CopySequence {
  /** f32 [T + 20, 10], one symbol a step, one-hot: 0 blank, 1 to 8 what is to be copied, 9 that it is time to. */
  input: HostArray;
  /** i32 [T + 20]: what is to be said at each step, of the same symbols: blanks, and at the last ten steps the copy. */
  target: Int32Array;
}

const [SYMBOLS, COPIED, KINDS, GO] = [10, 10, 8, 9];

/**
 * The copy task (Arjovsky, Shah and Bengio, Unitary evolution recurrent neural networks, 2016): ten symbols of eight
 * kinds must be remembered over T steps, and then said in their order. Who remembers nothing comes to a cross entropy
 * of 10 · ln 8 / (T + 20) nats a step.
 *
 *     copyTask({ sequences: 2000, steps: 100, seed: 1 })    // [{ input, target }, …]
 *
 * @throws {OptionError} if `sequences` is no positive whole number, `steps` is below 10, or `seed` no whole number
 */
export const copyTask = (options: LongMemoryOptions): CopySequence[] =>
  drawSequences('copyTask', options, (random, steps) => copied(random, steps));

function copied(random: RandomDraws, steps: number): CopySequence {
  const length = steps + 2 * COPIED;
  const said = Int32Array.from({ length: COPIED }, () => 1 + random.below(KINDS));
  const target = new Int32Array(length);
  target.set(said, length - COPIED);
  const data = new Float32Array(length * SYMBOLS);
  for (let step = 0; step < length; step++) {
    const symbol = said[step] ?? (step === length - COPIED - 1 ? GO : 0);
    data[step * SYMBOLS + symbol] = 1;
  }
  return { input: { data, shape: [length, SYMBOLS] }, target };
}
