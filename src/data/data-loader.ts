import { isPromise, markClass } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { getRandomState } from '../tensor/generator';
import { flag, nonNegativeInteger, positiveInteger } from '../tensor/options';
import { asGiven, optional, readOptions, withDefault } from '../tensor/read-options';
import { batchesInOrder, batchesOf, samplerGiven, type BatchOrder } from './batch-order';
import { checkTypes, collateLike, type Collated, type FieldTypes } from './collate';
import { checkState, type DataFingerprint, type DataLoaderState } from './data-loader-state';
import { ArrayDataset, asDataset, Subset, type Dataset } from './dataset';
import { drawingAt } from './epoch-stream';
import { fingerprintOf, fingerprintOfNumbers } from './fingerprint';
import { RandomSampler, SequentialSampler, type BatchSampler, type Sampler } from './sampler';
import { WalkCounter } from './walk-position';

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

/** What a DataLoader makes of its options. */
interface CheckedOptions<Item, Batch> {
  batchSize: number | undefined;
  order: BatchOrder;
  dtypes: FieldTypes<Item> | undefined;
  collate: ((items: readonly Item[]) => Batch) | undefined;
}

/** @throws {OptionError} if an option is unknown or out of range, or two contradict each other */
function checkOptions<Item, Batch>(
  op: string,
  options: DataLoaderOptions<Item, Batch>,
  items: number,
): CheckedOptions<Item, Batch> {
  const { batchSize, shuffle, seed, dropLast, sampler, batchSampler, dtypes, collate } = readOptions(op, options, {
    batchSize: withDefault(positiveInteger, 1),
    shuffle: withDefault(flag, false),
    seed: optional(nonNegativeInteger),
    dropLast: withDefault(flag, false),
    sampler: optional(samplerGiven<Sampler>),
    batchSampler: optional(samplerGiven<BatchSampler>),
    dtypes: asGiven,
    collate: asGiven,
  });
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
    return { batchSize: undefined, order: batchesOf(batchSampler), dtypes, collate };
  }
  if (seed !== undefined && !shuffle)
    throw new OptionError(op, {
      given: `seed: ${seed} without shuffle`,
      expected: 'a seed only where the loader draws random numbers',
      fix: sampler === undefined ? 'add shuffle: true, or leave seed out' : 'give the seed to the sampler',
    });
  const shuffled = (): Sampler => new RandomSampler(items, seed === undefined ? {} : { seed });
  const chosen = sampler ?? (shuffle ? shuffled() : new SequentialSampler(items));
  return { batchSize, order: batchesInOrder(chosen, { batchSize, dropLast }), dtypes, collate };
}

const both = (op: string, what: string, fix: string): OptionError =>
  new OptionError(op, { given: `both ${what}`, expected: 'one of them', fix });

/** Options of a walk over the functions that make batches. */
export interface BatchMakersOptions {
  /** Whether the walk is an epoch that `state()` speaks of; an evaluation is none. Default true. */
  counted?: boolean;
}

/**
 * Batches of a dataset or an array of items. Each walk over it, by `for` or `for await`, is one epoch:
 *
 *     for (const { input, target } of new DataLoader(train, { batchSize: 16, shuffle: true })) …
 *
 * A training can be stopped at any batch and go on in another process: `state()` says where the walk stands, and
 * `loadState` puts the next walk there. The batches to come are then those that would have come, in the same order,
 * provided that the data are the same and that an order that is drawn without a `seed` finds the generator where it
 * was (`getRandomState`, `setRandomState`).
 *
 *     const loader = new DataLoader(train, { batchSize: 16, shuffle: true });
 *     loader.loadState(JSON.parse(text));                        // text: JSON.stringify(loader.state()) of before
 *     for (const batch of loader) …                              // the rest of that epoch
 *
 * @throws {OptionError} if the dataset is empty, no batch is left, an option is unknown, out of range, contradicts
 * another one, or names a field that the items do not have
 */
export class DataLoader<Item, Batch = Collated<Item>> implements Iterable<Batch>, AsyncIterable<Batch> {
  static {
    markClass(this.prototype, 'DataLoader');
  }

  /** What the items come from. */
  readonly dataset: Dataset<Item>;
  /** Items of a full batch; undefined where a batchSampler chooses. */
  readonly batchSize: number | undefined;
  readonly #order: BatchOrder;
  readonly #walks = new WalkCounter();
  #data: DataFingerprint | undefined;
  /** Makes the batch of items. */
  readonly #collate: (items: readonly Item[]) => Batch | Collated<Item>;

  constructor(items: readonly Item[], options?: DataLoaderOptions<Item, Batch>);
  constructor(dataset: Dataset<Item>, options?: DataLoaderOptions<Item, Batch>);
  constructor(source: readonly Item[] | Dataset<Item>, options: DataLoaderOptions<Item, Batch> = {}) {
    const op = 'DataLoader';
    const dataset = asDataset(op, source);
    const { batchSize, order, dtypes, collate } = checkOptions(op, options, dataset.length);
    if (dataset.length === 0)
      throw new OptionError(op, {
        given: 'an empty dataset',
        expected: 'at least one item',
        fix: 'look at how the dataset was read or split',
      });
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.#order = order;
    const array = arrayBelow(dataset);
    if (array !== undefined && dtypes !== undefined) checkTypes(op, array.at(0), dtypes);
    this.#collate = collate ?? ((items) => collateLike<Item>(items, dtypes, array ?? []));
    if (this.length === 0) {
      throw new OptionError(op, {
        given:
          batchSize === undefined
            ? 'a batchSampler without batches'
            : `batchSize: ${batchSize} with dropLast for ${dataset.length} items`,
        expected: 'at least one full batch',
        fix: 'use smaller batches, or leave dropLast out',
      });
    }
  }

  /** Batches of one epoch. */
  get length(): number {
    return this.#order.length;
  }

  /**
   * Where the walk stands that began last: its epoch, and the batches that it has given. After its end that is the
   * beginning of the next one; a walk that was left before its end is where it was left. Plain data, at any moment.
   */
  state(): DataLoaderState {
    const { epoch, batches, random } = this.#walks.position;
    return { epoch, batches, ...(random === undefined ? {} : { random: { ...random } }), data: this.#fingerprint() };
  }

  /**
   * Puts the next walk where `state()` was: it gives the batches that were still to come, none where all were given.
   *
   * @throws {OptionError} if it is no state, or one of other data or options
   */
  loadState(state: DataLoaderState): void {
    const { epoch, batches, random } = checkState(state, this.#fingerprint(), this.length);
    this.#walks.goTo({ epoch, batches, random });
  }

  #fingerprint(): DataFingerprint {
    const { dataset } = this;
    const array = arrayBelow(dataset);
    const settings = Object.entries(this.#order.settings).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    this.#data ??= {
      items: dataset.length,
      ...Object.fromEntries(settings),
      ...(dataset instanceof Subset ? { part: fingerprintOfNumbers(dataset.indices) } : {}),
      ...(array === undefined ? {} : { content: fingerprintOf(array) }),
    };
    return this.#data;
  }

  /**
   * The batches of one epoch, each as a function that makes it: tensors belong to the scope around its call, and so a
   * Trainer lets go of a batch with its step.
   *
   * @throws {OptionError} if the dataset gives a promise in place of an item
   */
  *batchMakers({ counted = true }: BatchMakersOptions = {}): Generator<() => Batch> {
    const maker = (items: readonly Item[]) => (): Batch => this.#collate(items) as Batch;
    const position = counted ? this.#walks.begin() : { ...this.#walks.next, batches: 0, random: undefined };
    const order = (): Iterable<readonly number[]> => this.#order.epoch(position.epoch);
    const { random, batches: given } = position;
    position.random ??= getRandomState();
    let skip = given;
    for (const indices of random === undefined ? order() : drawingAt(random, order)) {
      if (skip-- > 0) continue;
      const items = indices.map((index) => itemAt(this.dataset, index));
      position.batches++;
      yield maker(items);
    }
    if (counted) this.#walks.end(position);
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
