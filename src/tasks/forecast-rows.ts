import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { isBlank } from './empty-examples';
import { readMoment } from './event-time';
import { calledPlace, listedPlaces } from './example-place';
import { collectExamples } from './examples';
import type { ForecastKeys, ForecastRow, StepRow } from './forecast-row';
import { seriesOnGrid, type ForecastSeries } from './forecast-series';
import { DAY, stepOf, type TimeStep } from './forecast-time';
import type { Examples } from './task';

const SEVERAL = "name the column that says of which series a row is: new Forecaster({ series: 'store' })";
const FORM = "{ date: '2024-01-31', value: 12.5 }";

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
  return seriesOf(op, given, keys, known);
}

/** The same of an array. @throws as `collectSeries` */
export function seriesOf(
  op: string,
  given: readonly unknown[],
  keys: ForecastKeys,
  known?: TimeStep,
): ForecastSeries[] {
  checkFilled(op, given, keys);
  const rows = given.map((row, place) => rowAt(op, row, `row ${place}`, keys));
  checkDates(op, rows, keys, known);
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
  const step = known ??
    stepOf(
      sorted.map((one) => one.rows.map(({ at }) => at)),
      dated,
    ) ?? { unit: dated ? 'time' : 'number', size: dated ? DAY : 1 };
  return sorted.map((one) =>
    seriesOnGrid(op, { ...one, name: keys.series === undefined ? undefined : one.name, dated, step }, keys),
  );
}

function rowAt(op: string, row: unknown, place: string, { time, series }: ForecastKeys): StepRow {
  if (!isPlainObject(row))
    throw new OptionError(op, { given: `${describe(row)} as ${place}`, expected: FORM, fix: 'pass records' });
  const called = calledPlace(row, place);
  for (const name of [time, series])
    if (name !== undefined && isEmptyCell(row[name])) throw noColumn(op, row, called, name);
  const moment = readMoment(op, `${time} of ${called}`, row[time]);
  const at = moment.dated ? Math.round(moment.days * DAY) : moment.days;
  return { ...moment, at, row: row as ForecastRow, place: called };
}

const isEmptyCell = (cell: unknown): boolean =>
  cell === undefined || cell === null || (typeof cell === 'string' && isBlank(cell));

/** That rows say when and of what. @throws {OptionError} if several do not, saying how many and where they are */
function checkFilled(op: string, rows: readonly unknown[], { time, series }: ForecastKeys): void {
  for (const name of [time, series]) {
    if (name === undefined) continue;
    const isEmpty = (row: unknown): boolean => isPlainObject(row) && name in row && isEmptyCell(row[name]);
    const places = rows.flatMap((row, place) => (isEmpty(row) ? [calledPlace(row, `row ${place}`)] : []));
    if (places.length > 1)
      throw new OptionError(op, {
        given: `no ${name} in ${places.length} of ${rows.length} rows: ${listedPlaces(places)}`,
        expected: `a value of ${name} in each row`,
        fix: 'leave such rows out',
      });
  }
}

function noColumn(op: string, row: object, place: string, name: string): OptionError {
  const isThere = name in row;
  return new OptionError(op, {
    given: isThere ? `${name}: ${describe(Reflect.get(row, name))} in ${place}` : `no column ${name} in ${place}`,
    expected: isThere
      ? `a value of ${name} in each row`
      : `columns that say when and of which series, among ${Object.keys(row).join(', ')}`,
    fix: isThere ? 'leave the row out' : "name them: new Forecaster({ time: 'date', series: 'store' })",
  });
}

/** Dates and numbers are counted differently. */
function checkDates(op: string, rows: readonly StepRow[], { time }: ForecastKeys, known?: TimeStep): void {
  const [first] = rows;
  if (first === undefined) return;
  const odd = rows.find(({ dated }) => dated !== first.dated);
  if (odd !== undefined)
    throw new OptionError(op, {
      given: `${time}: ${describe(first.row[time])} in ${first.place} and ${describe(odd.row[time])} in ${odd.place}`,
      expected: 'dates in all rows, or numbers in all rows',
      fix: 'write all of them alike',
    });
  if (known === undefined || first.dated === (known.unit !== 'number')) return;
  throw new OptionError(op, {
    given: `${time}: ${describe(first.row[time])} in ${first.place}`,
    expected: `${first.dated ? 'numbers' : 'dates'}, as in the training`,
    fix: 'write it as there',
  });
}

/** @throws {OptionError} naming two rows of one time */
function checkOnce(op: string, rows: readonly StepRow[], { time, series }: ForecastKeys): void {
  const place = rows.findIndex((row, at) => at > 0 && row.at === rows[at - 1]?.at);
  const [before, row] = [rows[place - 1], rows[place]];
  if (before === undefined || row === undefined) return;
  const [one, other] = [before, row].sort((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
  const of = series === undefined ? '' : ` of ${series} ${describe(row.row[series])}`;
  throw new OptionError(op, {
    given: `${time} ${describe(row.row[time])}${of} twice: in ${one?.place ?? ''} and ${other?.place ?? ''}`,
    expected: 'one row for each step of a series',
    fix: 'leave one of them out, or add them up' + (series === undefined ? `; or ${SEVERAL}` : ''),
  });
}
