import { markOf, remedy } from '../tensor/copies';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { countsRows, markRows } from '../tensor/rows';
import { Tensor } from '../tensor/tensor';

/** What a model is trained on at a time. */
export interface Batch {
  /** What the model gets, of N rows. */
  readonly input: Sequence;
  /** What the loss compares the output with. */
  readonly target: Sequence;
}

/** Batches, anew for each epoch: a DataLoader, an array, or another iterable that can be walked more than once. */
export type Batches<B = Batch> = Iterable<B> | AsyncIterable<B>;

/** Steps of an epoch, if that is known beforehand. */
export function countOf(loader: object): number | undefined {
  return 'length' in loader && typeof loader.length === 'number' ? loader.length : undefined;
}

/** Whether `value` can be walked over. */
export const isIterable = (value: unknown): value is Batches<unknown> =>
  typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);

/** @throws {OptionError} if `loader` cannot give batches */
export function checkLoader(op: string, loader: unknown): void {
  if (isIterable(loader) && markOf(loader)?.own !== false) return;
  const fix = remedy(loader, 'wrap the dataset: new DataLoader(dataset, { batchSize: 32 })');
  throw new OptionError(op, { given: describe(loader), expected: 'a DataLoader or another iterable of batches', fix });
}

const isSequence = (value: unknown): value is Sequence => value instanceof Tensor || value instanceof PaddedSequence;

/** @throws {OptionError} if `batch` is not { input, target } of tensors */
export function checkBatch(op: string, batch: unknown): Batch {
  if (
    typeof batch === 'object' &&
    batch !== null &&
    'input' in batch &&
    'target' in batch &&
    isSequence(batch.input) &&
    isSequence(batch.target)
  )
    return { input: batch.input, target: batch.target };
  const item = typeof batch === 'object' && batch !== null && 'input' in batch && 'target' in batch;
  const fix = item
    ? 'let a DataLoader make batches of such items: new DataLoader(items, { batchSize: 32 })'
    : 'name the fields of the items so, or pass the DataLoader a collate function';
  throw new OptionError(op, {
    given: `the batch ${describe(batch)}`,
    expected: '{ input, target } of tensors or PaddedSequences',
    fix,
  });
}

/** The input of a batch, or what was given, if it is one itself. */
export function inputOf(op: string, given: unknown): Sequence {
  const input: unknown = typeof given === 'object' && given !== null && 'input' in given ? given.input : given;
  if (isSequence(input)) return input;
  throw new OptionError(op, {
    given: describe(given),
    expected: 'a tensor, a PaddedSequence, or { input } of one',
    fix: 'make a batch with pad() or tensor() first',
  });
}

/** What a model says. @throws {OptionError} if that is no tensor and no PaddedSequence */
export function outputOf(given: unknown): Sequence {
  if (isSequence(given)) return given;
  const op = 'Trainer: the output of the model';
  const expected = 'a tensor or a PaddedSequence';
  if (typeof given === 'object' && given !== null && 'output' in given) {
    throw new OptionError(op, {
      given: describe(given),
      expected,
      fix: 'return output from forward, or put a recurrent layer into a Sequential, which passes its output on',
    });
  }
  throw new OptionError(op, {
    given: describe(given),
    expected,
    fix: given instanceof Promise ? 'let forward return it without async' : 'return one from forward',
  });
}

/** A sequence on a device; itself if it is there. */
export function onDevice(x: Sequence, device: string | undefined): Sequence {
  if (device === undefined) return x;
  const moved = x.to(device);
  return countsRows(x) ? markRows(moved) : moved;
}

/** The error of an epoch without batches. */
export const noBatch = (op: string): OptionError =>
  new OptionError(op, {
    given: 'a loader without batches',
    expected: 'at least one batch',
    fix: 'a generator can be walked only once; pass a DataLoader or an array',
  });
