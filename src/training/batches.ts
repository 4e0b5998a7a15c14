import { DataLoader } from '../data/data-loader';
import { markOf, remedy } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';

/** Batches, anew for each epoch: a DataLoader, an array, or another iterable that can be walked more than once. */
export type Batches<B> = Iterable<B> | AsyncIterable<B>;

/** Steps of an epoch, if that is known beforehand. */
export function countOf(loader: object): number | undefined {
  if (loader instanceof DataLoader && !loader.hasLength) return undefined;
  return 'length' in loader && typeof loader.length === 'number' ? loader.length : undefined;
}

/** Whether `value` can be walked over. */
export const isIterable = (value: unknown): value is Batches<unknown> =>
  typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);

/** @throws {OptionError} if `loader` cannot give batches */
export function checkLoader(op: string, loader: unknown): Batches<unknown> {
  if (isIterable(loader) && markOf(loader)?.own !== false) return loader;
  const fix = remedy(loader, 'wrap the dataset: new DataLoader(dataset, { batchSize: 32 })');
  throw new OptionError(op, { given: describe(loader), expected: 'a DataLoader or another iterable of batches', fix });
}

/** The error of an epoch without batches. */
export const noBatch = (op: string): OptionError =>
  new OptionError(op, {
    given: 'a loader without batches',
    expected: 'at least one batch',
    fix: 'a generator can be walked only once; pass a DataLoader or an array',
  });
