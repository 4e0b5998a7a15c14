import { markClass } from '../tensor/package-copies';
import { OptionError, StmnetError } from '../tensor/errors';
import { withLine } from '../tensor/error-line';
import { getRandomState, type RandomState } from '../tensor/generator';
import { ahead, type AheadWalk } from './ahead';
import { checkTypes, collateLike, type Collated } from './collate';
import { checkOptions, type DataLoaderOptions } from './data-loader-options';
import { checkState, type DataFingerprint, type DataLoaderState } from './data-loader-state';
import { asDataset, type AsyncDataset, type Dataset } from './dataset';
import { drawingAt } from './epoch-stream';
import { arrayBelow, ListBatches, StreamBatches, type BatchItems, type ItemBatches } from './item-batches';
import { itemsInWords, type ItemPlaces } from './item-places';
import { IterableDataset } from './iterable-dataset';
import { WalkCounter, type WalkPosition } from './walk-position';

/** Options of a walk over the functions that make batches. */
export interface BatchMakersOptions {
  /** Whether the walk is an epoch that `state()` speaks of; an evaluation is none. Default true. */
  counted?: boolean;
}

/** Makes one batch of a DataLoader. */
export interface BatchMaker<Batch> {
  (): Batch;
  /** Where its items come from, for messages; undefined of a stream that mixes its items. */
  readonly places: ItemPlaces | undefined;
}

/**
 * Batches of a dataset, an array of items, or a stream of them. Each walk over it, by `for` or `for await`, is one
 * epoch; a stream takes `for await`:
 *
 *     for (const { input, target } of new DataLoader(train, { batchSize: 16, shuffle: true })) …
 *
 * A training can be stopped at any batch and go on in another process: `state()` says where the walk stands, and
 * `loadState` puts the next walk there. The batches to come are then those that would have come, in the same order,
 * provided that the data are the same and that an order that is drawn without a `seed` finds the generator where it
 * was (`getRandomState`, `setRandomState`). A stream is read again up to there.
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
  readonly dataset: Dataset<Item> | AsyncDataset<Item> | IterableDataset<Item>;
  /** Items of a full batch; undefined where a batchSampler chooses. */
  readonly batchSize: number | undefined;
  /** Batches whose items are made before their turn. */
  readonly prefetch: number;
  readonly #list: ListBatches<Item> | undefined;
  readonly #batches: ItemBatches<Item>;
  readonly #walks = new WalkCounter();
  #data: DataFingerprint | undefined;
  /** Makes the batch of items. */
  readonly #collate: (given: BatchItems<Item>) => Batch | Collated<Item>;

  constructor(items: readonly Item[], options?: DataLoaderOptions<Item, Batch>);
  constructor(dataset: AsyncDataset<Item> | IterableDataset<Item>, options?: DataLoaderOptions<Item, Batch>);
  constructor(dataset: Dataset<Item> | IterableDataset<Item>, options?: DataLoaderOptions<Item, Batch>);
  constructor(
    source: readonly Item[] | Dataset<Item> | AsyncDataset<Item> | IterableDataset<Item>,
    options: DataLoaderOptions<Item, Batch> = {},
  ) {
    const op = 'DataLoader';
    const dataset = source instanceof IterableDataset ? source : asDataset<Item | Promise<Item>>(op, source);
    const stream = dataset instanceof IterableDataset;
    const checked = checkOptions(op, options, stream ? undefined : dataset.length);
    const { batchSize, dropLast, order, dtypes, prefetch, collate } = checked;
    if (dataset.length === 0)
      throw new OptionError(op, {
        given: 'an empty dataset',
        expected: 'at least one item',
        fix: 'look at how the dataset was read or split',
      });
    this.dataset = dataset as typeof this.dataset;
    this.batchSize = batchSize;
    this.prefetch = prefetch;
    this.#list = order === undefined || stream ? undefined : new ListBatches<Item>(dataset, order);
    this.#batches =
      this.#list ?? new StreamBatches(dataset as IterableDataset<Item>, { batchSize: batchSize ?? 1, dropLast });
    const array = stream ? undefined : arrayBelow(dataset as Dataset<Item>); // the items of an array are there
    if (array !== undefined && dtypes !== undefined) checkTypes(op, array.at(0), dtypes);
    this.#collate =
      collate === undefined
        ? ({ items, places }) => collateLike<Item>(items, dtypes, array ?? [], places)
        : ({ items, places }) => locating(places, () => collate(items));
    if (this.#batches.length === 0) {
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

  /** Whether the number of batches is known: not that of a stream without a `length`. */
  get hasLength(): boolean {
    return this.#batches.length !== undefined;
  }

  /** Batches of one epoch. @throws {OptionError} if that is not known */
  get length(): number {
    const { length } = this.#batches;
    if (length !== undefined) return length;
    throw new OptionError('DataLoader.length', {
      given: 'a stream of unknown length',
      expected: 'a number of items',
      fix: 'pass it, new IterableDataset(source, { length }), or ask hasLength first',
    });
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
    const { epoch, batches, random } = checkState(state, this.#fingerprint(), this.#batches.length);
    this.#walks.goTo({ epoch, batches, random });
  }

  #fingerprint(): DataFingerprint {
    this.#data ??= this.#batches.fingerprint();
    return this.#data;
  }

  /**
   * The batches of one epoch, each as a function that makes it: tensors belong to the scope around its call, and so a
   * Trainer lets go of a batch with its step.
   *
   * @throws {OptionError} if a stream gives no batch, batches are made ahead by what draws random numbers, or items of
   * a dataset draw some after they have waited
   * @throws {DataError} if an item cannot be made; an error of stmnet's keeps its class
   */
  async *batchMakers({ counted = true }: BatchMakersOptions = {}): AsyncGenerator<BatchMaker<Batch>> {
    const { position, walk } = this.#begin(counted, (epoch, skip) => this.#batches.walk(epoch, skip));
    const isStream = this.#list === undefined;
    const begun = getRandomState();
    let first = true;
    for await (const given of ahead(isStream || this.prefetch > 0 ? walk : drawingNone(walk), this.prefetch)) {
      if (first && this.prefetch > 0) refuseDraws(begun, { prefetch: this.prefetch, isStream });
      first = false;
      position.batches++;
      yield Object.assign(() => this.#make(given), { places: given.places });
    }
    if (counted) this.#walks.end(position);
  }

  /**
   * The batches of one epoch.
   *
   * @throws {OptionError} if the dataset is a stream, gives a promise in place of an item, or `prefetch` is more than 0
   * @throws {DataError} if an item cannot be made; an error of stmnet's keeps its class
   */
  *[Symbol.iterator](): Generator<Batch> {
    const list = this.#list;
    if (list === undefined || this.prefetch > 0)
      throw new OptionError('DataLoader', {
        given: list === undefined ? 'a walk over a stream by for' : `a walk by for with prefetch: ${this.prefetch}`,
        expected: 'one that can wait for items',
        fix: 'write for await (const batch of loader)',
      });
    const { position, walk } = this.#begin(true, (epoch, skip) => list.walkAtOnce(epoch, skip));
    for (const given of walk) {
      position.batches++;
      yield this.#make(given);
    }
    this.#walks.end(position);
  }

  /** The batches of one epoch, for `for await`. @throws {OptionError} as `batchMakers` does */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    for await (const make of this.batchMakers()) yield make();
  }

  #make(given: BatchItems<Item>): Batch {
    return this.#collate(given) as Batch;
  }

  /** Begins a walk, where the last one was left if a state was loaded. */
  #begin<Begun>(
    counted: boolean,
    beginAt: (epoch: number, skip: number) => Begun,
  ): { position: WalkPosition; walk: Begun } {
    const position: WalkPosition = counted ? this.#walks.begin() : { epoch: this.#walks.next.epoch, batches: 0 };
    const { random, batches: skip } = position;
    position.random ??= getRandomState();
    const begin = (): Begun => beginAt(position.epoch, skip);
    return { position, walk: random === undefined ? begin() : drawingAt(random, begin) };
  }
}

/** Runs a collate function of the user's, whose mistakes in the items stmnet tells with where these come from. */
function locating<R>(places: ItemPlaces | undefined, collate: () => R): R {
  try {
    return collate();
  } catch (error) {
    if (!(error instanceof StmnetError) || places === undefined) throw error;
    throw withLine(error, `It came up in the batch of ${itemsInWords(places)}.`);
  }
}

/**
 * A walk over batches of which each is refused if random numbers were drawn while it was awaited: its items wait side
 * by side, and which of them draws first would depend on time. Whoever takes the batches draws none meanwhile.
 */
const drawingNone = <Value>(walk: AheadWalk<Value>): AheadWalk<Value> => ({
  ...walk,
  next() {
    const next = walk.next();
    if (!(next instanceof Promise)) return next;
    const begun = getRandomState();
    return next.then((value) => {
      refuseDraws(begun, { prefetch: 0, isStream: false });
      return value;
    });
  },
});

/**
 * Refuses items that move the generator while they are awaited. With prefetch the steps of a training draw meanwhile,
 * but before the first batch, which tells therefore: nobody draws then but whoever makes it.
 *
 * @param begun  where the generator stood before
 */
function refuseDraws(begun: RandomState, { prefetch, isStream }: { prefetch: number; isStream: boolean }): void {
  const { seed, offset } = getRandomState();
  if (seed === begun.seed && offset === begun.offset) return;
  throw new OptionError('DataLoader', {
    given:
      prefetch > 0
        ? `prefetch: ${prefetch}, and random numbers were drawn while the first batch was awaited`
        : 'random numbers that were drawn while a batch was awaited',
    expected: 'items that draw none after they have waited: what they get would depend on time',
    fix: isStream
      ? 'take them from the seed that the function (epoch, { seed }) => items of an IterableDataset gets; or leave ' +
        'prefetch out, also if it was other code that drew'
      : 'take them from the seed that at(index, { seed }) gets, or draw before the first await; items of a ' +
        'WorkerDataset may draw at any time, if it has workers, and other code between two batches',
  });
}
