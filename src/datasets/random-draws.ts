import { PortableRandom } from '../data/portable-random';

const MODULUS = 2 ** 31 - 1;

/** Draws of distributions from numbers that are the same everywhere. */
export class RandomDraws {
  readonly #random: PortableRandom;

  /** @param seed  a whole number of at least 0 */
  constructor(seed: number) {
    this.#random = new PortableRandom(seed);
    // The first numbers of small seeds are small, too.
    for (let draw = 0; draw < 3; draw++) this.#random.below(MODULUS);
  }

  /** A number in (0, 1). */
  uniform(): number {
    return this.#random.below(MODULUS) / MODULUS;
  }

  /** A whole number in 0..count - 1. */
  below(count: number): number {
    return this.#random.below(count);
  }

  /**
   * Gamma distributed with mean 1: the mean of as many exponentially distributed numbers.
   *
   * @param shape  a whole number
   */
  gamma(shape: number): number {
    let sum = 0;
    for (let part = 0; part < shape; part++) sum -= Math.log(this.uniform());
    return sum / shape;
  }

  /** One of names, as likely as their numbers say, which add up to 1. */
  pick<Name>(chances: ReadonlyMap<Name, number>): Name {
    let rest = this.uniform();
    let last: Name | undefined;
    for (const [name, chance] of chances) {
      last = name;
      rest -= chance;
      if (rest < 0) break;
    }
    return last as Name;
  }
}
