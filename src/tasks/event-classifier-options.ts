import { OptionError } from '../tensor/errors';
import { describe, positiveInteger, probability } from '../tensor/options';
import { asGiven, choice, optional, withDefault, type Readers } from '../tensor/read-options';
import type { EventExample } from './event-rows';
import type { EventTime } from './event-time';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import type { Pooling } from './sequence-pool';
import type { TaskFitOptions } from './task';
import { trainReaders, type TrainSettings } from './train-options';

/** Options of an EventClassifier. */
export interface EventClassifierOptions extends EncoderOptions {
  /** The column that says whose event it is. Default customer. */
  key?: string;
  /** The column that says when: dates, or numbers of days. Default date. */
  time?: string;
  /** In how many days after a cut-off it has to happen. Default 30. */
  horizon?: number;
  /** Which rows are what is asked for: those with `targetValue` in this column. Default: any row. */
  targetColumn?: string | undefined;
  /** What stands there in rows that are what is asked for. */
  targetValue?: string | number | undefined;
  /** Columns of numbers. Default: those in which nine of ten cells at least are numbers. */
  numeric?: readonly string[] | undefined;
  /** Columns of categories. Default: those with texts of which at least every other one is there twice. */
  categorical?: readonly string[] | undefined;
  /** The numeric column that the baseline takes for the value of an event. Default: the first one. */
  value?: string | undefined;
  /** How many cut-offs there are in training, one horizon apart, the last one first. Default 6. */
  cutOffs?: number;
  /** Events of a customer that are read at most, the last ones. Default 256. */
  maxLength?: number;
  /** How often a category has to occur to get a vector of its own. Default 5. */
  minFrequency?: number;
  /** Width of the vector of a category. Default 8. */
  embeddingDim?: number;
  /** H, width of a state. Default 64. */
  hiddenSize?: number;
  /** Whether each layer reads backwards, too. Default false. */
  bidirectional?: boolean;
  /** Probability in [0, 1) of dropping an element before, between and behind the layers, in training. Default 0.1. */
  dropout?: number;
  /** How the events of a customer become one vector. Default last. */
  pooling?: Pooling;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface EventClassifierSettings extends Required<
  Omit<EventClassifierOptions, 'targetColumn' | 'targetValue' | 'numeric' | 'categorical' | 'value'>
> {
  /** The column that says which rows are what is asked for. */
  targetColumn: string | undefined;
  /** What stands there in them. */
  targetValue: string | number | undefined;
  /** Columns of numbers. */
  numeric: readonly string[] | undefined;
  /** Columns of categories. */
  categorical: readonly string[] | undefined;
  /** The column of the value of an event. */
  value: string | undefined;
}

/** Readers of the options. */
export const eventClassifierReaders: Readers<EventClassifierSettings> = {
  key: withDefault(columnName, 'customer'),
  time: withDefault(columnName, 'date'),
  horizon: withDefault(days, 30),
  targetColumn: optional(columnName),
  targetValue: optional(textOrNumber),
  numeric: optional(columnNames),
  categorical: optional(columnNames),
  value: optional(columnName),
  cutOffs: withDefault(positiveInteger, 6),
  maxLength: withDefault(positiveInteger, 256),
  minFrequency: withDefault(positiveInteger, 5),
  embeddingDim: withDefault(positiveInteger, 8),
  ...encoderReaders(false),
  hiddenSize: withDefault(positiveInteger, 64),
  dropout: withDefault(probability, 0.1),
  pooling: choice<Pooling>(['last', 'max', 'mean', 'attention']),
};

/** Options of `fit`. */
export interface EventFitOptions extends TaskFitOptions<EventExample> {
  /** How often to go through the examples. Default: often enough for 300 steps, 10 times at least and 60 at most. */
  epochs?: number | undefined;
  /** The last moment to learn from, at the latest and by default one horizon before the last row. */
  cutOff?: EventTime | undefined;
}

/** Options of `evaluate` and `predict`. */
export interface EventAskOptions {
  /**
   * The moment to ask from: later rows are not looked at. Default: in `evaluate` one horizon before the last row, the
   * latest that it takes; in `predict` the last row of each customer; in `predictAll` the last row of all, or of each
   * customer for a model that learned from labels.
   */
  cutOff?: EventTime | undefined;
}

/** The options of `fit` with their defaults. */
export type EventTrainSettings = TrainSettings & Required<Pick<EventFitOptions, 'cutOff'>>;

/** Readers of the options of `fit`, and of those of `evaluate` and `predict`. */
export const eventTrainReaders: Readers<EventTrainSettings> = {
  ...trainReaders({ batchSize: 128, learningRate: 3e-3 }),
  cutOff: asGiven,
};
export const askReaders: Readers<EventAskOptions> = { cutOff: asGiven };

/**
 * The column of what an event is worth; undefined if there is no numeric one.
 *
 * @throws {OptionError} if the one that was named is none
 */
export function valueColumn(
  op: string,
  { value }: EventClassifierSettings,
  numeric: readonly string[],
): string | undefined {
  if (value === undefined || numeric.includes(value)) return value ?? numeric[0];
  throw new OptionError(op, {
    given: `value: ${describe(value)}`,
    expected: `a numeric column: ${numeric.length === 0 ? 'there is none' : numeric.join(', ')}`,
    fix: 'leave it out, or name one of them',
  });
}

/** @throws {OptionError} if only one of the options says which rows are asked for, or a column is two things */
export function checkEventOptions(op: string, options: EventClassifierSettings): void {
  const { targetColumn, targetValue, numeric = [], categorical = [], key, time } = options;
  if ((targetColumn === undefined) !== (targetValue === undefined))
    throw new OptionError(op, {
      given: targetColumn === undefined ? 'targetValue without targetColumn' : 'targetColumn without targetValue',
      expected: 'both, or neither',
      fix: "pass such as { targetColumn: 'type', targetValue: 'purchase' }",
    });
  const named = [key, time, ...numeric, ...categorical];
  const twice = named.find((name, place) => named.indexOf(name) !== place);
  if (twice === undefined) return;
  throw new OptionError(op, {
    given: `the column ${describe(twice)} twice`,
    expected: 'each column in one of key, time, numeric and categorical',
    fix: 'take it out of one of them',
  });
}

function columnName(op: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'the name of a column',
    fix: `pass such as ${name}: 'customer'`,
  });
}

function columnNames(op: string, name: string, value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((one: unknown) => columnName(op, name, one));
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of names of columns',
    fix: `pass such as ${name}: ['amount']`,
  });
}

function textOrNumber(op: string, name: string, value: unknown): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a text or a number',
    fix: `pass such as ${name}: 'purchase'`,
  });
}

function days(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a number of days above 0',
    fix: `pass such as ${name}: 30`,
  });
}
