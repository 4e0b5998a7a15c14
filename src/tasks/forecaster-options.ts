import { OptionError } from '../tensor/errors';
import { describe, flag, positiveInteger, probability } from '../tensor/options';
import { asGiven, choice, optional, withDefault, type Readers } from '../tensor/read-options';
import type { EventTime } from './event-time';
import type { ForecastRow } from './forecast-row';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import type { TaskFitOptions } from './task';
import { trainReaders, type TrainSettings } from './train-options';

/** What the point forecast makes small; with `quantile` it is the median. */
export type ForecastLoss = 'mse' | 'mae' | 'huber' | 'quantile';

/** Options of a Forecaster. */
export interface ForecasterOptions extends EncoderOptions {
  /** The columns that are forecast. Default value. */
  target?: string | readonly string[];
  /** The column that says when: dates, or numbers. Default date. */
  time?: string;
  /** The column that says of which series a row is. Default: all rows are one series. */
  series?: string | undefined;
  /** Steps that are read. Default 48. */
  window?: number;
  /** Steps that are forecast. Default 12. */
  horizon?: number;
  /** Columns of numbers that are known up to the forecast. Default: those in which nine of ten cells are numbers. */
  numeric?: readonly string[] | undefined;
  /** Columns of categories. Default: those with texts of which at least every other one is there twice. */
  categorical?: readonly string[] | undefined;
  /** Columns, of numbers or categories, that are known for the steps of the forecast, too. Default: none. */
  known?: readonly string[];
  /** Whether hour, weekday and time of the year are read, as far as they differ from step to step. Default true. */
  calendar?: boolean;
  /** Steps after which a season begins anew. Default: a day of hours, a week of days, a year of weeks or months. */
  season?: number | undefined;
  /** What the network says the difference from: the last known value, that of the season before, or none. */
  anchor?: 'last' | 'season' | 'none';
  /** All steps of the horizon at once, or one after another, each from those before. Default direct. */
  strategy?: 'direct' | 'recursive';
  /** Default mse. */
  loss?: ForecastLoss;
  /** Probabilities that the truth is below, for intervals; none for none. Default 0.1, 0.5 and 0.9. */
  quantiles?: readonly number[];
  /**
   * Whose mean and deviation scale the targets: those of each series, or of all; with `window` those of each series,
   * and besides each window has a scale of its own, of which only differences are read: for series whose level and
   * swing change. Default series.
   */
  scaling?: 'series' | 'all' | 'window';
  /** Whether logarithms of the targets are forecast, as where they grow by percents; they have to be above 0. */
  logarithm?: boolean;
  /** What missing rows are: steps to be filled, a mistake, or nothing: each row is a step. Default fill. */
  gaps?: 'fill' | 'refuse' | 'join';
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
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface ForecasterSettings extends Required<
  Omit<ForecasterOptions, 'target' | 'series' | 'numeric' | 'categorical' | 'season'>
> {
  /** The columns that are forecast. */
  target: readonly string[];
  /** The column that says of which series a row is. */
  series: string | undefined;
  /** Columns of numbers. */
  numeric: readonly string[] | undefined;
  /** Columns of categories. */
  categorical: readonly string[] | undefined;
  /** Steps after which a season begins anew. */
  season: number | undefined;
}

/** Readers of the options. */
export const forecasterReaders: Readers<ForecasterSettings> = {
  target: withDefault(targets, ['value']),
  time: withDefault(columnName, 'date'),
  series: optional(columnName),
  window: withDefault(positiveInteger, 48),
  horizon: withDefault(positiveInteger, 12),
  numeric: optional(columnNames),
  categorical: optional(columnNames),
  known: withDefault(columnNames, []),
  calendar: withDefault(flag, true),
  season: optional(positiveInteger),
  anchor: choice(['last', 'season', 'none']),
  strategy: choice(['direct', 'recursive']),
  loss: choice<ForecastLoss>(['mse', 'mae', 'huber', 'quantile']),
  quantiles: withDefault(quantiles, [0.1, 0.5, 0.9]),
  scaling: choice(['series', 'all', 'window']),
  logarithm: withDefault(flag, false),
  gaps: choice(['fill', 'refuse', 'join']),
  minFrequency: withDefault(positiveInteger, 5),
  embeddingDim: withDefault(positiveInteger, 8),
  ...encoderReaders(false),
  hiddenSize: withDefault(positiveInteger, 64),
  dropout: withDefault(probability, 0.1),
};

/** Options of `fit`. */
export interface ForecastFitOptions extends TaskFitOptions<ForecastRow> {
  /** How often to go through the windows. Default: often enough for 600 steps, 10 times at least and 60 at most. */
  epochs?: number | undefined;
}

/** Options of `evaluate` and `examine`. */
export interface ForecastAskOptions {
  /** The first moment that is forecast; earlier rows are read alone. Default: the first that a window lies before. */
  from?: EventTime | undefined;
  /** Steps from one forecast to the next. Default 1: a forecast from each step. */
  stride?: number;
}

/** Readers of the options of `fit`, and of those of `evaluate`. */
export const forecastTrainReaders: Readers<TrainSettings> = trainReaders({ batchSize: 64, learningRate: 3e-3 });
export const forecastAskReaders: Readers<Required<ForecastAskOptions>> = {
  from: asGiven,
  stride: withDefault(positiveInteger, 1),
};

/** @throws {OptionError} if a column is two things, or options do not go together */
export function checkForecastOptions(op: string, options: ForecasterSettings): void {
  const { target, time, series, numeric = [], categorical = [], known, loss, quantiles: all } = options;
  const named = [...target, time, ...numeric, ...categorical, ...known.filter((name) => !categorical.includes(name))];
  const twice = [...named, ...(series === undefined || categorical.includes(series) ? [] : [series])].find(
    (name, place, names) => names.indexOf(name) !== place && !(numeric.includes(name) && known.includes(name)),
  );
  if (twice !== undefined)
    throw new OptionError(op, {
      given: `the column ${describe(twice)} twice`,
      expected: 'each column in one of target, time, series, numeric and categorical',
      fix: 'take it out of one of them',
    });
  if (loss === 'quantile' && !all.includes(0.5))
    throw new OptionError(op, {
      given: `loss: 'quantile' with quantiles: ${describe(all)}`,
      expected: 'the median, 0.5, among them, which is the forecast then',
      fix: 'pass such as quantiles: [0.1, 0.5, 0.9]',
    });
}

function columnName(op: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'the name of a column',
    fix: `pass such as ${name}: 'sales'`,
  });
}

function columnNames(op: string, name: string, value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((one: unknown) => columnName(op, name, one));
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of names of columns',
    fix: `pass such as ${name}: ['sales']`,
  });
}

/** One column, or several. */
function targets(op: string, name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length > 0) return columnNames(op, name, value);
  return [columnName(op, name, value)];
}

/** Rising probabilities, each once. */
function quantiles(op: string, name: string, value: unknown): readonly number[] {
  const isIn = (one: unknown): one is number => typeof one === 'number' && one > 0 && one < 1;
  if (Array.isArray(value) && value.every(isIn)) return [...new Set(value)].sort((a, b) => a - b);
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of numbers between 0 and 1',
    fix: `pass such as ${name}: [0.1, 0.5, 0.9], or [] for none`,
  });
}
