import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import { Vocabulary } from '../text/vocabulary';
import { cellOf, findColumns, numberIn, numericCellOf, type EventColumnNames } from './event-cells';
import { scaled as scaledNumber, scaleOf, type CategoricalColumn, type NumericColumn } from './event-encoder';
import { calledSeries, momentAt, type ForecastSeries } from './forecast-series';
import { calendarFeatures, calendarParts, seasonOf, type CalendarPart, type TimeStep } from './forecast-time';
import {
  fillForward,
  scaleOfTargets,
  targetNumber,
  targetScaled,
  type TargetScale,
  type TargetValues,
} from './forecast-targets';
import type { ForecasterSettings } from './forecaster-options';
import { UNKNOWN } from './token-encoder';

/** A column beside the targets. */
type Known<Column> = Column & {
  /** Whether it is known for the steps of a forecast, too. */
  readonly known: boolean;
};

/** How series become numbers: plain data, as it stands in the file of a model. */
export interface ForecastEncoderParts {
  readonly step: TimeStep;
  /** Steps after which a season begins anew. */
  readonly season: number;
  /** Whether targets were missing in training: a feature then says which. */
  readonly missing: readonly boolean[];
  /** Of all series together, and of each by its name. */
  readonly scales: {
    readonly all: readonly TargetScale[];
    readonly own: Readonly<Record<string, readonly TargetScale[]>>;
  };
  readonly numeric: readonly Known<NumericColumn>[];
  readonly categorical: readonly Known<CategoricalColumn>[];
  readonly calendar: readonly CalendarPart[];
  /** Columns that are not read. */
  readonly leftOut: readonly string[];
}

/** A series in numbers, of T steps: those of its rows, and those of a forecast behind the last value. */
export interface EncodedSeries {
  readonly series: ForecastSeries;
  /** T. */
  readonly steps: number;
  /** Steps up to the last that has a value of a target. */
  readonly past: number;
  /** [T, K]. */
  readonly targets: TargetValues;
  /** What is read of a step beside the targets: [T, P]. */
  readonly features: Float32Array;
  /** How many of them, the first ones, say whether a target is missing. */
  readonly flags: number;
  /** What is known of a step beforehand: [T, F]. */
  readonly ahead: Float32Array;
  /** Index of the category in each categorical column: [T, C]; and in those known beforehand. */
  readonly categories: Int32Array;
  readonly aheadCategories: Int32Array;
}

/** What an empty cell of a categorical column is taken for. */
const MISSING = '<missing>';

type Settings = Pick<
  ForecasterSettings,
  | 'target'
  | 'time'
  | 'series'
  | 'numeric'
  | 'categorical'
  | 'known'
  | 'calendar'
  | 'season'
  | 'strategy'
  | 'scaling'
  | 'logarithm'
  | 'minFrequency'
>;

/** Turns series into features of each step. */
export class ForecastEncoder {
  readonly parts: ForecastEncoderParts;
  readonly #settings: Settings;
  readonly #vocabularies: readonly Vocabulary[];

  constructor(parts: ForecastEncoderParts, settings: Settings) {
    this.parts = parts;
    this.#settings = settings;
    this.#vocabularies = parts.categorical.map(
      ({ tokens }) => new Vocabulary({ tokens: [...tokens], unknown: UNKNOWN }),
    );
  }

  /**
   * Learns scales and categories from series of training.
   *
   * @throws {OptionError} if a column is not there, or naming the row, if a cell is none of its column
   */
  static fit(op: string, all: readonly ForecastSeries[], settings: Settings): ForecastEncoder {
    const { target, calendar, season, scaling, minFrequency } = settings;
    const step = all[0]?.step ?? { unit: 'number', size: 1 };
    checkTargets(op, all, settings);
    checkValues(op, all, settings);
    const { numeric, categorical, leftOut } = columnsOf(op, all, settings);
    const rows = all.flatMap(rowsOf);
    const values = all.map((series) => ({ series, values: valuesOf(op, series, settings) }));
    const own = values.map(({ series, values: one }) => [series.name ?? '', scaleOfTargets([one], target.length)]);
    return new ForecastEncoder(
      {
        step,
        season: season ?? seasonOf(step),
        missing: target.map((_, k) => values.some((one) => isMissing(one.values, k, target.length))),
        scales: {
          all: scaleOfTargets(
            values.map((one) => one.values),
            target.length,
          ),
          own: scaling !== 'all' ? (Object.fromEntries(own) as ForecastEncoderParts['scales']['own']) : {},
        },
        numeric: numeric.map((name) => {
          const cells = rows.map((row) => numberIn(op, row, name));
          const numbers = cells.filter((cell) => cell !== undefined);
          const isWhole = numbers.length === cells.length && all.every((one) => rowsOf(one).length === one.rows.length);
          return { name, ...scaleOf(numbers), missing: !isWhole, known: settings.known.includes(name) };
        }),
        categorical: categorical.map((name) => ({
          name,
          tokens: categoriesOf(rows, name, minFrequency),
          known: settings.known.includes(name) || isConstant(all, name),
        })),
        calendar: calendar ? calendarParts(step, spanOf(all)) : [],
        leftOut,
      },
      settings,
    );
  }

  /** The columns that are read beside the targets, and as what. */
  get columns(): EventColumnNames {
    const { numeric, categorical, leftOut } = this.parts;
    return { numeric: numeric.map(({ name }) => name), categorical: categorical.map(({ name }) => name), leftOut };
  }

  /** Features of each step beside those of the targets; those known beforehand; categories of either. */
  get widths(): { features: number; ahead: number; categories: readonly number[]; aheadCategories: readonly number[] } {
    const { numeric, categorical, calendar, missing } = this.parts;
    const width = (columns: readonly Known<NumericColumn>[]): number =>
      2 * calendar.length + columns.reduce((sum, column) => sum + (column.missing ? 2 : 1), 0);
    const places = [...categorical.keys()];
    return {
      features: missing.filter(Boolean).length + width(numeric),
      ahead: width(numeric.filter(({ known }) => known)),
      categories: places,
      aheadCategories: places.filter((place) => categorical[place]?.known),
    };
  }

  /** Columns that have to be given for the steps of a forecast. */
  get knownColumns(): readonly string[] {
    const { known } = this.#settings;
    return known.filter((name) => !this.parts.leftOut.includes(name));
  }

  /** @throws {OptionError} naming columns of the training that no row has */
  checkColumns(op: string, all: readonly ForecastSeries[]): void {
    checkTargets(op, all, this.#settings);
    const names = [...this.parts.numeric, ...this.parts.categorical].map(({ name }) => name);
    const absent = names.filter((name) => !all.some((one) => rowsOf(one).some(({ row }) => Object.hasOwn(row, name))));
    if (absent.length === 0) return;
    throw new OptionError(op, {
      given: `rows without ${absent.length === 1 ? 'the column' : 'the columns'} ${absent.join(', ')}`,
      expected: `the columns of the training: ${[...this.#settings.target, ...names].join(', ')}`,
      fix: 'name the columns as in the training, and leave a cell empty whose value is not known',
    });
  }

  /**
   * A series in numbers.
   *
   * @param ahead  steps behind the last value of a target that there have to be
   * @throws {OptionError} naming the row, if a cell is none of its column
   */
  encode(op: string, series: ForecastSeries, ahead = 0): EncodedSeries {
    const { target } = this.#settings;
    const raw = valuesOf(op, series, this.#settings);
    const width = target.length;
    let past = raw.length / width;
    while (past > 0 && target.every((_, k) => Number.isNaN(raw[(past - 1) * width + k]))) past--;
    const steps = Math.max(series.rows.length, past + ahead);
    const values = new Float64Array(steps * width).fill(Number.NaN);
    values.set(raw);
    const scales = this.#scalesOf(series, raw);
    const filled = fillForward(values, scales);
    const targets = { values, filled, scaled: targetScaled(filled, scales), scales, width };
    const flags = this.parts.missing.filter(Boolean).length;
    return { series, steps, past, targets, flags, ...this.#features(op, series, steps, values) };
  }

  /** @throws {OptionError} if a series that has to be scaled by itself has no value */
  #scalesOf(series: ForecastSeries, values: Float64Array): readonly TargetScale[] {
    const { all, own } = this.parts.scales;
    if (this.#settings.scaling === 'all') return all;
    const name = series.name ?? '';
    const known = Object.hasOwn(own, name) ? own[name] : undefined;
    if (known !== undefined) return known;
    return scaleOfTargets([values], all.length).map((scale, k) => (scale.count < 2 ? (all[k] ?? scale) : scale));
  }

  #features(
    op: string,
    series: ForecastSeries,
    steps: number,
    values: Float64Array,
  ): Pick<EncodedSeries, 'features' | 'ahead' | 'categories' | 'aheadCategories'> {
    const { missing, calendar } = this.parts;
    const widths = this.widths;
    const features = new Float32Array(steps * widths.features);
    const ahead = new Float32Array(steps * widths.ahead);
    const places = widths.aheadCategories;
    const categories = new Int32Array(steps * widths.categories.length);
    const aheadCategories = new Int32Array(steps * places.length);
    const last = { numbers: this.parts.numeric.map(() => 0), tokens: this.parts.categorical.map(() => 0) };
    const flagged = [...missing.keys()].filter((k) => missing[k] === true);
    for (let at = 0; at < steps; at++) {
      const moment = calendar.length === 0 ? [] : calendarFeatures(momentAt(series, at), calendar);
      const numbers = this.#numbers(op, series, at, last.numbers);
      const flags = flagged.map((k) => (Number.isNaN(values[at * missing.length + k]) ? 1 : 0));
      features.set([...flags, ...numbers.flatMap((one) => one.features), ...moment], at * widths.features);
      ahead.set([...numbers.flatMap((one) => (one.known ? one.features : [])), ...moment], at * widths.ahead);
      this.#categories(series, at, last.tokens);
      categories.set(last.tokens, at * widths.categories.length);
      aheadCategories.set(
        places.map((place) => last.tokens[place] ?? 0),
        at * places.length,
      );
    }
    return { features, ahead, categories, aheadCategories };
  }

  /** Where a number is missing, that of the step before stands, and a second feature says so. */
  #numbers(
    op: string,
    series: ForecastSeries,
    at: number,
    last: number[],
  ): { readonly features: readonly number[]; readonly known: boolean }[] {
    const row = series.rows[at];
    return this.parts.numeric.map((column, place) => {
      const value = row && numberIn(op, row, column.name);
      if (value !== undefined) last[place] = scaledNumber(value, column);
      const feature = last[place] ?? 0;
      return { features: column.missing ? [feature, value === undefined ? 1 : 0] : [feature], known: column.known };
    });
  }

  /** Writes the categories of a step over those of the step before, which stay where there is no row. */
  #categories(series: ForecastSeries, at: number, last: number[]): void {
    const row = series.rows[at];
    if (row === undefined) return;
    this.parts.categorical.forEach(({ name }, place) => {
      last[place] = this.#vocabularies[place]?.indexOf(String(cellOf(row, name) ?? MISSING)) ?? 0;
    });
  }
}

/** From the first step of all to the last. */
function spanOf(all: readonly ForecastSeries[]): number {
  const ends = all.flatMap((one) => [momentAt(one, 0), momentAt(one, one.rows.length - 1)]);
  return ends.reduce((most, at) => Math.max(most, at), 0) - ends.reduce((least, at) => Math.min(least, at), Infinity);
}

const rowsOf = ({ rows }: ForecastSeries) => rows.filter((row) => row !== undefined);

/** Values of the targets, [T, K]; NaN where one is missing. @throws {OptionError} naming the row of one that is none */
function valuesOf(op: string, { rows }: ForecastSeries, { target, logarithm }: Settings): Float64Array {
  const values = new Float64Array(rows.length * target.length).fill(Number.NaN);
  rows.forEach((row, at) => {
    if (row === undefined) return;
    target.forEach((name, k) => {
      values[at * target.length + k] = targetNumber(op, row, name, logarithm) ?? Number.NaN;
    });
  });
  return values;
}

const isMissing = (values: Float64Array, column: number, width: number): boolean =>
  values.some((value, place) => place % width === column && Number.isNaN(value));

/** That rows have the columns of the targets. */
function checkTargets(op: string, all: readonly ForecastSeries[], { target }: Settings): void {
  const names = new Set(all.flatMap(rowsOf).flatMap(({ row }) => Object.keys(row)));
  const absent = target.find((name) => !names.has(name));
  if (absent !== undefined) {
    const near = nearMiss(absent, [...names]);
    throw new OptionError(op, {
      given: `target: ${describe(absent)}, a column that no row has`,
      expected: `one of ${[...names].join(', ')}`,
      fix:
        near === undefined ? 'name the column that is forecast' : `write ${describe(near)}, if that is what you mean`,
    });
  }
}

/** That each series has a value of each target. */
function checkValues(op: string, all: readonly ForecastSeries[], { target }: Settings): void {
  for (const series of all)
    for (const name of target) {
      if (rowsOf(series).some((row) => numericCellOf(row, name) !== undefined)) continue;
      throw new OptionError(op, {
        given: `${calledSeries(series)} without a value of ${name}`,
        expected: 'some values to go by',
        fix: 'leave the series out, or look at how the column was read',
      });
    }
}

const UNCLEAR = 'of neither numbers nor categories';

/** Which columns are read as what: a recursive forecast can read those alone that are known beforehand. */
function columnsOf(op: string, all: readonly ForecastSeries[], settings: Settings): EventColumnNames {
  const { target, time, series, numeric, categorical, known, strategy } = settings;
  const rows = all.flatMap(rowsOf);
  const others = [...target, time, ...(series === undefined || categorical?.includes(series) === true ? [] : [series])];
  const free = known.filter((name) => categorical?.includes(name) !== true && numeric?.includes(name) !== true);
  const named = numeric && [...numeric, ...free];
  const found = findColumns(op, rows, { numeric: named, categorical }, others);
  const neither = known.find((name) => !found.numeric.includes(name) && !found.categorical.includes(name));
  if (neither !== undefined) {
    const near = nearMiss(neither, [...found.numeric, ...found.categorical]);
    throw new OptionError(op, {
      given: `known: [${describe(neither)}], a column ${found.leftOut.includes(neither) ? UNCLEAR : 'that no row has'}`,
      expected: `columns of numbers or categories, among ${[...found.numeric, ...found.categorical].join(', ')}`,
      fix:
        near === undefined
          ? 'name it in numeric or categorical, too, or leave it out'
          : `write ${describe(near)}, if that is what you mean`,
    });
  }
  if (strategy === 'direct') return found;
  const mayRead = (name: string): boolean => known.includes(name) || isConstant(all, name);
  const odd = [...(numeric ?? []), ...(categorical ?? [])].find((name) => !mayRead(name));
  if (odd !== undefined)
    throw new OptionError(op, {
      given: `the column ${describe(odd)} with strategy: 'recursive'`,
      expected: 'columns that are known for the steps of a forecast, as each step is forecast from those before it',
      fix: "add it to known, forecast it as a target, too, or pass strategy: 'direct'",
    });
  const read = { numeric: found.numeric.filter(mayRead), categorical: found.categorical.filter(mayRead) };
  const left = [...found.numeric, ...found.categorical].filter((name) => !mayRead(name));
  return { ...read, leftOut: [...found.leftOut, ...left] };
}

/** Whether a column says the same at all steps of each series, as the place of a shop. */
const isConstant = (all: readonly ForecastSeries[], name: string): boolean =>
  all.every((series) => new Set(rowsOf(series).map((row) => cellOf(row, name))).size <= 1);

/** The categories that are there often enough, the first standing for all others. */
function categoriesOf(rows: readonly Parameters<typeof cellOf>[0][], name: string, minFrequency: number): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const category = String(cellOf(row, name) ?? MISSING);
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  const known = [...counts].filter(([category, count]) => count >= minFrequency && category !== UNKNOWN);
  return [UNKNOWN, ...known.map(([category]) => category).sort()];
}
