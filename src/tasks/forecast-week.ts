import { DAY } from './event-time';

const WEEK = 7 * DAY;
/** Part of what a rule says that has to be so: days without a row are holidays, then, and not another rule. */
const MOSTLY = 0.8;

/** The times of a week at which nearly all rows are, milliseconds of it; undefined if they are at all, or at none. */
export function weekOf(moments: readonly (readonly number[])[], size: number): number[] | undefined {
  const counts = new Map<number, number>();
  let [weeks, rows] = [0, 0];
  for (const series of moments) {
    const span = (series.at(-1) ?? 0) - (series[0] ?? 0) + size;
    if (span < WEEK) continue;
    weeks += span / WEEK;
    rows += series.length;
    for (const at of series) counts.set(timeOfWeek(at), (counts.get(timeOfWeek(at)) ?? 0) + 1);
  }
  const often = [...counts].filter(([, count]) => 2 * count >= weeks);
  const times = often.map(([time]) => time).sort((a, b) => a - b);
  const met = often.reduce((sum, [, count]) => sum + count, 0);
  const isRule = met >= MOSTLY * rows && met >= MOSTLY * times.length * weeks;
  return times.length > 0 && times.length * size < WEEK && isRule ? times : undefined;
}

const timeOfWeek = (at: number): number => ((at % WEEK) + WEEK) % WEEK;

/** The moment so many steps after another, at times of a week. @param times  rising milliseconds of a week */
export function momentInWeek(begin: number, steps: number, times: readonly number[]): number {
  const time = timeOfWeek(begin);
  const before = times.filter((one) => one <= time).length; // of this week, up to the first moment
  const place = before + steps - 1;
  const weeks = Math.floor(place / times.length);
  return begin - time + weeks * WEEK + (times[place - weeks * times.length] ?? 0);
}

/** After how many of them the day begins anew, where each of its days has as many and more than one; else the week. */
export function seasonInWeek(times: readonly number[]): number {
  const days = new Map<number, number>();
  for (const time of times) days.set(Math.floor(time / DAY), (days.get(Math.floor(time / DAY)) ?? 0) + 1);
  const [first = 1, ...others] = days.values();
  return first > 1 && others.every((count) => count === first) ? first : times.length;
}
