import type { HostArray } from '../tensor/host-array';
import { drawSequences, type LongMemoryOptions } from './long-memory';
import type { RandomDraws } from './random-draws';

/** A sequence of the temporal order problem. */
export interface OrderSequence {
  /** f32 [T', 8], one symbol a step, one-hot: start, end, X, Y, and four that mean nothing. */
  input: HostArray;
  /** Which came first and second: 0 X X, 1 X Y, 2 Y X, 3 Y Y. */
  target: number;
}

const SYMBOLS = 8;
const [START, END, X, NOISE, NOISES] = [0, 1, 2, 4, 4];

/**
 * The temporal order problem (Hochreiter and Schmidhuber, Long short-term memory, 1997, experiment 6a): of two symbols
 * far from each other, each X or Y, among others that mean nothing, the order tells the class. The first is between
 * T/10 and T/5, the second between T/2 and 3T/5; a sequence has T to 1.1 · T steps.
 *
 *     temporalOrder({ sequences: 2000, steps: 100, seed: 1 })    // [{ input, target }, …]
 *
 * @throws {OptionError} if `sequences` is no positive whole number, `steps` is below 10, or `seed` no whole number
 */
export const temporalOrder = (options: LongMemoryOptions): OrderSequence[] =>
  drawSequences('temporalOrder', options, (random, steps) => ordered(random, steps));

function ordered(random: RandomDraws, steps: number): OrderSequence {
  const length = steps + random.below(Math.floor(steps / 10) + 1);
  const symbols = Array.from({ length }, () => NOISE + random.below(NOISES));
  const near = (part: number): number => Math.floor(part * steps) + random.below(Math.floor(steps / 10) + 1);
  const [first, second] = [random.below(2), random.below(2)];
  symbols[near(0.1)] = X + first;
  symbols[near(0.5)] = X + second;
  symbols[0] = START;
  symbols[length - 1] = END;
  const data = new Float32Array(length * SYMBOLS);
  symbols.forEach((symbol, step) => (data[step * SYMBOLS + symbol] = 1));
  return { input: { data, shape: [length, SYMBOLS] }, target: 2 * first + second };
}
