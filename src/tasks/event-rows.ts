import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { collectExamples, fieldsOf, wrongExample } from './examples';
import { checkDates, checkFilled, datedRow, type DatedRow, type RowForm } from './dated-rows';
import { calledPlace } from './example-place';
import { readMoment, type EventTime, type Moment } from './event-time';
import type { Examples } from './task';

/**
 * What happened: a record of texts and numbers, as `readTable` gives them, and dates; what is not known is null or left
 * out.
 */
export type EventRow = Readonly<Record<string, string | number | Date | null | undefined>>;

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
export type EventAt = DatedRow<EventRow>;

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
const ROWS: RowForm = {
  form: FORM,
  says: 'who and when',
  naming: "new EventClassifier({ key: 'customer', time: 'date' })",
  numbers: 'numbers of days',
};
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
  if (labelled !== true) checkFilled(op, given, [keys.key, keys.time]);
  const all = given.map((example, place) =>
    labelled === true
      ? labelledSequence(op, example, place, keys)
      : eventAt(op, example, `row ${place}`, keys.time, [keys.key, keys.time]),
  );
  checkDates(
    op,
    all.flatMap((one) => ('events' in one ? one.events : [one])),
    keys.time,
    ROWS,
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
  const events = rows.map((row: unknown, place) => eventAt(op, row, `${name} ${place}`, keys.time, [keys.time]));
  checkDates(op, events, keys.time, ROWS);
  const [customer, other] = [...new Set(events.map(({ row }) => customerIn(row[keys.key])))];
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

/** Who; a date may say that, too. */
const customerIn = (cell: EventRow[string]): string | number | undefined =>
  cell instanceof Date ? cell.toISOString() : (cell ?? undefined);

const eventAt = (op: string, row: unknown, place: string, time: string, columns: readonly string[]): EventAt =>
  datedRow<EventRow>(op, row, place, { time, columns, form: ROWS });

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
