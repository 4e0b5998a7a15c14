import { getRandomState, setRandomState } from '../tensor/generator';
import { epochStream } from './epoch-stream';

const MODULUS = 2 ** 31 - 1;

/**
 * Random numbers that a few lines in any language give again: x ← 16807 · x mod (2³¹ − 1), from the seed on.
 *
 * @see Park and Miller, Random number generators: good ones are hard to find, 1988
 */
export class PortableRandom {
  #x: number;

  /** @param seed  a whole number of at least 0; its remainder of 2³¹ − 1 counts, and 2³¹ − 2 in place of 0 */
  constructor(seed: number) {
    this.#x = seed % MODULUS || MODULUS - 1;
  }

  /** A whole number in 0..count - 1: x mod count. */
  below(count: number): number {
    this.#x = (16_807 * this.#x) % MODULUS; // below 2^46, and so exact
    return this.#x % count;
  }

  /** Puts an array in random order: for i from the last place to 1, i and a place in 0..i are exchanged. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const [a, b] = [items[i], items[j]];
      if (a === undefined || b === undefined) continue; // no hole is at these places
      [items[i], items[j]] = [b, a];
    }
    return items;
  }
}

/** A generator that starts from `seed`, or else from where that of `manualSeed` stands, which then moves on. */
export function portableRandom(seed: number | undefined): PortableRandom {
  if (seed !== undefined) return new PortableRandom(seed);
  const { seed: stream, offset } = getRandomState();
  setRandomState({ seed: stream, offset: offset + 1 });
  return new PortableRandom(epochStream(stream, offset).seed);
}
