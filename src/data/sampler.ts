import { nonNegativeInteger } from '../tensor/options';
import { permutation } from '../tensor/ops/random';
import { optional, readOptions } from '../tensor/read-options';
import { drawingAt, epochStream } from './epoch-stream';

/** What an order depends on beside epoch and generator; undefined is left out. */
export type SamplerSettings = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * An order of items, or of whole batches of them. Each walk over it is one epoch.
 *
 * One of your own may draw random numbers, as `permutation` does, from the generator that `manualSeed` starts; a
 * DataLoader reads the order when an epoch begins, and so it can be told again. What else the order comes from, a state
 * of its own say, belongs into `epoch`.
 */
export interface EpochOrder<Place> extends Iterable<Place> {
  /** How many there are in an epoch; a DataLoader refuses a walk that gives more or fewer. */
  readonly length: number;
  /**
   * The order of one epoch, 0 for the first, where it is a function of that number. A DataLoader asks it first; without
   * it, the walk over the sampler itself is the next epoch.
   */
  epoch?(epoch: number): Iterable<Place>;
  /** What the order depends on beside epoch and generator: a position saved under other settings is refused. */
  readonly settings?: SamplerSettings;
}

/** An order of items: gives their indices. */
export type Sampler = EpochOrder<number>;

/** An order of whole batches: gives the indices of the items of each. */
export type BatchSampler = EpochOrder<readonly number[]>;

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

/** Options of a RandomSampler. */
export interface RandomSamplerOptions {
  /**
   * Makes the order a function of seed and epoch. Without it the generator that `manualSeed` starts gives the order of
   * each epoch when its walk begins.
   */
  seed?: number | undefined;
}

/** All items once in random order, another one in each epoch. */
export class RandomSampler implements Sampler {
  readonly length: number;
  readonly #seed: number | undefined;
  #walks = 0;

  /** @throws {OptionError} if `length` or `seed` is no whole number of at least 0 */
  constructor(length: number, options: RandomSamplerOptions = {}) {
    this.length = nonNegativeInteger('RandomSampler', 'length', length);
    this.#seed = readOptions('RandomSampler', options, { seed: optional(nonNegativeInteger) }).seed;
  }

  /** The seed, if there is one. */
  get settings(): Readonly<Record<string, number>> {
    return this.#seed === undefined ? {} : { seed: this.#seed };
  }

  /** The indices of one epoch, each once. */
  epoch(epoch: number): number[] {
    const draw = (): number[] => permutation(this.length);
    return this.#seed === undefined ? draw() : drawingAt(epochStream(this.#seed, epoch), draw);
  }

  /** The indices of the next epoch: the first walk is epoch 0. */
  [Symbol.iterator](): Iterator<number> {
    return this.epoch(this.#walks++)[Symbol.iterator]();
  }
}
