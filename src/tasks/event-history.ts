import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { EventAt, EventSequence } from './event-rows';
import { dateOf, readMoment } from './event-time';

/** What was known of a customer at a moment, and whether it happened after. */
export interface EventHistory {
  readonly customer: string | number | undefined;
  /** At or before the cut-off, in time; one at least. */
  readonly events: readonly EventAt[];
  /** The moment, in days. */
  readonly cutOff: number;
  /** Whether it happened; undefined where nobody knows. */
  readonly happened?: boolean;
}

/** What is asked of a customer. */
export interface EventQuestion {
  /** Days after a cut-off in which it may happen. */
  readonly horizon: number;
  /** Which rows are what is asked for. */
  readonly counts: (event: EventAt) => boolean;
}

/** The time of the last event of all. */
export const endOf = (sequences: readonly EventSequence[]): number =>
  sequences.reduce((end, { events }) => Math.max(end, events.at(-1)?.days ?? end), Number.NEGATIVE_INFINITY);

/** What is known of a customer at a moment; undefined if that is nothing. */
export function historyAt({ customer, events }: EventSequence, cutOff: number): EventHistory | undefined {
  const known = eventsUntil(events, cutOff);
  return known.length === 0 ? undefined : { customer, events: known, cutOff };
}

/**
 * What is known of customers at a moment, but for those of whom nothing is, and what happened within the horizon: rows
 * after the moment and until the end of the horizon decide that alone.
 */
export const examplesAt = (
  sequences: readonly EventSequence[],
  cutOff: number,
  { horizon, counts }: EventQuestion,
): EventHistory[] =>
  sequences.flatMap((sequence) => {
    const history = historyAt(sequence, cutOff);
    if (history === undefined) return [];
    const inHorizon = ({ days }: EventAt): boolean => days > cutOff && days <= cutOff + horizon;
    return [{ ...history, happened: sequence.events.some((event) => inHorizon(event) && counts(event)) }];
  });

/** Of sequences whose label was given. @throws {OptionError} naming one that has no event until its cut-off */
export const labelledExamples = (op: string, sequences: readonly EventSequence[]): EventHistory[] =>
  sequences.map((sequence, place) => {
    const { cutOff: given, label = false } = sequence;
    const history = historyAt(sequence, given?.days ?? endOf([sequence]));
    if (history === undefined) throw noHistory(op, `example ${place}`);
    return { ...history, happened: label };
  });

/** Of somebody of whom nothing is known. */
export const noHistory = (op: string, who: string): OptionError =>
  new OptionError(op, {
    given: `no event of ${who} at or before the cut-off`,
    expected: 'one at least',
    fix: 'leave it out, or look from a later cut-off',
  });

/**
 * The moment to look from: what was given, or so long before the end of the rows that the horizon lies within them.
 *
 * @throws {OptionError} if it is no moment of the kind that the rows have, nothing is before it, or the rows end before
 * the horizon after it does
 */
export function cutOffOf(op: string, sequences: readonly EventSequence[], given: unknown, horizon: number): number {
  const begin = sequences.reduce((first, { events }) => Math.min(first, events[0]?.days ?? first), Infinity);
  const end = endOf(sequences);
  const latest = end - horizon;
  const dated = sequences[0]?.events[0]?.dated ?? false;
  const cutOff = given === undefined ? latest : momentLike(op, given, dated);
  if (cutOff >= begin && cutOff <= latest) return cutOff;
  const [from, to, last] = [begin, end, latest].map((days) => dateOf(days, dated));
  const span = `rows from ${from} to ${to}`;
  throw new OptionError(op, {
    given:
      given === undefined
        ? `${span} for a horizon of ${horizon} days`
        : `cutOff ${describe(given)} for ${span} and a horizon of ${horizon} days`,
    expected: 'rows before the cut-off to learn from, and rows until the end of the horizon after it',
    fix:
      latest < begin
        ? 'shorten the horizon, or pass rows of a longer time'
        : `pass a moment from ${from} to ${last}, or shorten the horizon`,
  });
}

/** @throws {OptionError} if it is no moment, or a date where the rows have numbers of days, or the reverse */
export function momentLike(op: string, given: unknown, dated: boolean): number {
  const moment = readMoment(op, 'cutOff', given);
  if (moment.dated === dated) return moment.days;
  throw new OptionError(op, {
    given: `cutOff: ${describe(given)}`,
    expected: dated ? 'a date, as the rows have' : 'a number of days, as the rows have',
    fix: 'write it as the times of the rows',
  });
}

/** Events are in time, and most of them are known as a rule. */
function eventsUntil(events: readonly EventAt[], cutOff: number): readonly EventAt[] {
  let count = events.length;
  while (count > 0 && (events[count - 1]?.days ?? 0) > cutOff) count--;
  return events.slice(0, count);
}
