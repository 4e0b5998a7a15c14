import { OptionError } from '../tensor/errors';
import { describe, flag, nonNegativeInteger, positiveInteger } from '../tensor/options';
import { permutation } from '../tensor/ops/random';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import { drawingAt, epochStream } from './epoch-stream';
import { fingerprintOfNumbers } from './fingerprint';
import type { BatchSampler, SamplerSettings } from './sampler';

/** Options of a BucketSampler: `batchSize`, `maxTokens`, or both. */
export interface BucketSamplerOptions {
  /** Items of a batch, at most. */
  batchSize?: number | undefined;
  /** Steps of a batch, padding included, at most: long items make small batches, short ones large batches. */
  maxTokens?: number | undefined;
  /** Whether each epoch has an order of its own. Default true. */
  shuffle?: boolean;
  /**
   * Makes the order a function of seed and epoch. Without it the generator that `manualSeed` starts gives the order of
   * each epoch when its walk begins.
   */
  seed?: number | undefined;
  /** Whether to leave out a batch that is not full; there is one at most, of the shortest items. Default false. */
  dropLast?: boolean;
  /** How many batches of items are shuffled with each other, at most: the more, the more padding. Default 16. */
  batchesPerBucket?: number;
}

/** A batch belongs to a bucket whose longest item is at most a third longer than its own. */
const ALIKE = 0.75;

/** Items of like length, of which so many make a batch. */
interface Bucket {
  begin: number;
  end: number;
  rows: number;
}

/**
 * Batches of items of like lengths, so that little is padded:
 *
 *     new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: 32 }) });
 *
 * Items are sorted by length, longest first, and cut into buckets of a few batches whose lengths are within a quarter
 * of the longest. In each epoch items of one length are dealt to their buckets anew, so that the order of the dataset
 * does not matter; the items of a bucket are shuffled and cut into batches, and the batches of all buckets are
 * shuffled. The number of batches is the same in each epoch. Without `shuffle` the longest items come first, those
 * of one length in their order.
 *
 * @throws {OptionError} if there is no item, a length is no whole number of at least 0 or more than `maxTokens`,
 * neither `batchSize` nor `maxTokens` is given, no batch is full, or an option is out of range
 */
export class BucketSampler implements BatchSampler {
  /** Batches of an epoch. */
  readonly length: number;
  /** What the order depends on beside epoch and generator. */
  readonly settings: SamplerSettings;
  /** Indices, longest items first. */
  readonly #sorted: readonly number[];
  /** Where in it the items of a length begin, for each of its places. */
  readonly #runs: Int32Array;
  readonly #buckets: readonly Bucket[];
  readonly #options: Readonly<{ shuffle: boolean; seed: number | undefined; dropLast: boolean }>;
  #walks = 0;

  /** @param lengths  of the items, in steps, in the order of the dataset */
  constructor(lengths: ArrayLike<number>, options: BucketSamplerOptions) {
    const op = 'BucketSampler';
    const read = readOptions(op, options, {
      batchSize: optional(positiveInteger),
      maxTokens: optional(positiveInteger),
      shuffle: withDefault(flag, true),
      seed: optional(nonNegativeInteger),
      dropLast: withDefault(flag, false),
      batchesPerBucket: withDefault(positiveInteger, 16),
    });
    const { batchSize, maxTokens, shuffle, seed, dropLast, batchesPerBucket } = read;
    if (batchSize === undefined && maxTokens === undefined)
      throw new OptionError(op, {
        given: 'neither batchSize nor maxTokens',
        expected: 'one of them, or both',
        fix: 'pass such as { batchSize: 32 } or { maxTokens: 4096 }',
      });
    if (seed !== undefined && !shuffle)
      throw new OptionError(op, {
        given: `seed: ${seed} with shuffle: false`,
        expected: 'a seed only where random numbers are drawn',
        fix: 'leave one of them out',
      });
    const all = checkLengths(op, lengths, maxTokens);
    this.#sorted = all.map((_, index) => index).sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0));
    const rowsOf = (longest: number): number =>
      Math.min(batchSize ?? Infinity, Math.floor((maxTokens ?? Infinity) / Math.max(longest, 1)));
    const sortedLengths = this.#sorted.map((index) => all[index] ?? 0);
    this.#runs = runsOf(sortedLengths);
    this.#buckets = bucketsOf(sortedLengths, rowsOf, batchesPerBucket);
    this.#options = { shuffle, seed, dropLast };
    this.settings = { ...read, lengths: fingerprintOfNumbers(all) };
    this.length = this.#buckets.reduce((sum, bucket) => sum + countOf(bucket, dropLast), 0);
    if (this.length === 0)
      throw new OptionError(op, {
        given: `dropLast for ${all.length} items, fewer than a batch takes`,
        expected: 'at least one full batch',
        fix: 'use smaller batches, or leave dropLast out',
      });
  }

  /** The batches of one epoch, each the indices of its items. */
  epoch(epoch: number): readonly number[][] {
    const { shuffle, seed } = this.#options;
    if (!shuffle) return this.#batches((bucket) => this.#sorted.slice(bucket.begin, bucket.end));
    return seed === undefined ? this.#shuffled() : drawingAt(epochStream(seed, epoch), () => this.#shuffled());
  }

  /** The batches of the next epoch: the first walk is epoch 0. */
  [Symbol.iterator](): Iterator<number[]> {
    return this.epoch(this.#walks++)[Symbol.iterator]();
  }

  #shuffled(): number[][] {
    const dealt = this.#dealt();
    const batches = this.#batches(({ begin, end }) =>
      permutation(end - begin).map((place) => dealt[begin + place] ?? -1),
    );
    return permutation(batches.length).map((place) => batches[place] ?? []);
  }

  /** The sorted items, those of one length in random order: a bucket may end among them. */
  #dealt(): readonly number[] {
    const next = this.#runs.slice();
    const dealt = new Array<number>(next.length);
    for (const place of permutation(next.length)) {
      const run = this.#runs[place] ?? 0;
      dealt[next[run] ?? 0] = this.#sorted[place] ?? -1;
      next[run] = (next[run] ?? 0) + 1;
    }
    return dealt;
  }

  #batches(itemsOf: (bucket: Bucket) => readonly number[]): number[][] {
    return this.#buckets.flatMap((bucket) => {
      const items = itemsOf(bucket);
      return Array.from({ length: countOf(bucket, this.#options.dropLast) }, (_, batch) =>
        items.slice(batch * bucket.rows, (batch + 1) * bucket.rows),
      );
    });
  }
}

/** For each place of a sorted list, the first one with the same number. */
function runsOf(sorted: readonly number[]): Int32Array {
  const runs = new Int32Array(sorted.length);
  for (let place = 1; place < sorted.length; ++place)
    runs[place] = sorted[place] === sorted[place - 1] ? (runs[place - 1] ?? 0) : place;
  return runs;
}

const countOf = ({ begin, end, rows }: Bucket, dropLast: boolean): number =>
  dropLast ? Math.floor((end - begin) / rows) : Math.ceil((end - begin) / rows);

/**
 * Buckets of lengths in falling order. The first length of a bucket says how many rows its batches have; only the last
 * bucket, of the shortest items, may have a batch that is not full.
 */
function bucketsOf(lengths: readonly number[], rowsOf: (longest: number) => number, batches: number): Bucket[] {
  const buckets: Bucket[] = [];
  for (let begin = 0; begin < lengths.length;) {
    const longest = lengths[begin] ?? 0;
    const rows = rowsOf(longest);
    let end = begin + rows;
    while (end < begin + rows * batches && (lengths[end] ?? 0) >= longest * ALIKE) end += rows;
    buckets.push({ begin, end: Math.min(end, lengths.length), rows });
    begin = end;
  }
  return buckets;
}

function checkLengths(op: string, lengths: ArrayLike<number>, maxTokens = Infinity): number[] {
  const isList = Array.isArray(lengths) || ArrayBuffer.isView(lengths);
  if (!isList || lengths.length === 0)
    throw new OptionError(op, {
      given: isList ? 'no lengths' : `lengths ${describe(lengths)}`,
      expected: 'the length of each item, one at least',
      fix: 'pass items.map((item) => item.input.length)',
    });
  return Array.from(lengths, (length, index) => {
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
      throw new OptionError(op, {
        given: `the length ${describe(length)} of item ${index}`,
        expected: 'a whole number of at least 0',
        fix: 'pass the number of steps of each item; of a HostArray that is shape[0]',
      });
    if (length > maxTokens)
      throw new OptionError(op, {
        given: `item ${index} of length ${length} with maxTokens: ${maxTokens}`,
        expected: 'items that fit into a batch',
        fix: 'cut the item or leave it out, or enlarge maxTokens',
      });
    return length;
  });
}
