import type { RandomState } from '../tensor/generator';
import { OptionError } from '../tensor/errors';
import { checkPlain, describe, isPlainObject, nonNegativeInteger } from '../tensor/options';
import { optional, readOptions } from '../tensor/read-options';

/** What the batches of a loader come from: the number of items, their order, options, and a trace of their content. */
export type DataFingerprint = Readonly<Record<string, string | number | boolean>>;

/** Where a DataLoader stands, as plain data: what `state()` gives and `loadState` takes. */
export interface DataLoaderState {
  /** Of the walk that began last, 0 for the first one; if it has ended, of the next one. */
  epoch: number;
  /** Batches that were given in it. */
  batches: number;
  /** Where the generator of `manualSeed` stood when that walk began; absent between two walks. */
  random?: RandomState | undefined;
  /** What the batches come from. A loader of other data or options refuses the state. */
  data: DataFingerprint;
}

/**
 * Checks a state that was perhaps read from a file.
 *
 * @param data    of the loader that is to go on
 * @param length  batches of an epoch, if that is known
 * @throws {OptionError} if it is none, or one of other data or options
 */
export function checkState(state: unknown, data: DataFingerprint, length: number | undefined): DataLoaderState {
  const op = 'DataLoader.loadState';
  checkPlain(op, state, ['epoch', 'batches', 'random', 'data'], 'what state() gave');
  const read = readOptions<DataLoaderState>(op, state as DataLoaderState, {
    epoch: nonNegativeInteger,
    batches: nonNegativeInteger,
    random: optional(randomState),
    data: fingerprint,
  });
  const names = [...new Set([...Object.keys(read.data), ...Object.keys(data)])];
  const differences = names
    .filter((name) => read.data[name] !== data[name])
    .map((name) => `${name} ${inWords(read.data[name])}, here ${inWords(data[name])}`);
  if (differences.length > 0)
    throw new OptionError(op, {
      given: `a state of other batches (${differences.join('; ')})`,
      expected: 'the data and options that the state was saved with',
      fix: 'make dataset and loader as they were then, or begin anew without the state',
    });
  if (length !== undefined && read.batches > length)
    throw new OptionError(op, {
      given: `a state after ${read.batches} batches`,
      expected: `at most ${length}, the batches of an epoch`,
      fix: 'pass what state() gave, unchanged',
    });
  return read;
}

const inWords = (value: unknown): string => (value === undefined ? 'none' : describe(value));

const randomState = (op: string, name: string, value: unknown): RandomState => {
  checkPlain(op, value, ['seed', 'offset']);
  return readOptions<RandomState>(`${op}: ${name}`, value as RandomState, {
    seed: nonNegativeInteger,
    offset: nonNegativeInteger,
  });
};

const fingerprint = (op: string, name: string, value: unknown): DataFingerprint => {
  if (isPlainObject(value)) return value as DataFingerprint;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a record that says what the batches come from',
    fix: 'pass what state() gave, unchanged',
  });
};
