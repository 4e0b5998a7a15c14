import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { isBlank } from './empty-examples';
import { readMoment, type Moment } from './event-time';
import { calledPlace, listedPlaces } from './example-place';

/** A row of somebody or something at a moment, and where it comes from. */
export interface DatedRow<Row> extends Moment {
  readonly row: Row;
  /** For messages: `row 17`, or `events.csv, line 18`. */
  readonly place: string;
}

/** What rows of a kind look like, for messages. */
export interface RowForm {
  /** One of them. */
  readonly form: string;
  /** What their columns have to say: `who and when`. */
  readonly says: string;
  /** How the columns are named: `new EventClassifier({ key: 'customer', time: 'date' })`. */
  readonly naming: string;
  /** What stands for a moment that is no date: `numbers of days`. */
  readonly numbers: string;
}

const isEmptyCell = (cell: unknown): boolean =>
  cell === undefined || cell === null || (typeof cell === 'string' && isBlank(cell));

/**
 * That rows say something in each of these columns.
 *
 * @throws {OptionError} if several do not, saying how many and where the first ones are
 */
export function checkFilled(op: string, rows: readonly unknown[], columns: readonly string[]): void {
  for (const name of columns) {
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

/**
 * A row with its moment.
 *
 * @param time  the column that says when
 * @param columns  those that have to say something, that of the moment among them
 * @throws {OptionError} naming the row, if it lacks one of them, or the moment is none
 */
export function datedRow<Row>(
  op: string,
  row: unknown,
  place: string,
  { time, columns, form }: { time: string; columns: readonly string[]; form: RowForm },
): DatedRow<Row> {
  if (!isPlainObject(row))
    throw new OptionError(op, { given: `${describe(row)} as ${place}`, expected: form.form, fix: 'pass records' });
  const called = calledPlace(row, place);
  for (const name of columns) if (isEmptyCell(row[name])) throw noColumn(op, row, called, name, form);
  return { ...readMoment(op, `${time} of ${called}`, row[time]), row: row as Row, place: called };
}

function noColumn(op: string, row: object, place: string, name: string, { says, naming }: RowForm): OptionError {
  const isThere = name in row;
  return new OptionError(op, {
    given: isThere ? `${name}: ${describe(Reflect.get(row, name))} in ${place}` : `no column ${name} in ${place}`,
    expected: isThere
      ? `a value of ${name} in each row`
      : `columns that say ${says}, among ${Object.keys(row).join(', ')}`,
    fix: isThere ? 'leave the row out' : `name them: ${naming}`,
  });
}

/**
 * Dates and numbers are counted from different moments.
 * @throws {OptionError} naming two rows of which one has either
 */
export function checkDates(
  op: string,
  rows: readonly DatedRow<Readonly<Record<string, unknown>>>[],
  time: string,
  { numbers }: RowForm,
): void {
  const [first] = rows;
  const odd = rows.find(({ dated }) => dated !== first?.dated);
  if (first === undefined || odd === undefined) return;
  throw new OptionError(op, {
    given: `${time}: ${describe(first.row[time])} in ${first.place} and ${describe(odd.row[time])} in ${odd.place}`,
    expected: `dates in all rows, or ${numbers} in all rows`,
    fix: 'write all of them alike',
  });
}
