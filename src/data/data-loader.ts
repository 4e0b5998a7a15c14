import { isPromise, markClass } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { flag, positiveInteger } from '../tensor/options';
import { asGiven, readOptions, withDefault } from '../tensor/read-options';
import { checkTypes, collateLike, type Collated, type FieldTypes } from './collate';
import { ArrayDataset, asDataset, Subset, type Dataset } from './dataset';
import { RandomSampler, SequentialSampler, type Sampler } from './sampler';

/** Options of a DataLoader. */
export interface DataLoaderOptions<Item, Batch> {
  /** Items of a batch. Default 1. */
  batchSize?: number;
  /** Whether each epoch has an order of its own, by the generator that `manualSeed` starts. Default false. */
  shuffle?: boolean;
  /** Whether to leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
  /** The order of the items, in place of `shuffle`. */
  sampler?: Sampler | undefined;
  /**
   * Element types of the fields, where the default collate's choice is not what is wanted, as in { target: 'f64' }: it
   * makes f32 of plain numbers, whole ones too, and keeps what typed arrays and tensors are.
   */
  dtypes?: FieldTypes<Item> | undefined;
  /** Makes a batch of items, in place of the default, which stacks and pads. */
  collate?: ((items: readonly Item[]) => Batch) | undefined;
}

/** The array that a dataset is, or is a part of. */
function arrayBelow<Item>(dataset: Dataset<Item>): ArrayDataset<Item> | undefined {
  if (dataset instanceof ArrayDataset) return dataset;
  return dataset instanceof Subset ? arrayBelow<Item>(dataset.dataset) : undefined;
}

/** The item at `index`. @throws {OptionError} if it is yet to come */
function itemAt<Item>(dataset: Dataset<Item>, index: number): Item {
  const item = dataset.at(index);
  if (!isPromise(item)) return item;
  Promise.resolve(item).catch(() => undefined); // its own failure would be reported as unhandled beside this error
  throw new OptionError('DataLoader', {
    given: `a promise from at(${index})`,
    expected: 'the item itself: batches are made without waiting',
    fix:
      'read the items beforehand, items = await Promise.all(…), or write an async generator of batches, ' +
      '{ [Symbol.asyncIterator]: … }, which fit and evaluate take too',
  });
}

/**
 * Batches of a dataset or an array of items. Each walk over it, by `for` or `for await`, is one epoch:
 *
 *     for (const { input, target } of new DataLoader(train, { batchSize: 16, shuffle: true })) …
 *
 * @throws {OptionError} if the dataset is empty, `dropLast` leaves no batch, or an option is unknown, out of range, or
 * names a field that the items do not have
 */
export class DataLoader<Item, Batch = Collated<Item>> implements Iterable<Batch>, AsyncIterable<Batch> {
  static {
    markClass(this.prototype, 'DataLoader');
  }

  /** What the items come from. */
  readonly dataset: Dataset<Item>;
  /** Items of a full batch. */
  readonly batchSize: number;
  readonly #sampler: Sampler;
  readonly #dropLast: boolean;
  /** Makes the batch of items. */
  readonly #collate: (items: readonly Item[]) => Batch | Collated<Item>;

  constructor(items: readonly Item[], options?: DataLoaderOptions<Item, Batch>);
  constructor(dataset: Dataset<Item>, options?: DataLoaderOptions<Item, Batch>);
  constructor(source: readonly Item[] | Dataset<Item>, options: DataLoaderOptions<Item, Batch> = {}) {
    const op = 'DataLoader';
    const { batchSize, shuffle, dropLast, sampler, dtypes, collate } = readOptions(op, options, {
      batchSize: withDefault(positiveInteger, 1),
      shuffle: withDefault(flag, false),
      dropLast: withDefault(flag, false),
      sampler: asGiven,
      dtypes: asGiven,
      collate: asGiven,
    });
    const dataset = asDataset(op, source);
    if (dataset.length === 0)
      throw new OptionError(op, {
        given: 'an empty dataset',
        expected: 'at least one item',
        fix: 'look at how the dataset was read or split',
      });
    if (sampler !== undefined && shuffle)
      throw new OptionError(op, {
        given: 'both shuffle and a sampler',
        expected: 'one of them',
        fix: 'let the sampler shuffle',
      });
    if (collate !== undefined && dtypes !== undefined)
      throw new OptionError(op, {
        given: 'both dtypes and collate',
        expected: 'one of them',
        fix: 'choose the types in collate',
      });
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.#dropLast = dropLast;
    this.#sampler = sampler ?? (shuffle ? new RandomSampler(dataset.length) : new SequentialSampler(dataset.length));
    const array = arrayBelow(dataset);
    if (array !== undefined && dtypes !== undefined) checkTypes(op, array.at(0), dtypes);
    this.#collate = collate ?? ((items) => collateLike<Item>(items, dtypes, array ?? []));
    if (this.length === 0) {
      throw new OptionError(op, {
        given: `batchSize: ${this.batchSize} with dropLast for ${this.#sampler.length} items`,
        expected: 'at least one full batch',
        fix: 'use smaller batches, or leave dropLast out',
      });
    }
  }

  /** Batches of one epoch. */
  get length(): number {
    const batches = this.#sampler.length / this.batchSize;
    return this.#dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /**
   * The batches of one epoch, each as a function that makes it: tensors belong to the scope around its call, and so a
   * Trainer lets go of a batch with its step.
   *
   * @throws {OptionError} if the dataset gives a promise in place of an item
   */
  *batchMakers(): Generator<() => Batch> {
    const maker = (items: readonly Item[]) => (): Batch => this.#collate(items) as Batch;
    let items: Item[] = [];
    for (const index of this.#sampler) {
      items.push(itemAt(this.dataset, index));
      if (items.length < this.batchSize) continue;
      yield maker(items);
      items = [];
    }
    if (items.length > 0 && !this.#dropLast) yield maker(items);
  }

  /** The batches of one epoch. @throws {OptionError} if the dataset gives a promise in place of an item */
  *[Symbol.iterator](): Generator<Batch> {
    for (const make of this.batchMakers()) yield make();
  }

  /** As the other iterator, for `for await`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    yield* this[Symbol.iterator]();
  }
}
