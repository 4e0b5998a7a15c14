import { counted } from '../tensor/counted';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { cellOf } from './event-cells';
import { readMoment, type EventTime } from './event-time';
import { listedPlaces } from './example-place';
import type { EncodedSeries, ForecastEncoder } from './forecast-encoder';
import { calledSeries, momentAt, timeAt, type ForecastSeries } from './forecast-series';
import { DAY } from './forecast-time';
import { originsOf, reachOf, type ForecastOrigin, type WindowForm } from './forecast-windows';
import type { ForecasterSettings } from './forecaster-options';

/**
 * Tells of series that are left out, as they are shorter than a window and the horizon, in one warning,
 * `STM_SHORT_SERIES`.
 *
 * @throws {OptionError} if that leaves no window
 */
export function checkLong(
  op: string,
  all: readonly EncodedSeries[],
  origins: readonly ForecastOrigin[],
  form: WindowForm,
): void {
  const least = reachOf(form) + form.horizon;
  const short = all.filter(({ past }) => past < least);
  if (origins.length === 0) throw noWindow(op, all, form);
  if (short.length === 0) return;
  const places = short.map(({ series, past }) => `${calledSeries(series)} of ${counted(past, 'step')}`);
  process.emitWarning(
    `${op}: got ${short.length} of ${counted(all.length, 'series', 'series')} that are shorter than a window and ` +
      `the horizon, ${least} steps: ${listedPlaces(places)}.\n` +
      '  Fix: take a shorter window or horizon; the training goes on without them.',
    { type: 'StmnetWarning', code: 'STM_SHORT_SERIES' },
  );
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
    fix: `take a shorter window or horizon, as window: ${Math.max(Math.floor(longest / 2), 1)}, or pass longer series`,
  });
}

/**
 * Where forecasts begin that are compared with what came.
 *
 * @param season  that of the baseline: windows that lie so far from the beginning, if there are some
 * @throws {OptionError} if there is none
 */
export function comparedOrigins(
  op: string,
  all: readonly EncodedSeries[],
  form: WindowForm,
  { from, stride = 1 }: { readonly from?: EventTime | undefined; readonly stride?: number },
): ForecastOrigin[] {
  const first = from === undefined ? undefined : momentOfFrom(op, from, all);
  const begun = (least: number): ForecastOrigin[] =>
    all.flatMap((one) => originsOf(one, form, Math.max(stepFrom(one.series, first), least), stride));
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

/**
 * The steps behind the last value of a series.
 *
 * @throws {OptionError} if it is shorter than a window, or what has to be known of these steps is not
 */
export function futureOf(
  op: string,
  series: ForecastSeries,
  encoder: ForecastEncoder,
  settings: ForecasterSettings,
): ForecastOrigin {
  const { horizon, time } = settings;
  const least = reachOf({ ...settings, season: encoder.parts.season });
  const encoded = encoder.encode(op, series, horizon);
  if (encoded.past < least)
    throw new OptionError(op, {
      given: `${calledSeries(series)} of ${counted(encoded.past, 'step')} up to its last value`,
      expected: `${least} steps at least, which are read before a forecast`,
      fix: 'pass rows of a longer time, or train with a shorter window',
    });
  const { knownColumns } = encoder;
  for (let at = encoded.past; at < encoded.past + horizon; at++)
    for (const name of knownColumns) {
      const row = series.rows[at];
      if (row !== undefined && cellOf(row, name) !== undefined) continue;
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
