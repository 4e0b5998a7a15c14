import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OptionError } from '../tensor/errors';
import { describe, nonNegativeInteger } from '../tensor/options';
import { asGiven, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { checkIndex, type AsyncDataset, type ItemOptions } from './dataset';
import { NotSendable, packData, SENDABLE, type Packed } from './item-copies';
import { closed, ItemThread, OwnThread, type Awaited, type ItemGiver } from './item-thread';
import type { SamplerSettings } from './sampler';
import type { WorkerSource } from './worker-messages';

declare global {
  // For `await using`, as of `using` in src/tensor/tensor.ts.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}

/** Options of `WorkerDataset.open`. */
export interface WorkerDatasetOptions {
  /** Threads, 0 to 64; with 0 the items are made in this thread, as to look for a mistake. Default 1. */
  workers?: number;
  /**
   * For the module's function: plain data, of which each worker gets a copy. What is in a SharedArrayBuffer is there
   * once, for all of them.
   */
  data?: unknown;
}

const op = 'WorkerDataset.open';
const MOST_WORKERS = 64;

/**
 * A dataset whose items are made in worker threads, while this one goes on with the training. A function cannot be sent
 * there, and so a module makes the dataset in each of them:
 *
 *     // recordings.mjs
 *     import { readWav } from 'stmnet';
 *     export default ({ files }) => ({
 *       length: files.length,
 *       at: async (index) => ({ input: spectrum(await readWav(files[index].path)), target: files[index].digit }),
 *     });
 *
 *     const dataset = await WorkerDataset.open(new URL('./recordings.mjs', import.meta.url), { workers: 2, data });
 *     const loader = new DataLoader(dataset, { batchSize: 16, shuffle: true, prefetch: 2 });
 *     …
 *     await dataset.close();
 *
 * Items are the same with any number of workers, also what is random in them: that depends on `seed` of
 * `at(index, { seed })`, and what an item draws from the generator of `manualSeed` follows from it. A worker makes one
 * item at a time. With `workers: 0` the training has that generator, too: an item has to draw before its first `await`
 * there, and a DataLoader refuses one that draws later. Items come by structured clone: numbers, texts, arrays, typed
 * arrays, records of these, and SequenceLists.
 *
 * The process does not wait for workers that have nothing to do. Where one ends by itself, as by `process.exit`, every
 * item that is asked for from then on is a DataError.
 */
export class WorkerDataset<Item> implements AsyncDataset<Item>, AsyncDisposable {
  /** Number of items. */
  readonly length: number;
  /** What tells the module's dataset from others; the number of workers does not. */
  readonly settings: SamplerSettings;
  readonly #givers: readonly ItemGiver[];
  readonly #failed: { error?: Error };
  #waiting: Awaited[] = [];

  private constructor(givers: readonly ItemGiver[], failed: { error?: Error }) {
    const { length, settings } = givers[0]?.facts ?? { length: 0, settings: {} };
    this.length = length;
    this.settings = settings;
    this.#givers = givers;
    this.#failed = failed;
  }

  /**
   * Starts the workers, and waits until each has made its dataset.
   *
   * @param module  an ES module or a CommonJS one, by its URL or whole path. Its default export is a function of
   * `options.data` that gives a dataset, an array of items, or a promise of these
   * @throws {OptionError} if there is no such module, it exports no function, that gives no dataset, `data` cannot be
   * sent, or an option is out of range
   * @throws {DataError} if the module or its function throws, or ends the worker
   */
  static async open<Item>(
    module: string | { readonly href: string },
    options: WorkerDatasetOptions = {},
  ): Promise<WorkerDataset<Item>> {
    const { workers, data } = readOptions(op, options, { workers: withDefault(threads, 1), data: asGiven });
    const source: WorkerSource = { module: moduleUrl(module), data: packed(data) };
    const failed: { error?: Error } = {};
    const died = (error: Error): void => void (failed.error ??= error);
    const starts: Promise<ItemGiver>[] =
      workers === 0 ? [OwnThread.start(source)] : Array.from({ length: workers }, () => ItemThread.start(source, died));
    const started = await Promise.allSettled(starts);
    const givers = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    try {
      await Promise.all(starts);
      checkAlike(source.module, givers);
    } catch (error) {
      await Promise.all(givers.map((one) => one.close()));
      throw error;
    }
    return new WorkerDataset<Item>(givers, failed);
  }

  /**
   * An item, from the worker that has least to do. Items that are asked for at once are shared out evenly.
   *
   * @throws {OptionError} if there is no item of that index
   * @throws {DataError} if it cannot be made or sent, or a worker has ended
   * @throws {DisposedError} after `close()`
   */
  at(index: number, { seed }: ItemOptions = {}): Promise<Item> {
    return new Promise<Item>((resolve, reject) => {
      checkIndex('WorkerDataset.at', index, this.length);
      if (this.#failed.error !== undefined) throw this.#failed.error;
      this.#waiting.push({ index, seed, resolve: (item) => resolve(item as Item), reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#send());
    });
  }

  /** Ends the workers. Items that are still awaited are a DisposedError. */
  async close(): Promise<void> {
    this.#failed.error = closed();
    await Promise.all(this.#givers.map((giver) => giver.close()));
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #send(): void {
    const items = this.#waiting;
    this.#waiting = [];
    const { error } = this.#failed;
    if (error !== undefined) return items.forEach(({ reject }) => reject(error));
    const givers = this.#givers.toSorted((a, b) => a.pending - b.pending);
    const share = Math.ceil(items.length / givers.length);
    for (const [place, giver] of givers.entries()) {
      const part = items.slice(place * share, (place + 1) * share);
      if (part.length > 0) giver.ask(part);
    }
  }
}

const threads: OptionReader<number> = (from, name, value) => {
  if (nonNegativeInteger(from, name, value) <= MOST_WORKERS) return value as number;
  throw new OptionError(from, {
    given: `${name}: ${describe(value)}`,
    expected: `at most ${MOST_WORKERS} threads`,
    fix: 'use no more than the processor has cores',
  });
};

/** The URL of a module that is there. */
function moduleUrl(module: unknown): string {
  const href: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'href') : module;
  if (typeof href !== 'string' || !(href.startsWith('file:') || isAbsolute(href)))
    throw new OptionError(op, {
      given: `the module ${describe(href)}`,
      expected: 'a file: URL, or a whole path',
      fix: "pass new URL('./items.mjs', import.meta.url), or in CommonJS require.resolve('./items.cjs')",
    });
  const url = href.startsWith('file:') ? href : pathToFileURL(href).href;
  if (!existsSync(fileURLToPath(url)))
    throw new OptionError(op, {
      given: `the module ${fileURLToPath(url)}, which is not there`,
      expected: 'the path of a file',
      fix: 'check the path; a URL is relative to the file of the second argument, import.meta.url',
    });
  return url;
}

function packed(data: unknown): Packed {
  try {
    return packData(data);
  } catch (error) {
    if (!(error instanceof NotSendable)) throw error;
    throw new OptionError(op, {
      given: `${error.words} as ${error.placeIn('data')}`,
      expected: `${SENDABLE}: nothing else goes from thread to thread as it is`,
      fix: 'pass what it is made of, such as its config() or a path, and make the object in the module',
    });
  }
}

/** @throws {OptionError} if the module gives one worker another dataset than another one */
function checkAlike(module: string, givers: readonly ItemGiver[]): void {
  const [first, ...others] = givers.map(({ facts }) => JSON.stringify(facts));
  const other = others.find((facts) => facts !== first);
  if (other === undefined) return;
  throw new OptionError(op, {
    given: `datasets that differ from worker to worker from ${module}: ${first}, ${other}`,
    expected: 'the same one in each',
    fix: 'let it depend on data alone, and on no random numbers, clocks or orders of files',
  });
}
