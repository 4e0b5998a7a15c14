import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';

/**
 * A moment as it is written: an ISO date or timestamp, `2024-01-31`, `2024-01-31T18:30:00Z`, a month, `2024-01`, a
 * Date, or a number of days.
 */
export type EventTime = string | number | Date;

/** A moment in days; those of dates are counted from 1970. */
export interface Moment {
  readonly days: number;
  /** Whether it was written as a date. */
  readonly dated: boolean;
}

/** Milliseconds of a day. */
export const DAY = 86_400_000;
const DATE = /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d(?:\.\d+)?))?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;
const MONTH = /^(\d{4}-\d\d)$/;
/** More days than anybody counts: what is larger are seconds, or something else. */
const MOST_DAYS = 1e7;

/**
 * The moment that a cell of a table says; a date or month alone is its beginning, and a time without a zone is UTC.
 *
 * @returns undefined if it is none
 */
export function momentOf(value: unknown): Moment | undefined {
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? undefined : { days: value.getTime() / DAY, dated: true };
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  const date = DATE.exec(text.trim().replace(MONTH, '$1-01'));
  if (date !== null) return dated(date);
  const days = Number(text);
  return Number.isFinite(days) && Math.abs(days) <= MOST_DAYS ? { days, dated: false } : undefined;
}

/** The moment of a date that the calendar has. */
function dated([, year, month, day, hour = '0', minute = '0', second = '0', zone = 'Z']: RegExpExecArray):
  Moment | undefined {
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const exists = new Date(midnight).getUTCMonth() === Number(month) - 1 && Number(day) > 0;
  if (!exists || Number(hour) > 24 || Number(minute) > 59 || Number(second) >= 61) return undefined;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const ahead = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
  const seconds = (Number(hour) * 60 + Number(minute) - ahead) * 60 + Number(second);
  return { days: (midnight + 1000 * seconds) / DAY, dated: true };
}

/** A date of a number of days since 1970, for messages. */
export const dateOf = (days: number, isDated: boolean): string =>
  isDated ? new Date(days * DAY).toISOString().replace('T00:00:00.000Z', '') : String(days);

/**
 * A moment that has to be one.
 *
 * @param what  names it, for the message: `cutOff`
 * @throws {OptionError} if it is none
 */
export function readMoment(op: string, what: string, value: unknown): Moment {
  const moment = momentOf(value);
  if (moment !== undefined) return moment;
  throw new OptionError(op, {
    given: `${what}: ${describe(value)}`,
    expected: 'a date as 2024-01-31 or 2024-01-31T18:30:00Z, or a number of days',
    fix: typeof value === 'number' ? 'divide seconds by 86,400' : 'write it so, year first',
  });
}
