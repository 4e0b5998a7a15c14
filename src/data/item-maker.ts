import { OptionError, StmnetError } from '../tensor/errors';
import { setRandomState } from '../tensor/generator';
import { describe, isPlainObject } from '../tensor/options';
import { DataError, errorFromAt, textOf } from './data-error';
import { ArrayDataset, type AsyncDataset, type Dataset } from './dataset';
import { NotSendable, packItem, SENDABLE, unpack, type Packed } from './item-copies';
import { dataOf } from './item-batches';
import type { DatasetFacts, WorkerSource, Wanted } from './worker-messages';

const op = 'WorkerDataset.open';
/** Its indices may be others than those of the dataset that a DataLoader has, as of a Subset. */
const DATASET = "the module's dataset";

/** Makes the items of a module's dataset, in whichever thread. */
export class ItemMaker {
  readonly facts: DatasetFacts;
  readonly #dataset: Dataset<unknown> | AsyncDataset<unknown>;

  private constructor(dataset: Dataset<unknown> | AsyncDataset<unknown>) {
    this.#dataset = dataset;
    this.facts = { length: dataset.length, settings: dataOf(dataset) };
  }

  /**
   * Loads a module, and calls its function.
   *
   * @throws {OptionError} if it exports no function, or that gives no dataset
   * @throws {DataError} if the module or its function throws
   */
  static async load({ module, data }: WorkerSource): Promise<ItemMaker> {
    const exported = await telling(`an error from ${module}`, 'a module that can be imported', import(module));
    const make = defaultOf(exported);
    if (typeof make !== 'function')
      throw new OptionError(op, {
        given: `${module}, whose default export is ${describe(make)}`,
        expected: 'a function that gives a dataset',
        fix: 'write export default (data) => dataset, or in CommonJS module.exports = (data) => dataset',
      });
    const call = async (): Promise<unknown> => (await Reflect.apply(make, undefined, [unpack(data)])) as unknown;
    return new ItemMaker(
      datasetOf(module, await telling(`an error from the function of ${module}`, 'a dataset from it', call())),
    );
  }

  /**
   * An item as it can be sent. Its seed is that of the generator, too, until somebody else sets that.
   *
   * @throws {DataError} if it cannot be made, or not be sent
   */
  async make({ index, seed }: Wanted): Promise<{ packed: Packed; transfer: ArrayBuffer[] }> {
    try {
      if (seed !== undefined) setRandomState({ seed, offset: 0 });
      return packItem(await this.#dataset.at(index, { seed }));
    } catch (error) {
      throw workerError(index, error);
    }
  }
}

/**
 * A packed item as it comes to another thread.
 *
 * @throws {DataError} if it cannot be copied
 */
export function copied(index: number, packed: Packed, transfer: ArrayBuffer[] = []): Packed {
  try {
    return structuredClone(packed, { transfer });
  } catch (error) {
    throw workerError(index, new NotSendable([], `a value that cannot be copied (${textOf(error)})`));
  }
}

/** Waits for what is the user's, and tells whose mistake it is. */
async function telling(given: string, expected: string, work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    const told = new DataError(op, { given, expected, fix: `import the module by itself, it says: ${textOf(error)}` });
    told.cause = error;
    throw told;
  }
}

/** The default export: of CommonJS what `module.exports` is, or its `default` where a compiler wrote it. */
function defaultOf(exported: unknown): unknown {
  const own: unknown = Reflect.get(Object(exported), 'default');
  const isCompiled = isObject(own) && Reflect.get(own, '__esModule') === true;
  return isCompiled ? Reflect.get(own, 'default') : own;
}

function datasetOf(module: string, made: unknown): Dataset<unknown> | AsyncDataset<unknown> {
  if (Array.isArray(made)) return new ArrayDataset<unknown>(made);
  if (
    isObject(made) &&
    typeof Reflect.get(made, 'at') === 'function' &&
    typeof Reflect.get(made, 'length') === 'number'
  )
    return made as Dataset<unknown>;
  throw new OptionError(op, {
    given: `${describe(made)} from the function of ${module}`,
    expected: 'a dataset with length and at(index), or an array of items',
    fix:
      isPlainObject(made) && 'at' in made ? 'give it a length' : 'return the dataset that you would give a DataLoader',
  });
}

function workerError(index: number, error: unknown): DataError {
  const told = wordsOf(index, error);
  told.cause = error;
  return told;
}

function wordsOf(index: number, error: unknown): DataError {
  if (error instanceof NotSendable)
    return new DataError('WorkerDataset', {
      given: `${error.words} as ${error.placeIn(`item ${index}`)}`,
      expected: `${SENDABLE}: nothing else goes from thread to thread as it is`,
      fix: 'give the numbers, as typed arrays or { data, shape }, and make other objects in collate',
    });
  if (error instanceof StmnetError)
    return new DataError(error.op, `${error.message}\n  It came up in item ${index} of ${DATASET}.`, error.code);
  return errorFromAt('WorkerDataset', DATASET, index, error);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
