import { OptionError } from '../tensor/errors';
import { describe, nonNegativeInteger, positiveInteger } from '../tensor/options';
import { optional, readOptions } from '../tensor/read-options';
import { markClass } from '../tensor/package-copies';
import { epochStream, itemSeeds } from './epoch-stream';
import { PortableRandom, portableRandom } from './portable-random';
import type { SamplerSettings } from './sampler';

/** Items one after the other, as a reader of a file gives them. */
export type ItemSource<Item> = Iterable<Item> | AsyncIterable<Item>;

/** What the function of an IterableDataset is told of an epoch. */
export interface EpochOptions {
  /**
   * What is random in the items should depend on this number alone, a whole one below 2^53: it follows from the
   * dataset's seed and the epoch, or else from where the generator of `manualSeed` stands when the walk begins.
   */
  readonly seed: number;
}

/** Options of an IterableDataset. */
export interface IterableDatasetOptions {
  /**
   * Shuffles: so many items are held, and each that leaves is a random one of them. The larger, the nearer to a full
   * shuffle. Without it the items keep their order.
   */
  shuffleBuffer?: number | undefined;
  /**
   * Makes the order a function of seed and epoch. Without it the generator that `manualSeed` starts gives the order of
   * each epoch when its walk begins.
   */
  seed?: number | undefined;
  /** Items of an epoch, if that is known: a DataLoader then has a length, and another number is an error. */
  length?: number | undefined;
}

/**
 * Items that come one after the other and need not fit into memory:
 *
 *     const rows = new IterableDataset(streamJsonLines('reviews.jsonl'), { shuffleBuffer: 10_000, seed: 1 });
 *     for await (const batch of new DataLoader(rows, { batchSize: 32, collate })) …
 *
 * Each walk is one epoch.
 *
 * @throws {OptionError} if the source can be walked only once, is none, or an option is out of range
 */
export class IterableDataset<Item> implements AsyncIterable<Item> {
  static {
    markClass(this.prototype, 'IterableDataset');
  }

  /** Items of an epoch, if that is known. */
  readonly length: number | undefined;
  /** What the order depends on beside epoch, generator and source. */
  readonly settings: SamplerSettings;
  readonly #source: ItemSource<Item> | ((epoch: number, options: EpochOptions) => ItemSource<Item>);
  readonly #shuffleBuffer: number | undefined;
  readonly #seed: number | undefined;
  #walks = 0;

  /** @param source  an iterable that can be walked anew, or a function that begins an epoch, 0 for the first */
  constructor(
    source: ItemSource<Item> | ((epoch: number, options: EpochOptions) => ItemSource<Item>),
    options: IterableDatasetOptions = {},
  ) {
    const op = 'IterableDataset';
    const { shuffleBuffer, seed, length } = readOptions(op, options, {
      shuffleBuffer: optional(positiveInteger),
      seed: optional(nonNegativeInteger),
      length: optional(positiveInteger),
    });
    if (typeof source !== 'function') checkSource(op, source);
    if (seed !== undefined && shuffleBuffer === undefined)
      throw new OptionError(op, {
        given: `seed: ${seed} without shuffleBuffer`,
        expected: 'a seed only where random numbers are drawn',
        fix: 'add such as shuffleBuffer: 10_000, or leave seed out',
      });
    this.length = length;
    this.settings = { shuffleBuffer, seed, items: length };
    this.#source = source;
    this.#shuffleBuffer = shuffleBuffer;
    this.#seed = seed;
  }

  /**
   * The items of one epoch. What it draws from the generator of `manualSeed` is drawn before this returns.
   *
   * @throws {OptionError} if the function of the source gives nothing to walk over
   */
  epoch(epoch: number): AsyncIterable<Item> {
    const seed = itemSeeds(this.#seed, epoch)(0);
    const random = this.#random(epoch);
    const items = typeof this.#source === 'function' ? this.#source(epoch, { seed }) : this.#source;
    if (typeof this.#source === 'function') checkSource('IterableDataset', items, 'its function');
    const counted = this.#counted(items);
    return random === undefined ? counted : shuffled(counted, this.#shuffleBuffer ?? 1, random);
  }

  /** The items of the next epoch: the first walk is epoch 0. @throws {OptionError} as `epoch` does */
  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return this.epoch(this.#walks++)[Symbol.asyncIterator]();
  }

  #random(epoch: number): PortableRandom | undefined {
    if (this.#shuffleBuffer === undefined) return undefined;
    return this.#seed === undefined
      ? portableRandom(undefined)
      : new PortableRandom(epochStream(this.#seed, epoch).seed);
  }

  async *#counted(items: ItemSource<Item>): AsyncGenerator<Item> {
    let count = 0;
    for await (const item of items) {
      count++;
      yield item;
    }
    if (this.length !== undefined && count !== this.length)
      throw new OptionError('IterableDataset', {
        given: `${count} items in an epoch`,
        expected: `${this.length}, the length that was given`,
        fix: `pass length: ${count}, or leave it out`,
      });
  }
}

/** @throws {OptionError} if `source` cannot be walked, or only once */
function checkSource(op: string, source: unknown, giver = 'the source'): void {
  const isObject = typeof source === 'object' && source !== null;
  const iterate = isObject
    ? (Reflect.get(source, Symbol.asyncIterator) ?? Reflect.get(source, Symbol.iterator))
    : undefined;
  if (typeof iterate !== 'function')
    throw new OptionError(op, {
      given: `${describe(source)} from ${giver}`,
      expected: 'something to walk over: an iterable, or a function that gives one',
      fix: "pass such as () => createInterface({ input: createReadStream('rows.txt') })",
    });
  if (giver === 'the source' && isObject && 'next' in source && typeof source.next === 'function')
    throw new OptionError(op, {
      given: `${describe(source)}, which can be walked only once`,
      expected: 'items anew for each epoch',
      fix: 'pass the function that makes it: () => rowsOf(file)',
    });
}

/** Holds so many items; each that leaves is a random one of them, and the next one takes its place. */
async function* shuffled<Item>(items: AsyncIterable<Item>, size: number, random: PortableRandom): AsyncGenerator<Item> {
  const held: Item[] = [];
  for await (const item of items) {
    if (held.length < size) {
      held.push(item);
      continue;
    }
    const place = random.below(size);
    const [leaving] = held.splice(place, 1, item);
    yield leaving as Item;
  }
  yield* random.shuffle(held);
}
