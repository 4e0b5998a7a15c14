import { OptionError } from '../tensor/errors';
import { getRandomState, keepRandomState, setRandomState } from '../tensor/generator';
import { isPromise } from '../tensor/package-copies';
import { inTurn, type AheadWalk } from './ahead';
import type { BatchOrder } from './batch-order';
import { itemError } from './data-error';
import type { DataFingerprint } from './data-loader-state';
import { ArrayDataset, Subset, type Dataset } from './dataset';
import { itemSeeds } from './epoch-stream';
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
export interface ItemBatches<Item> {
  /** Batches of an epoch, if that is known. */
  readonly length: number | undefined;
  /** What they come from. */
  fingerprint(): DataFingerprint;
  /**
   * Begins an epoch. All random numbers of its order are drawn before this returns, and what is random in its items
   * follows from where the generator stood.
   *
   * @param skip  batches that were given before
   */
  walk(epoch: number, skip: number): AheadWalk<BatchItems<Item>>;
}

/** Batches of the items of a list. */
export class ListBatches<Item> implements ItemBatches<Item> {
  readonly #dataset: Dataset<Item | Promise<Item>>;
  readonly #order: BatchOrder;

  constructor(dataset: Dataset<Item | Promise<Item>>, order: BatchOrder) {
    this.#dataset = dataset;
    this.#order = order;
  }

  get length(): number {
    return this.#order.length;
  }

  fingerprint(): DataFingerprint {
    const dataset = this.#dataset;
    return { items: dataset.length, ...plain(this.#order.settings), ...dataOf(dataset) };
  }

  /**
   * The items of a batch at once, or a promise of them where the dataset gives promises.
   *
   * @throws {DataError} in the walk, if an item cannot be made; an error of stmnet's keeps its class
   */
  walk(epoch: number, skip: number): AheadWalk<BatchItems<Item>> {
    const batches = this.#begin(epoch, skip, namingItem<Item>);
    return {
      next() {
        const { done, value } = batches.next();
        if (done === true) return { done, value: undefined };
        const { items, places } = value;
        if (!items.some(isPromise)) return { value: { items: items as Item[], places } };
        return allOf(items).then((all) => ({ value: { items: all, places } }));
      },
    };
  }

  /**
   * The same for who cannot wait.
   *
   * @throws {OptionError} in the walk, if the dataset gives a promise in place of an item
   * @throws {DataError} in the walk, if an item cannot be made; an error of stmnet's keeps its class
   */
  walkAtOnce(epoch: number, skip: number): Generator<BatchItems<Item>, undefined> {
    return this.#begin(epoch, skip, itemAtOnce<Item>);
  }

  /** @param take  makes of what the dataset gave for an index what is in the batch */
  #begin<Taken>(
    epoch: number,
    skip: number,
    take: (item: Item | Promise<Item>, index: number) => Taken,
  ): Generator<BatchItems<Taken>, undefined> {
    const { seed } = this.#order.settings;
    const seedOf = itemSeeds(typeof seed === 'number' ? seed : undefined, epoch);
    const dataset = this.#dataset;
    const make = (index: number): Taken => {
      const itemSeed = seedOf(index);
      setRandomState({ seed: itemSeed, offset: 0 });
      return take(dataset.at(index, { seed: itemSeed }), index);
    };
    const makeAll =
      arrayBelow(dataset) === undefined
        ? (indices: readonly number[]) => keepRandomState(() => madeOf(indices, make))
        : (indices: readonly number[]) => indices.map((index) => take(dataset.at(index), index)); // draws nothing
    return batchesAfter(this.#order.epoch(epoch), skip, makeAll);
  }
}

function* batchesAfter<Taken>(
  order: Iterable<readonly number[]>,
  skip: number,
  make: (indices: readonly number[]) => Taken[],
): Generator<BatchItems<Taken>, undefined> {
  let before = skip;
  for (const indices of order)
    if (before-- <= 0) yield { items: make(indices), places: { source: 'dataset', indices } };
}

/** Batches of the items of a stream. */
export class StreamBatches<Item> implements ItemBatches<Item> {
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
  walk(epoch: number, skip: number): AheadWalk<BatchItems<Item>> {
    return inTurn(this.#items(this.#stream.epoch(epoch), skip));
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

/** What is known of the items of a dataset: its settings, which part of another one it is, and a trace of an array. */
export function dataOf(dataset: Dataset<unknown>): DataFingerprint {
  const array = arrayBelow(dataset);
  return {
    ...plain(settingsOf(dataset)),
    ...(dataset instanceof Subset ? { part: fingerprintOfNumbers(placesBelow(dataset)) } : {}),
    ...(array === undefined ? {} : { content: fingerprintOf(array) }),
  };
}

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

/** What `make` makes for each index. @throws {DataError} if it throws; an error of stmnet's keeps its class */
function madeOf<Made>(indices: readonly number[], make: (index: number) => Made): Made[] {
  const items: Made[] = [];
  for (const index of indices)
    try {
      items.push(make(index));
    } catch (error) {
      for (const item of items) ignoreFailure(item);
      throw itemError(index, error);
    }
  return items;
}

/** An item, or a promise of it whose failure names it. */
const namingItem = <Item>(item: Item | Promise<Item>, index: number): Item | Promise<Item> =>
  isPromise(item)
    ? Promise.resolve(item).catch((error: unknown) => {
        throw itemError(index, error);
      })
    : item;

/** The items, once all are there. @throws the error of the first in their order that fails */
async function allOf<Item>(items: readonly (Item | Promise<Item>)[]): Promise<Item[]> {
  await Promise.allSettled(items);
  return Promise.all(items);
}

/** The item at `index`. @throws {OptionError} if it is yet to come */
function itemAtOnce<Item>(item: Item | Promise<Item>, index: number): Item {
  if (!isPromise(item)) return item as Item;
  ignoreFailure(item);
  throw new OptionError('DataLoader', {
    given: `a promise from at(${index})`,
    expected: 'the item itself: a walk by for makes batches without waiting',
    fix: 'write for await (const batch of loader), as fit and evaluate do',
  });
}

/** So that the failure of a promise that nobody waits for is not reported as unhandled beside another error. */
function ignoreFailure(item: unknown): void {
  if (isPromise(item)) Promise.resolve(item).catch(() => undefined);
}
