import { DAY } from './event-time';
import { momentInWeek, seasonInWeek } from './forecast-week';

/** The time from one step of a series to the next; plain data, as it stands in the file of a model. */
export type TimeStep =
  | { readonly unit: 'months'; readonly size: number }
  | {
      readonly unit: 'time';
      /** Of dates: milliseconds. */
      readonly size: number;
      /** Of rows that are joined: the times of a week at which they are, milliseconds behind its beginning, rising. */
      readonly week?: readonly number[];
      /** Of rows that are joined: whether nobody knows when the next ones are. */
      readonly isNumbered?: boolean;
    }
  /** Of numbers: as they are counted. */
  | { readonly unit: 'number'; readonly size: number; readonly isNumbered?: boolean };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What a step is called, the longest first. */
const NAMES = [
  [7 * DAY, 'week'],
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
  [SECOND, 'second'],
  [1, 'millisecond'],
] as const;

/** A step in words: `1 hour`, `15 minutes`, `3 months`. */
export function stepText({ unit, size }: TimeStep): string {
  if (unit === 'number') return `${size} in the column of time`;
  if (unit === 'months') return size === 1 ? '1 month' : `${size} months`;
  const [length, name] = NAMES.find(([one]) => size % one === 0) ?? [1, 'millisecond'];
  return size === length ? `1 ${name}` : `${size / length} ${name}s`;
}

/** Months since year 0, the day of the month, and the time of the day. */
function calendarOf(at: number): { months: number; day: number; time: number; isLast: boolean } {
  const date = new Date(at);
  const day = date.getUTCDate();
  const months = 12 * date.getUTCFullYear() + date.getUTCMonth();
  return { months, day, time: ((at % DAY) + DAY) % DAY, isLast: day === daysOf(months) };
}

const daysOf = (months: number): number =>
  new Date(Date.UTC(Math.floor(months / 12), (months % 12) + 1, 0)).getUTCDate();

/** Nearly whole, as sums of numbers that no binary fraction is. */
const NEARLY = 1e-6;

/** How many steps a moment is after another: a whole number, or none if it lies between two steps. */
export function stepsBetween(begin: number, at: number, { unit, size }: TimeStep): number | undefined {
  if (unit === 'months') {
    const [first, then] = [calendarOf(begin), calendarOf(at)];
    const isSame = first.time === then.time && (first.day === then.day || (first.isLast && then.isLast));
    const months = then.months - first.months;
    return isSame && months % size === 0 ? months / size : undefined;
  }
  const steps = (at - begin) / size;
  const whole = Math.round(steps);
  return Math.abs(steps - whole) <= NEARLY ? whole : undefined;
}

/** The moment so many steps after another. */
export function momentAfter(begin: number, steps: number, step: TimeStep): number {
  const { unit, size } = step;
  if (unit === 'time' && step.week !== undefined) return momentInWeek(begin, steps, step.week);
  if (unit !== 'months') return unit === 'time' ? begin + steps * size : Number((begin + steps * size).toPrecision(12));
  const { months, day, time, isLast } = calendarOf(begin);
  const then = months + steps * size;
  const most = daysOf(then);
  return Date.UTC(Math.floor(then / 12), then % 12, isLast ? most : Math.min(day, most)) + time;
}

/**
 * The step of series: calendar months where all dates are of one day of the month, or its last, and else the time that
 * most often lies between two rows.
 *
 * @param moments  of each series, rising: milliseconds of dates, or numbers
 * @returns undefined if no series has two moments
 */
export function stepOf(moments: readonly (readonly number[])[], dated: boolean): TimeStep | undefined {
  const gaps = new Map<number, number>();
  for (const series of moments)
    for (let at = 1; at < series.length; at++) {
      const gap = Number(((series[at] ?? 0) - (series[at - 1] ?? 0)).toPrecision(12));
      gaps.set(gap, (gaps.get(gap) ?? 0) + 1);
    }
  if (gaps.size === 0) return undefined;
  if (dated && Math.min(...gaps.keys()) >= 28 * DAY) {
    const size = monthsOf(moments);
    if (size !== undefined) return { unit: 'months', size };
  }
  const [[size] = [1]] = [...gaps].sort(([a, often], [b, other]) => other - often || a - b);
  return { unit: dated ? 'time' : 'number', size };
}

/** By how many months all moments are apart; undefined if they are not of one day of the month. */
function monthsOf(moments: readonly (readonly number[])[]): number | undefined {
  let size = 0;
  for (const series of moments) {
    const dates = series.map(calendarOf);
    const [first] = dates;
    if (first === undefined) continue;
    const isOneDay = dates.every(({ day }) => day === first.day) || dates.every(({ isLast }) => isLast);
    if (!isOneDay || dates.some(({ time }) => time !== first.time)) return undefined;
    for (let at = 1; at < dates.length; at++)
      size = divisorOf(size, (dates[at]?.months ?? 0) - (dates[at - 1]?.months ?? 0));
  }
  return size === 0 ? undefined : size;
}

const divisorOf = (a: number, b: number): number => (b === 0 ? a : divisorOf(b, a % b));

/** After how many steps a season begins anew, as far as the step tells: a day, a week or a year; else 1. */
export function seasonOf(step: TimeStep): number {
  const { unit, size } = step;
  if (unit === 'time' && step.week !== undefined) return seasonInWeek(step.week);
  if (unit === 'number') return 1;
  if (unit === 'months') return 12 % size === 0 ? 12 / size : 1;
  if (size < DAY) return DAY % size === 0 ? DAY / size : 1;
  if (size === DAY) return 7;
  return size === 7 * DAY ? 52 : 1;
}

/** What of the calendar tells of a step: as an angle, 0 to 1. */
const CALENDAR = {
  hour: (at: number) => calendarOf(at).time / DAY,
  weekday: (at: number) => (((Math.floor(at / DAY) % 7) + 7) % 7) / 7,
  year: (at: number) => {
    const { months, day } = calendarOf(at);
    return ((months % 12) + (day - 1) / daysOf(months)) / 12;
  },
} as const;

/** A part of the calendar. */
export type CalendarPart = keyof typeof CALENDAR;

/** How long each goes on until it begins anew. */
const ROUNDS = { hour: DAY, weekday: 7 * DAY, year: 365 * DAY } as const;

/**
 * The parts of the calendar that change from step to step, and that are seen twice at least: of what was there once,
 * nobody knows whether it comes again. None of steps whose times nobody knows.
 *
 * @param span  milliseconds from the first step to the last
 */
export function calendarParts(step: TimeStep, span: number): readonly CalendarPart[] {
  const { unit, size } = step;
  if (unit !== 'months' && step.isNumbered === true) return [];
  const seen = (['hour', 'weekday', 'year'] as const).filter((part) => span >= 1.9 * ROUNDS[part]);
  if (unit === 'number') return [];
  if (unit === 'months') return seen.filter((part) => part === 'year' && 12 % size === 0 && size < 12);
  return seen.filter((part) => part === 'year' || size % ROUNDS[part] !== 0);
}

/** Sine and cosine of the parts of the calendar at a moment. */
export const calendarFeatures = (at: number, parts: readonly CalendarPart[]): number[] =>
  parts.flatMap((part) => {
    const angle = 2 * Math.PI * CALENDAR[part](at);
    return [Math.sin(angle), Math.cos(angle)];
  });

/** A moment as an answer has it: a date, with the time of the day where it has one, or a number. */
export const timeText = (at: number, dated: boolean): string | number =>
  dated ? new Date(at).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z') : at;
