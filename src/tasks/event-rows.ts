import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { collectExamples, fieldsOf, wrongExample } from './examples';
import { isBlank } from './empty-examples';
import { calledPlace, listedPlaces } from './example-place';
import { readMoment, type EventTime, type Moment } from './event-time';
import type { Examples } from './task';

/** What happened: a record of texts and numbers, as `readTable` gives them; what is not known is null or left out. */
export type EventRow = Readonly<Record<string, string | number | null | undefined>>;

/** Events that belong together, and whether it happened after them: what counts as `it` is up to the user. */
export interface LabelledEvents {
  /** In any order. */
  readonly events: readonly EventRow[];
  /** Whether it happened. */
  readonly label: boolean | 0 | 1;
  /** When that was asked: later events are not looked at. Default: the time of the last one. */
  readonly cutOff?: EventTime | undefined;
}

/** What an EventClassifier learns from: rows of all customers, or sequences with a label each. */
export type EventExample = EventRow | LabelledEvents;

/** One row, and where it comes from. */
export interface EventAt extends Moment {
  readonly row: EventRow;
  /** For messages: `row 17`, or `events.csv, line 18`. */
  readonly place: string;
}

/** The events of one customer, in time. */
export interface EventSequence {
  /** Who; undefined where nobody said. */
  readonly customer: string | number | undefined;
  readonly events: readonly EventAt[];
  /** Whether it happened, where the user said so. */
  readonly label?: boolean;
  /** When that was asked, where the user said so. */
  readonly cutOff?: Moment | undefined;
}

/** Which columns say who and when. */
export interface EventKeys {
  readonly key: string;
  readonly time: string;
}

const FORM = "{ customer: 'c17', date: '2024-01-31', amount: 12.5 }";
const LABELLED = `{ events: [${FORM}], label: true }`;

/**
 * Rows as sequences: one for each customer in order of first appearance, or those that have a label.
 *
 * @throws {OptionError} naming the row, if one lacks its key or time, or rows and labelled sequences are mixed
 */
export async function collectSequences(
  op: string,
  examples: Examples<EventExample>,
  keys: EventKeys,
): Promise<EventSequence[]> {
  let labelled: boolean | undefined;
  const given: readonly unknown[] = await collectExamples<EventExample, unknown>(
    op,
    examples,
    FORM,
    (example, place) => {
      const isLabelled = isPlainObject(example) && Array.isArray(example['events']);
      if (isLabelled !== (labelled ??= isLabelled))
        throw wrongExample(op, place, `${labelled ? 'a row' : 'labelled events'}`, labelled ? LABELLED : FORM);
      return example;
    },
  );
  if (labelled !== true) checkFilled(op, given, keys);
  const all = given.map((example, place) =>
    labelled === true ? labelledSequence(op, example, place, keys) : eventAt(op, example, `row ${place}`, keys),
  );
  checkDates(
    op,
    all.flatMap((one) => ('events' in one ? one.events : [one])),
    keys,
  );
  if (labelled === true) return all.filter((one): one is EventSequence => 'events' in one);
  return byCustomer(
    op,
    all.filter((one): one is EventAt => 'row' in one),
    keys,
  );
}

/**
 * The rows of one customer.
 *
 * @param name  of them, for messages: `row` or `event of sequence 3, row`
 * @throws {OptionError} naming the row, if one lacks its time, or two are of different customers
 */
export function sequenceOf(op: string, rows: unknown, name: string, keys: EventKeys): EventSequence {
  if (!Array.isArray(rows) || rows.length === 0)
    throw new OptionError(op, {
      given: describe(rows),
      expected: 'the rows of a customer, one at least, or an array of such arrays',
      fix: `pass such as predict([${FORM}])`,
    });
  const events = rows.map((row: unknown, place) => eventAt(op, row, `${name} ${place}`, { time: keys.time }));
  checkDates(op, events, keys);
  const [customer, other] = [...new Set(events.map(({ row }) => row[keys.key] ?? undefined))];
  if (other === undefined) return { customer, events: inTime(events) };
  throw new OptionError(op, {
    given: `rows of ${describe(customer)} and ${describe(other)}`,
    expected: 'the rows of one customer',
    fix: 'pass an array of arrays, one for each customer, or all rows to predictAll(rows)',
  });
}

/** The rows of several customers. @throws {OptionError} as `sequenceOf`, or if it is no array */
export function sequencesOf(op: string, customers: unknown, keys: EventKeys): EventSequence[] {
  if (Array.isArray(customers))
    return customers.map((rows: unknown, place) => sequenceOf(op, rows, `sequence ${place}, row`, keys));
  throw new OptionError(op, {
    given: describe(customers),
    expected: 'an array with the rows of each customer',
    fix: `pass such as predictBatch([[${FORM}]])`,
  });
}

function labelledSequence(op: string, example: unknown, place: number, keys: EventKeys): EventSequence {
  const { events, label, cutOff } = fieldsOf(op, example, place, ['events', 'label'], LABELLED);
  if (typeof label !== 'boolean' && label !== 0 && label !== 1)
    throw wrongExample(op, place, `label: ${describe(label)}`, `${LABELLED}, with true or false, 1 or 0`);
  const rows = Array.isArray(events) ? events : [];
  if (rows.length === 0) throw wrongExample(op, place, 'no event', LABELLED);
  const { customer, events: read } = sequenceOf(
    op,
    rows,
    `${calledPlace(example as object, `example ${place}`)}, event`,
    keys,
  );
  const asked = cutOff === undefined ? undefined : readMoment(op, `cutOff of example ${place}`, cutOff);
  return { customer, events: read, label: Boolean(label), cutOff: asked };
}

function eventAt(
  op: string,
  row: unknown,
  place: string,
  { key, time }: Partial<EventKeys> & { time: string },
): EventAt {
  if (!isPlainObject(row))
    throw new OptionError(op, { given: `${describe(row)} as ${place}`, expected: FORM, fix: 'pass records' });
  const called = calledPlace(row, place);
  for (const name of [key, time])
    if (name !== undefined && isEmptyCell(row[name])) throw noColumn(op, row, called, name);
  const moment = readMoment(op, `${time} of ${called}`, row[time]);
  return { ...moment, row: row as EventRow, place: called };
}

const isEmptyCell = (cell: unknown): boolean =>
  cell === undefined || cell === null || (typeof cell === 'string' && isBlank(cell));

/** That rows say who and when. @throws {OptionError} if several do not, saying how many and where the first ones are */
function checkFilled(op: string, rows: readonly unknown[], { key, time }: EventKeys): void {
  for (const name of [key, time]) {
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
      : `columns that say who and when, among ${Object.keys(row).join(', ')}`,
    fix: isThere ? 'leave the row out' : "name them: new EventClassifier({ key: 'customer', time: 'date' })",
  });
}

/** Dates and numbers of days are counted from different moments. */
function checkDates(op: string, events: readonly EventAt[], { time }: EventKeys): void {
  const [first] = events;
  const odd = events.find(({ dated }) => dated !== first?.dated);
  if (first === undefined || odd === undefined) return;
  throw new OptionError(op, {
    given: `${time}: ${describe(first.row[time])} in ${first.place} and ${describe(odd.row[time])} in ${odd.place}`,
    expected: 'dates in all rows, or numbers of days in all rows',
    fix: 'write all of them alike',
  });
}

function byCustomer(op: string, events: readonly EventAt[], { key }: EventKeys): EventSequence[] {
  const groups = new Map<string | number, EventAt[]>();
  for (const event of events) {
    const customer = event.row[key];
    if (typeof customer !== 'string' && typeof customer !== 'number')
      throw new OptionError(op, {
        given: `${key}: ${describe(customer)} in ${event.place}`,
        expected: 'a text or a number',
        fix: 'let a text or a number say who it is',
      });
    const group = groups.get(customer);
    if (group === undefined) groups.set(customer, [event]);
    else group.push(event);
  }
  return [...groups].map(([customer, group]) => ({ customer, events: inTime(group) }));
}

/** In the order of time; those of one time in the order that they were given in. */
const inTime = (events: readonly EventAt[]): EventAt[] => [...events].sort((a, b) => a.days - b.days);
