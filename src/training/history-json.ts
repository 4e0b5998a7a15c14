import { FormatError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import type { EpochRecord, ValidationRecord } from './epoch-record';
import type { GradientRecord } from './gradient-record';

/** The records of a training. */
export interface HistoryRecords {
  readonly epochs: readonly EpochRecord[];
  /** Of the validations within epochs. */
  readonly validations: readonly ValidationRecord[];
  readonly stopped?: StopRecord | undefined;
}

/** Where a training ended before its last epoch. */
export interface StopRecord {
  /** The epoch that it ended with or in, 1 for the first. */
  readonly epoch: number;
  /** Training steps of the Trainer. */
  readonly step: number;
  /** Why, as `stop` was told. */
  readonly reason: string;
}

/** From where a training was taken up again. */
export interface ResumeRecord {
  /** The checkpoint. */
  readonly path: string;
  /** The epoch that it goes on in or begins with, 1 for the first; where all were done, the last of `epochs`. */
  readonly epoch: number;
  /** Training steps of the Trainer so far. */
  readonly step: number;
}

/** What JSON has no number for, as it is written. */
const ODD = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Plain data in which numbers that JSON does not know, NaN and infinity, are strings. */
export function withoutOdd(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(withoutOdd);
  return isPlainObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutOdd(part)]))
    : value;
}

/** The same with the numbers. */
export function withOdd(value: unknown): unknown {
  if (typeof value === 'string') return ODD.get(value) ?? value;
  if (Array.isArray(value)) return value.map(withOdd);
  return isPlainObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withOdd(part)]))
    : value;
}

/**
 * The records in what `toJSON` of a History gave, or in its text.
 *
 * @throws {FormatError} if it is something else
 */
export function recordsOf(op: string, json: unknown): HistoryRecords {
  const data = typeof json === 'string' ? parsed(op, json) : json;
  const { stopped, ...records }: Record<string, unknown> = isPlainObject(data) ? data : {}; // `reason` may be 'NaN'
  const [epochs, validations] = [withOdd(records['epochs']), withOdd(records['validations'])];
  if (
    Array.isArray(epochs) &&
    epochs.every(isEpoch) &&
    Array.isArray(validations) &&
    validations.every(isValidation) &&
    (stopped === undefined || isStop(stopped))
  )
    return { epochs, validations, stopped };
  throw new FormatError(op, {
    given: describe(json),
    expected: '{ epochs, validations }, as JSON.stringify(history) writes it',
    fix: 'pass the text of a history, or what JSON.parse made of it',
  });
}

function parsed(op: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const told = new FormatError(op, {
      given: `a text that is no JSON: ${error instanceof Error ? error.message : String(error)}`,
      expected: 'what JSON.stringify(history) writes',
      fix: 'pass the whole text of the file',
    });
    told.cause = error;
    throw told;
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isNumbers = (value: unknown): boolean => isPlainObject(value) && Object.values(value).every(isNumber);
const isFigures = (value: unknown): boolean => isNumbers(value) && isPlainObject(value) && 'loss' in value;

function isEpoch(value: unknown): value is EpochRecord {
  if (!isPlainObject(value)) return false;
  const { train, validation, learningRates, memory } = value;
  return (
    ['epoch', 'step', 'learningRate', 'seconds', 'examples', 'examplesPerSecond'].every((name) =>
      isNumber(value[name]),
    ) &&
    isFigures(train) &&
    (validation === undefined || isFigures(validation)) &&
    (value['skipped'] === undefined || isNumber(value['skipped'])) &&
    (value['gradientNorm'] === undefined || isNumbers(value['gradientNorm'])) &&
    (value['gradients'] === undefined || isGradients(value['gradients'])) &&
    Array.isArray(learningRates) &&
    learningRates.every(isNumber) &&
    isNumbers(memory)
  );
}

const isGradients = (value: unknown): value is GradientRecord =>
  isPlainObject(value) &&
  isNumber(value['step']) &&
  isNumbers(value['parameters']) &&
  isPlainObject(value['steps']) &&
  Object.values(value['steps']).every((norms) => Array.isArray(norms) && norms.every(isNumber)) &&
  Array.isArray(value['findings']) &&
  value['findings'].every((finding) => typeof finding === 'string');

const isStop = (value: unknown): value is StopRecord =>
  isPlainObject(value) && isNumber(value['epoch']) && isNumber(value['step']) && typeof value['reason'] === 'string';

function isValidation(value: unknown): value is ValidationRecord {
  return isPlainObject(value) && isNumber(value['epoch']) && isNumber(value['step']) && isFigures(value['validation']);
}
