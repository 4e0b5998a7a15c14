import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { checkDates, checkFilled, datedRow, type RowForm } from './dated-rows';
import { collectExamples } from './examples';
import { joinedStep } from './forecast-joined';
import type { ForecastKeys, ForecastRow, StepRow } from './forecast-row';
import { seriesOnGrid, warnOfFilled, type ForecastSeries } from './forecast-series';
import { DAY } from './event-time';
import { stepOf, type TimeStep } from './forecast-time';
import type { Examples } from './task';

const FORM = "{ date: '2024-01-31', value: 12.5 }";
const ROWS: RowForm = {
  form: FORM,
  says: 'when and of which series',
  naming: "new Forecaster({ time: 'date', series: 'store' })",
  numbers: 'numbers',
};

/**
 * Rows as series in order of first appearance, each in time with a place for each step.
 *
 * @param known  the step of the training. Default: the one that the rows have
 * @throws {OptionError} naming the row, if one lacks its time or series, two are of one time, or one lies between steps
 */
export async function collectSeries(
  op: string,
  examples: Examples<ForecastRow>,
  keys: ForecastKeys,
  known?: TimeStep,
): Promise<ForecastSeries[]> {
  const given = await collectExamples<ForecastRow, unknown>(op, examples, FORM, (example) => example);
  const series = seriesOf(op, given, keys, known);
  warnOfFilled(op, series);
  return series;
}

/** The same of an array. @throws as `collectSeries` */
export function seriesOf(
  op: string,
  given: readonly unknown[],
  keys: ForecastKeys,
  known?: TimeStep,
): ForecastSeries[] {
  checkFilled(op, given, columnsOf(keys));
  const rows = given.map((row, place) => rowAt(op, row, `row ${place}`, keys));
  checkDates(op, rows, keys.time, ROWS);
  checkKnown(op, rows, keys, known);
  const groups = new Map<string, StepRow[]>();
  for (const row of rows) {
    const name = keys.series === undefined ? '' : String(row.row[keys.series]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  const sorted = [...groups].map(([name, group]) => ({ name, rows: [...group].sort((a, b) => a.at - b.at) }));
  for (const { rows: inTime } of sorted) checkOnce(op, inTime, keys);
  const dated = rows[0]?.dated ?? false;
  const moments = sorted.map((one) => one.rows.map(({ at }) => at));
  const step = known ?? stepIn(moments, dated, keys.gaps) ?? { unit: dated ? 'time' : 'number', size: dated ? DAY : 1 };
  return sorted.map((one) =>
    seriesOnGrid(op, { ...one, name: keys.series === undefined ? undefined : one.name, dated, step }, keys),
  );
}

/**
 * The step of series.
 *
 * @param moments  of each, rising: milliseconds of dates, or numbers
 * @returns undefined if no series has two moments
 */
export function stepIn(
  moments: readonly (readonly number[])[],
  dated: boolean,
  gaps: ForecastKeys['gaps'],
): TimeStep | undefined {
  const step = stepOf(moments, dated);
  return step !== undefined && gaps === 'join' ? joinedStep(moments, step) : step;
}

/** The columns that say when and of what. */
const columnsOf = ({ time, series }: ForecastKeys): string[] => [time, ...(series === undefined ? [] : [series])];

function rowAt(op: string, given: unknown, name: string, keys: ForecastKeys): StepRow {
  const { time } = keys;
  const row = datedRow<ForecastRow>(op, given, name, { time, columns: columnsOf(keys), form: ROWS });
  return { ...row, at: row.dated ? Math.round(row.days * DAY) : row.days };
}

/** Whether moments are dates, as in the training. */
function checkKnown(op: string, rows: readonly StepRow[], { time }: ForecastKeys, known?: TimeStep): void {
  const [first] = rows;
  if (first === undefined) return;
  if (known === undefined || first.dated === (known.unit !== 'number')) return;
  throw new OptionError(op, {
    given: `${time}: ${describe(first.row[time])} in ${first.place}`,
    expected: `${first.dated ? 'numbers' : 'dates'}, as in the training`,
    fix: 'write it as there',
  });
}

/** @throws {OptionError} naming two rows of one time */
function checkOnce(op: string, rows: readonly StepRow[], keys: ForecastKeys): void {
  const { time, series } = keys;
  const place = rows.findIndex((row, at) => at > 0 && row.at === rows[at - 1]?.at);
  const [before, row] = [rows[place - 1], rows[place]];
  if (before === undefined || row === undefined) return;
  const [one, other] = [before, row].sort((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
  const of = series === undefined ? '' : ` of ${series} ${describe(row.row[series])}`;
  const several = series === undefined ? seriesBetween(before, row, keys) : undefined;
  throw new OptionError(op, {
    given: `${time} ${describe(row.row[time])}${of} twice: in ${one?.place ?? ''} and ${other?.place ?? ''}`,
    expected: 'one row for each step of a series',
    fix: 'leave one of them out, or add them up' + (several === undefined ? '' : `; or ${several}`),
  });
}

/** Which column may say of which series two rows are: one that they differ in, of texts if there is one. */
function seriesBetween({ row }: StepRow, { row: other }: StepRow, { target }: ForecastKeys): string | undefined {
  const names = Object.keys(row).filter((name) => row[name] !== other[name] && !target.includes(name));
  const name = names.find((one) => Number.isNaN(Number(row[one]))) ?? names[0];
  if (name === undefined) return undefined;
  return `name the column that says of which series a row is: new Forecaster({ series: ${describe(name)} })`;
}
