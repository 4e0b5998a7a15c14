import { nonNegativeInteger } from '../tensor/options';
import { permutation } from '../tensor/ops/random';

/** An order of items: each walk over it is one epoch. */
export interface Sampler extends Iterable<number> {
  /** Indices of one epoch. */
  readonly length: number;
}

/** The items in their order. */
export class SequentialSampler implements Sampler {
  readonly length: number;

  /** @throws {OptionError} if `length` is no whole number of at least 0 */
  constructor(length: number) {
    this.length = nonNegativeInteger('SequentialSampler', 'length', length);
  }

  /** 0, 1, …, length - 1. */
  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.length; index++) yield index;
  }
}

/** All items once in random order, another one in each epoch, by the generator that `manualSeed` starts. */
export class RandomSampler implements Sampler {
  readonly length: number;

  /** @throws {OptionError} if `length` is no whole number of at least 0 */
  constructor(length: number) {
    this.length = nonNegativeInteger('RandomSampler', 'length', length);
  }

  /** The indices of one epoch, each once. */
  [Symbol.iterator](): Iterator<number> {
    return permutation(this.length)[Symbol.iterator]();
  }
}
