import { counted } from '../tensor/counted';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { cellOf, numericCellOf } from './event-cells';
import { DAY, readMoment, type EventTime } from './event-time';
import { listedPlaces } from './example-place';
import type { EncodedSeries, ForecastEncoder } from './forecast-encoder';
import { calledSeries, momentAt, timeAt, type ForecastSeries } from './forecast-series';
import { originsOf, reachOf, type ForecastOrigin, type WindowForm } from './forecast-windows';
import type { ForecasterSettings } from './forecaster-options';

/** What goes on without the series that are left out, and how that is mended. */
const GOES_ON = {
  fit: ['shorter than a window and the horizon', 'take a shorter window or horizon; the training goes on without them'],
  evaluate: ['shorter than a window and the horizon', 'pass rows of a longer time; the others are measured'],
  predict: ['shorter than a window', 'pass rows of a longer time; the others are forecast'],
} as const;

/** Tells of series that are left out, as they have fewer steps than it takes, in one warning, `STM_SHORT_SERIES`. */
export function warnOfShort(
  op: string,
  all: readonly EncodedSeries[],
  least: number,
  goesOn: keyof typeof GOES_ON,
): void {
  const short = all.filter(({ past }) => past < least);
  if (short.length === 0) return;
  const places = short.map(({ series, past }) => `${calledSeries(series)} of ${counted(past, 'step')}`);
  const [are, fix] = GOES_ON[goesOn];
  process.emitWarning(
    `${op}: got ${short.length} of ${counted(all.length, 'series', 'series')} that are ${are}, ` +
      `${counted(least, 'step')}: ${listedPlaces(places)}.\n  Fix: ${fix}.`,
    { type: 'StmnetWarning', code: 'STM_SHORT_SERIES' },
  );
}

/**
 * Tells of series that are too short to learn from.
 *
 * @throws {OptionError} if that leaves no window
 */
export function checkLong(
  op: string,
  all: readonly EncodedSeries[],
  origins: readonly ForecastOrigin[],
  form: WindowForm,
): void {
  if (origins.length === 0) throw noWindow(op, all, form);
  warnOfShort(op, all, reachOf(form) + form.horizon, 'fit');
}

function noWindow(op: string, all: readonly EncodedSeries[], form: WindowForm): OptionError {
  const longest = all.reduce((most, { past }) => Math.max(most, past), 0);
  const least = reachOf(form) + form.horizon;
  const several = all.length === 1 ? 'a series' : `${all.length} series, the longest`;
  const parts = `${reachOf(form)} to read and ${form.horizon} to forecast`;
  return new OptionError(op, {
    given:
      longest < least
        ? `${several} of ${counted(longest, 'step')} up to its last value`
        : 'series in which every window, or what comes after it, has missing values alone',
    expected: `${least} steps at least, ${parts}`,
    fix: longest < least ? shorterForm(longest, form) : 'fill in some of them, or pass longer series',
  });
}

/** What would do with series of so many steps. */
function shorterForm(longest: number, form: WindowForm): string {
  if (longest < 2) return 'pass longer series';
  if (form.anchor === 'season' && form.season >= longest) return "pass anchor: 'last', or longer series";
  const window = Math.min(form.window, Math.max(Math.floor(longest / 2), 1));
  const horizon = Math.min(form.horizon, longest - Math.max(window, reachOf({ ...form, window })));
  const shorter = [
    ...(window < form.window ? [`window: ${window}`] : []),
    ...(horizon < form.horizon ? [`horizon: ${horizon}`] : []),
  ];
  return `take a shorter window or horizon, as ${shorter.join(' and ')}, or pass longer series`;
}

/** Which part of the rows is forecast, and compared with what came. */
export interface ComparedPart {
  /** The first moment that is forecast. */
  readonly from?: EventTime | undefined;
  /** Steps from one forecast to the next. */
  readonly stride?: number;
  /**
   * The moment behind the last one that is forecast, as of a fold: a horizon may then end in values that are missing.
   * Without it, it ends with the last value of each series.
   */
  readonly until?: number | undefined;
}

/**
 * Where forecasts begin that are compared with what came: windows with the season of the baseline before them, if there
 * are some.
 *
 * @throws {OptionError} if there is none
 */
export function comparedOrigins(
  op: string,
  all: readonly EncodedSeries[],
  form: WindowForm,
  { from, stride = 1, until }: ComparedPart,
): ForecastOrigin[] {
  const first = from === undefined ? undefined : momentOfFrom(op, from, all);
  const begun = (least: number): ForecastOrigin[] =>
    all.flatMap((one) =>
      originsOf(one, form, { from: Math.max(stepFrom(one.series, first), least), stride, end: endOf(one, until) }),
    );
  const origins = begun(Math.max(reachOf(form), form.season));
  const some = origins.length > 0 ? origins : begun(0);
  if (some.length > 0) return some;
  if (first === undefined) throw noWindow(op, all, form);
  const ends = all.map(({ series, past }) => timeAt(series, past - 1));
  throw new OptionError(op, {
    given: `from: ${describe(from)} for series up to ${ends.at(-1) ?? ''}`,
    expected: `${form.horizon} steps with values behind it at least, and ${reachOf(form)} before the first forecast`,
    fix: 'pass an earlier moment, or more rows',
  });
}

function momentOfFrom(op: string, from: EventTime, all: readonly EncodedSeries[]): number {
  const dated = all[0]?.series.dated ?? false;
  const moment = readMoment(op, 'from', from);
  if (moment.dated === dated) return dated ? moment.days * DAY : moment.days;
  throw new OptionError(op, {
    given: `from: ${describe(from)}`,
    expected: dated ? 'a date, as the rows have' : 'a number, as the rows have',
    fix: 'write it as the times of the rows',
  });
}

/** The first step at or behind a moment. */
function stepFrom(series: ForecastSeries, moment: number | undefined): number {
  if (moment === undefined) return 0;
  let [low, high] = [0, series.rows.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (momentAt(series, middle) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The step that lies at a moment or behind it, or the one behind the last value. */
function endOf({ series, past, steps }: EncodedSeries, until: number | undefined): number {
  if (until === undefined) return past;
  let end = stepFrom(series, until);
  while (end < steps && momentAt(series, end) < until) end++;
  return end;
}

/**
 * The steps behind the last value of each series; those that are shorter than a window are left out, with a warning.
 *
 * @throws {OptionError} if all are, or what has to be known of these steps is not
 */
export function futuresOf(
  op: string,
  all: readonly ForecastSeries[],
  encoder: ForecastEncoder,
  settings: ForecasterSettings,
): ForecastOrigin[] {
  const encoded = all.map((one) => encoder.encode(op, one, settings.horizon));
  const least = reachOf({ ...settings, season: encoder.parts.season });
  const long = encoded.filter(({ past }) => past >= least);
  if (long.length > 0) warnOfShort(op, encoded, least, 'predict');
  return (long.length > 0 ? long : encoded).map((one) => futureOf(op, one, encoder, settings));
}

/**
 * The steps behind the last value of a series.
 *
 * @throws {OptionError} if it is shorter than a window, or what has to be known of these steps is not
 */
function futureOf(
  op: string,
  encoded: EncodedSeries,
  encoder: ForecastEncoder,
  settings: ForecasterSettings,
): ForecastOrigin {
  const { horizon, time } = settings;
  const { series } = encoded;
  const least = reachOf({ ...settings, season: encoder.parts.season });
  if (encoded.past < least)
    throw new OptionError(op, {
      given: `${calledSeries(series)} of ${counted(encoded.past, 'step')} up to its last value`,
      expected: `${least} steps at least, which are read before a forecast`,
      fix: 'pass rows of a longer time, or train with a shorter window',
    });
  const { knownColumns, columns } = encoder;
  const readCell = (name: string) => (columns.numeric.includes(name) ? numericCellOf : cellOf);
  for (let at = encoded.past; at < encoded.past + horizon; at++)
    for (const name of knownColumns) {
      const row = series.rows[at];
      if (row !== undefined && readCell(name)(row, name) !== undefined) continue;
      const [columns, last] = [knownColumns.join(', '), timeAt(series, encoded.past - 1)];
      const where = row === undefined ? ', of which there is no row' : ` in ${row.place}`;
      throw new OptionError(op, {
        given: `no ${name} for ${timeAt(series, at)}${where}`,
        expected: `columns known beforehand, ${columns}, for all ${horizon} steps after ${last}`,
        fix: `add a row for each step with ${time} and these columns, and leave ${settings.target.join(', ')} empty`,
      });
    }
  return { series: encoded, at: encoded.past };
}
