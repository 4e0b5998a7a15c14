/**
 * Random numbers on the host that depend on a seed alone, for what is drawn item by item: the generator of tensors is
 * not touched. One seed gives the same numbers on every machine.
 *
 * The generator is sfc32 (Doty-Humphrey, PractRand, public domain), started by the finaliser of MurmurHash3.
 *
 * @internal
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  #spare: number | undefined;

  /** @param seed  a whole number of at least 0 */
  constructor(seed: number) {
    this.#a = mixed(seed % 2 ** 32);
    this.#b = mixed(this.#a ^ Math.floor(seed / 2 ** 32));
    this.#c = mixed(this.#b ^ 0x9e3779b9);
    for (let i = 0; i < 12; i++) this.#next();
  }

  /** A number in [0, 1), a multiple of 2^-32. */
  uniform(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number in 0..count - 1. */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** A number from N(0, 1), by Box and Muller. */
  normal(): number {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) return spare;
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }
}

function mixed(word: number): number {
  let x = (word + 0x6d2b79f5) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
