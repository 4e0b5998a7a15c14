import { OptionError } from '../tensor/errors';
import { flag, nonNegativeInteger, positiveInteger } from '../tensor/options';
import { asGiven, optional, readOptions, withDefault } from '../tensor/read-options';
import { batchesInOrder, batchesOf, samplerGiven, type BatchOrder } from './batch-order';
import type { FieldTypes } from './collate';
import { RandomSampler, SequentialSampler, type BatchSampler, type Sampler } from './sampler';

/** Options of a DataLoader. */
export interface DataLoaderOptions<Item, Batch> {
  /** Items of a batch. Default 1. */
  batchSize?: number;
  /** Whether each epoch has an order of its own. Default false. */
  shuffle?: boolean;
  /**
   * Makes the order of a shuffled epoch a function of this number and the epoch's. Without it the generator that
   * `manualSeed` starts gives the order when the walk begins.
   */
  seed?: number | undefined;
  /** Whether to leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
  /** The order of the items, in place of `shuffle`. */
  sampler?: Sampler | undefined;
  /** The items of each batch, in place of `batchSize`, `shuffle`, `seed`, `dropLast` and `sampler`. */
  batchSampler?: BatchSampler | undefined;
  /**
   * Element types of the fields, where the default collate's choice is not what is wanted, as in { target: 'f64' }: it
   * makes f32 of plain numbers, whole ones too, and keeps what typed arrays and tensors are.
   */
  dtypes?: FieldTypes<Item> | undefined;
  /**
   * So many batches have their items made, read or asked for before their turn, while the steps before them run; for
   * `for await` and a Trainer. Nothing else changes, if nothing draws random numbers after it has waited: the batch
   * itself is made at its turn, errors come at theirs, and `state()` speaks of the batches that were given. Default 0.
   */
  prefetch?: number;
  /** Makes a batch of items, in place of the default, which stacks and pads. */
  collate?: ((items: readonly Item[]) => Batch) | undefined;
}

/** What a DataLoader makes of its options. */
export interface CheckedOptions<Item, Batch> {
  /** Undefined where a batchSampler chooses. */
  batchSize: number | undefined;
  dropLast: boolean;
  /** Undefined for a stream, which comes in its own. */
  order: BatchOrder | undefined;
  dtypes: FieldTypes<Item> | undefined;
  prefetch: number;
  collate: ((items: readonly Item[]) => Batch) | undefined;
}

/**
 * @param items  of the dataset; undefined for a stream
 * @throws {OptionError} if an option is unknown or out of range, or two contradict each other
 */
export function checkOptions<Item, Batch>(
  op: string,
  options: DataLoaderOptions<Item, Batch>,
  items: number | undefined,
): CheckedOptions<Item, Batch> {
  const read = readOptions(op, options, {
    batchSize: withDefault(positiveInteger, 1),
    shuffle: withDefault(flag, false),
    seed: optional(nonNegativeInteger),
    dropLast: withDefault(flag, false),
    sampler: optional(samplerGiven<Sampler>),
    batchSampler: optional(samplerGiven<BatchSampler>),
    dtypes: asGiven,
    prefetch: withDefault(nonNegativeInteger, 0),
    collate: asGiven,
  });
  const { batchSize, shuffle, seed, dropLast, sampler, batchSampler } = read;
  const { dtypes, prefetch, collate } = read;
  const common = { dropLast, dtypes, prefetch, collate };
  if (items === undefined) {
    for (const name of ['shuffle', 'seed', 'sampler', 'batchSampler'] as const)
      if (options[name] !== undefined && options[name] !== false)
        throw new OptionError(op, {
          given: `${name} for an IterableDataset`,
          expected: 'items in the order in which they come',
          fix: `leave ${name} out; new IterableDataset(source, { shuffleBuffer: 10_000, seed }) shuffles`,
        });
  }
  if (sampler !== undefined && shuffle) throw both(op, 'shuffle and a sampler', 'let the sampler shuffle');
  if (collate !== undefined && dtypes !== undefined)
    throw both(op, 'dtypes and collate', 'choose the types in collate');
  if (batchSampler !== undefined) {
    for (const name of ['batchSize', 'shuffle', 'seed', 'dropLast', 'sampler'] as const)
      if (options[name] !== undefined)
        throw both(
          op,
          `${name} and a batchSampler`,
          `leave ${name} out: the batchSampler chooses the items of a batch`,
        );
    return { ...common, batchSize: undefined, order: batchesOf(batchSampler) };
  }
  if (seed !== undefined && !shuffle)
    throw new OptionError(op, {
      given: `seed: ${seed} without shuffle`,
      expected: 'a seed only where the loader draws random numbers',
      fix: sampler === undefined ? 'add shuffle: true, or leave seed out' : 'give the seed to the sampler',
    });
  if (items === undefined) return { ...common, batchSize, order: undefined };
  const shuffled = (): Sampler => new RandomSampler(items, seed === undefined ? {} : { seed });
  const chosen = sampler ?? (shuffle ? shuffled() : new SequentialSampler(items));
  return { ...common, batchSize, order: batchesInOrder(chosen, { batchSize, dropLast }) };
}

const both = (op: string, what: string, fix: string): OptionError =>
  new OptionError(op, { given: `both ${what}`, expected: 'one of them', fix });
