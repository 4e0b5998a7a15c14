import { OptionError } from '../tensor/errors';
import { getRandomState, setRandomState } from '../tensor/generator';
import { isPromise } from '../tensor/package-copies';
import type { BatchOrder } from './batch-order';
import type { DataFingerprint } from './data-loader-state';
import { ArrayDataset, Subset, type Dataset } from './dataset';
import { fingerprintOf, fingerprintOfNumbers } from './fingerprint';
import type { ItemPlaces } from './item-places';
import type { IterableDataset } from './iterable-dataset';
import type { SamplerSettings } from './sampler';

/** The items of one batch. */
export interface BatchItems<Item> {
  readonly items: readonly Item[];
  /** Where they come from; undefined of a stream that mixes its items. */
  readonly places: ItemPlaces | undefined;
}

/** The items of the batches of an epoch. */
export interface ItemBatches<Walk> {
  /** Batches of an epoch, if that is known. */
  readonly length: number | undefined;
  /** What they come from. */
  fingerprint(): DataFingerprint;
  /**
   * Begins an epoch. All random numbers of its order are drawn before this returns.
   *
   * @param skip  batches that were given before
   */
  epoch(epoch: number, skip: number): Walk;
}

/** Batches of the items of a list. */
export class ListBatches<Item> implements ItemBatches<Iterable<BatchItems<Item>>> {
  readonly #dataset: Dataset<Item>;
  readonly #order: BatchOrder;

  constructor(dataset: Dataset<Item>, order: BatchOrder) {
    this.#dataset = dataset;
    this.#order = order;
  }

  get length(): number {
    return this.#order.length;
  }

  fingerprint(): DataFingerprint {
    const dataset = this.#dataset;
    const array = arrayBelow(dataset);
    return {
      items: dataset.length,
      ...plain(this.#order.settings),
      ...plain(settingsOf(dataset)),
      ...(dataset instanceof Subset ? { part: fingerprintOfNumbers(placesBelow(dataset)) } : {}),
      ...(array === undefined ? {} : { content: fingerprintOf(array) }),
    };
  }

  /** @throws {OptionError} in the walk, if the dataset gives a promise in place of an item */
  epoch(epoch: number, skip: number): Iterable<BatchItems<Item>> {
    return this.#items(this.#order.epoch(epoch), skip);
  }

  *#items(batches: Iterable<readonly number[]>, skip: number): Generator<BatchItems<Item>> {
    let before = skip;
    for (const indices of batches) {
      if (before-- > 0) continue;
      const items = indices.map((index) => itemAt(this.#dataset, index));
      yield { items, places: { source: 'dataset', indices } };
    }
  }
}

/** Batches of the items of a stream. */
export class StreamBatches<Item> implements ItemBatches<AsyncIterable<BatchItems<Item>>> {
  readonly #stream: IterableDataset<Item>;
  readonly #options: Readonly<{ batchSize: number; dropLast: boolean }>;

  constructor(stream: IterableDataset<Item>, options: { batchSize: number; dropLast: boolean }) {
    this.#stream = stream;
    this.#options = { ...options };
  }

  get length(): number | undefined {
    const { batchSize, dropLast } = this.#options;
    const { length } = this.#stream;
    if (length === undefined) return undefined;
    return dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
  }

  fingerprint(): DataFingerprint {
    return { order: 'IterableDataset', ...plain(this.#stream.settings), ...this.#options };
  }

  /** @throws {OptionError} in the walk, if there is no batch, or fewer items than were given before */
  epoch(epoch: number, skip: number): AsyncIterable<BatchItems<Item>> {
    return this.#items(this.#stream.epoch(epoch), skip);
  }

  async *#items(items: AsyncIterable<Item>, skip: number): AsyncGenerator<BatchItems<Item>> {
    const { batchSize, dropLast } = this.#options;
    const before = getRandomState();
    let batch: Item[] = [];
    let batches = 0;
    for await (const item of items) {
      batch.push(item);
      if (batch.length < batchSize) continue;
      if (++batches > skip) yield this.#given(batch, batches);
      else if (batches === skip) setRandomState(before); // the source may draw; it did so before the walk was left
      batch = [];
    }
    if (batch.length > 0 && !dropLast && ++batches > skip) yield this.#given(batch, batches);
    if (skip > 0 && batches === skip) setRandomState(before); // all were given, the last one not full
    if (batches < Math.max(skip, 1)) throw tooFew(batches, skip, batch.length);
  }

  /** @param number  of the batch, 1 for the first */
  #given(items: Item[], number: number): BatchItems<Item> {
    const first = (number - 1) * this.#options.batchSize;
    const mixed = this.#stream.settings.shuffleBuffer !== undefined;
    return { items, places: mixed ? undefined : { source: 'stream', indices: items.map((_, row) => first + row) } };
  }
}

function tooFew(batches: number, skip: number, items: number): OptionError {
  const of = items > 0 ? `${items} items, fewer than a batch takes` : 'no item';
  return new OptionError('DataLoader', {
    given: skip > 0 ? `a source that ends after ${batches} batches` : `a source of ${of}`,
    expected: skip > 0 ? `the ${skip} batches that it gave before` : 'at least one batch in an epoch',
    fix: 'look at what the source reads, and whether each walk begins it anew',
  });
}

const plain = (settings: SamplerSettings): DataFingerprint =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );

/** The settings of a dataset, or of that which it is a part of. */
const settingsOf = (dataset: Dataset<unknown>): SamplerSettings =>
  dataset instanceof Subset ? settingsOf(dataset.dataset) : (dataset.settings ?? {});

/** Where the items of a part are in the dataset that it is a part of, also if that is so through other parts. */
function placesBelow({ dataset, indices }: Subset<unknown>): readonly number[] {
  if (!(dataset instanceof Subset)) return indices;
  const below = placesBelow(dataset);
  return indices.map((index) => below[index] ?? -1);
}

/** The array that a dataset is, or is a part of. */
export function arrayBelow<Item>(dataset: Dataset<Item>): ArrayDataset<Item> | undefined {
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
