import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageFolder } from '../native/folders';
import { DisposedError } from '../tensor/errors';
import { keepRandomState } from '../tensor/generator';
import { DataError, textOf } from './data-error';
import { unpack } from './item-copies';
import { copied, ItemMaker } from './item-maker';
import { itemsInWords } from './item-places';
import {
  errorOf,
  type DatasetFacts,
  type ItemResult,
  type ItemsRequest,
  type WorkerSource,
  type Wanted,
  type WorkerMessage,
} from './worker-messages';

/** An item that somebody waits for. */
export interface Awaited extends Wanted {
  readonly resolve: (item: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Something that makes items. */
export interface ItemGiver {
  readonly facts: DatasetFacts;
  /** Items that it was asked for and has not given yet. */
  readonly pending: number;
  ask(items: readonly Awaited[]): void;
  /** Ends it; who still waits gets an error. */
  close(): Promise<void>;
}

/**
 * Makes items in this thread, copied as those of others, so that the number of workers changes nothing. What an item
 * draws before it waits follows from its seed; later the generator is that of this thread again.
 */
export class OwnThread implements ItemGiver {
  readonly #maker: ItemMaker;
  readonly #asked = new Set<Awaited>();

  private constructor(maker: ItemMaker) {
    this.#maker = maker;
  }

  /** @throws {OptionError, DataError} if the module gives no dataset */
  static async start(source: WorkerSource): Promise<OwnThread> {
    return new OwnThread(await ItemMaker.load(structuredClone(source)));
  }

  get facts(): DatasetFacts {
    return this.#maker.facts;
  }

  get pending(): number {
    return this.#asked.size;
  }

  ask(items: readonly Awaited[]): void {
    for (const item of items) {
      this.#asked.add(item);
      keepRandomState(async () => this.#maker.make(item))
        .then(({ packed, transfer }) => unpack(copied(item.index, packed, transfer)))
        .then(item.resolve, item.reject)
        .finally(() => this.#asked.delete(item));
    }
  }

  async close(): Promise<void> {
    for (const { reject } of this.#asked) reject(closed()); // what is under way comes to nothing
    this.#asked.clear();
  }
}

/** A worker thread that makes items. The process does not wait for it, but while somebody waits for an item. */
export class ItemThread implements ItemGiver {
  readonly #worker: Worker;
  readonly #asked = new Map<number, readonly Awaited[]>();
  #facts: DatasetFacts = { length: 0, settings: {} };
  #requests = 0;
  #closing = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Starts one, and waits until the module's dataset is there.
   *
   * @param died  is told if it ends by itself later on
   * @throws {OptionError, DataError} if the module gives no dataset, or the worker ends before
   */
  static async start(source: WorkerSource, died: (error: DataError) => void): Promise<ItemThread> {
    const worker = new Worker(join(packageFolder, 'dist', 'data', 'item-worker.js'), { workerData: source });
    const thread = new ItemThread(worker);
    try {
      await new Promise<void>((resolve, reject) => thread.#listen(resolve, reject, died));
    } catch (error) {
      await thread.close();
      throw error;
    }
    worker.unref();
    return thread;
  }

  #listen(ready: () => void, failed: (error: unknown) => void, died: (error: DataError) => void): void {
    let thrown: unknown;
    let begun = false;
    this.#worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'items') return this.#take(message.id, message.results);
      if (message.kind === 'failed') return failed(errorOf(message.failure));
      this.#facts = message.facts;
      begun = true;
      return ready();
    });
    this.#worker.on('error', (error: unknown) => (thrown = error));
    this.#worker.once('exit', (code) => {
      if (this.#closing) return this.#fail(closed());
      const reason = ended(code, thrown, begun ? itemsLeft(this.#left()) : 'while it loaded the module');
      failed(reason); // unless it was ready
      died(reason);
      return this.#fail(reason);
    });
  }

  get facts(): DatasetFacts {
    return this.#facts;
  }

  get pending(): number {
    return this.#left().length;
  }

  ask(items: readonly Awaited[]): void {
    const id = this.#requests++;
    this.#asked.set(id, items);
    this.#worker.ref();
    const request: ItemsRequest = { id, wanted: items.map(({ index, seed }) => ({ index, seed })) };
    this.#worker.postMessage(request);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
    this.#fail(closed());
  }

  #left(): readonly Awaited[] {
    return [...this.#asked.values()].flat();
  }

  #take(id: number, results: readonly ItemResult[]): void {
    const items = this.#asked.get(id) ?? [];
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#worker.unref();
    for (const [place, result] of results.entries()) settle(items[place], result);
  }

  #fail(error: unknown): void {
    const left = this.#left();
    this.#asked.clear();
    for (const { reject } of left) reject(error);
  }
}

/** Gives who waits for an item what came of it. */
function settle(item: Awaited | undefined, result: ItemResult): void {
  try {
    if ('packed' in result) item?.resolve(unpack(result.packed));
    else item?.reject(errorOf(result.failure));
  } catch (error) {
    item?.reject(error); // a listener that throws ends the process
  }
}

/** The error of a dataset that was closed. */
export const closed = (): DisposedError =>
  new DisposedError('WorkerDataset.at', {
    given: 'a dataset that was closed',
    expected: 'one that is open',
    fix: 'close it after the last walk over it, or open another one',
  });

/**
 * The error of a worker that ended by itself.
 *
 * @param thrown  what nobody caught there
 * @param when    in words
 */
function ended(code: number, thrown: unknown, when: string): DataError {
  const isFull = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const error = new DataError('WorkerDataset', {
    given: `a worker that ended ${when}, ${isFull ? 'out of memory' : `with exit code ${code}`}`,
    expected: 'one that lives until close()',
    fix: fixOf(isFull, thrown === undefined ? undefined : textOf(thrown)),
  });
  if (thrown !== undefined) error.cause = thrown;
  return error;
}

function itemsLeft(left: readonly Wanted[]): string {
  if (left.length === 0) return 'between its items';
  return `before it gave ${itemsInWords({ source: "module's dataset", indices: left.map(({ index }) => index) })}`;
}

function fixOf(isFull: boolean, text: string | undefined): string {
  if (isFull) return 'let the module keep less, as by reading in at(index), or start node with --max-old-space-size=MB';
  if (text === undefined) return 'look for process.exit in the module and in what it loads';
  return `catch the error in the module, it says: ${text}`;
}
