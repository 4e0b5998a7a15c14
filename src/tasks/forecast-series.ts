import { counted } from '../tensor/counted';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { ForecastKeys, StepRow } from './forecast-row';
import { momentAfter, stepsBetween, stepText, timeText, type TimeStep } from './forecast-time';

/** A series: a place for each step from its first row to its last. */
export interface ForecastSeries {
  /** Undefined where there is one series without a name. */
  readonly name: string | undefined;
  readonly step: TimeStep;
  /** Whether its times are dates. */
  readonly dated: boolean;
  /** The row of each step; undefined where there is none. */
  readonly rows: readonly (StepRow | undefined)[];
}

/** More empty steps than so many for each row are a mistake, not gaps. */
const MOST_EMPTY = 20;

/**
 * Puts each row at its step.
 *
 * @param given  rows in time, each once
 * @throws {OptionError} naming a row between two steps, or one that is missing where none may be
 */
export function seriesOnGrid(
  op: string,
  given: Omit<ForecastSeries, 'rows'> & { readonly rows: readonly StepRow[] },
  { gaps, time }: ForecastKeys,
): ForecastSeries {
  const { rows, step, dated } = given;
  if (gaps === 'join') return given;
  const [first] = rows;
  const all: (StepRow | undefined)[] = [];
  let before = first;
  for (const row of rows) {
    const place = stepsBetween(first?.at ?? 0, row.at, step);
    if (place === undefined || (gaps === 'refuse' && place > all.length))
      throw irregular(op, { before, row, time, step, missing: place === undefined ? undefined : place - all.length });
    if (place > MOST_EMPTY * (rows.length + MOST_EMPTY))
      throw new OptionError(op, {
        given:
          `${counted(rows.length, 'row')} with ${stepText(step)} between most of them, and ` +
          `${counted(place - all.length, 'step')} without a row before ${describe(row.row[time])} in ${row.place}`,
        expected: 'rows that lie one step apart, most of them',
        fix: `look at ${time} there, or take rows one after another, whatever time is between them, by gaps: 'join'`,
      });
    all[place] = row;
    before = row;
  }
  return { ...given, dated, rows: Array.from(all) };
}

/** How many steps series have, and how many of them have no row. */
const filledIn = (all: readonly ForecastSeries[]): { steps: number; filled: number } => ({
  steps: all.reduce((sum, { rows }) => sum + rows.length, 0),
  filled: all.reduce((sum, { rows }) => sum + rows.filter((row) => row === undefined).length, 0),
});

/** Tells of series most of whose steps have no row, `STM_MOSTLY_FILLED`: rows of weeks in steps of days. */
export function warnOfFilled(op: string, all: readonly ForecastSeries[]): void {
  const [{ steps, filled }, [first]] = [filledIn(all), all];
  if (first === undefined || 2 * filled <= steps) return;
  const part = `${Math.round((100 * filled) / steps)} %`;
  process.emitWarning(
    `${op}: got no row for ${filled} of ${counted(steps, 'step')} (${part}), which are filled, as a step is ` +
      `${stepText(first.step)}.\n` +
      "  Fix: train on rows that are as far apart, or take each row for a step by gaps: 'join'.",
    { type: 'StmnetWarning', code: 'STM_MOSTLY_FILLED' },
  );
}

/** What was found out of the steps: `step: 1 day; 12 of 986 steps filled`. */
export function stepsText(all: readonly ForecastSeries[], { gaps }: Pick<ForecastKeys, 'gaps'>): string {
  const { steps, filled } = filledIn(all);
  const step = all[0]?.step ?? { unit: 'number', size: 1 };
  if (gaps !== 'join') return `step: ${stepText(step)}; ${filled} of ${counted(steps, 'step')} filled`;
  if (step.unit !== 'months' && step.isNumbered === true) return 'step: each row; those of a forecast are numbered';
  const rule = step.unit === 'time' && step.week !== undefined ? `, at ${step.week.length} times of a week` : '';
  return `step: each row; those of a forecast are ${stepText(step)} apart${rule}`;
}

function irregular(
  op: string,
  found: {
    readonly before: StepRow | undefined;
    readonly row: StepRow;
    readonly time: string;
    readonly step: TimeStep;
    readonly missing: number | undefined;
  },
): OptionError {
  const { before, row, time, step, missing } = found;
  const last = before === undefined || before === row ? '' : ` after ${describe(before.row[time])} in ${before.place}`;
  return new OptionError(op, {
    given: `${time} ${describe(row.row[time])} in ${row.place}${last}, ${
      missing === undefined
        ? 'which is no whole number of steps'
        : `with ${counted(missing, 'step')} without a row between`
    }`,
    expected: `a row after each ${stepText(step)}, as most rows are apart`,
    fix:
      missing === undefined
        ? "round the times, or take rows one after another, whatever time is between them, by gaps: 'join'"
        : "add the rows, or have the steps filled by gaps: 'fill'",
  });
}

/** The moment of a step, which may lie behind the last one. */
export function momentAt({ rows, step }: ForecastSeries, place: number): number {
  const row = rows[place];
  if (row !== undefined) return row.at;
  const last = Math.min(place, rows.length - 1);
  for (let at = last; at >= 0; at--) {
    const before = rows[at];
    if (before !== undefined) return momentAfter(before.at, place - at, step);
  }
  return 0;
}

/** The time of a step as an answer has it: `+1` for the first one behind the rows where nobody knows when it is. */
export function timeAt(series: ForecastSeries, place: number): string | number {
  const { rows, step, dated } = series;
  const isNumbered = step.unit !== 'months' && step.isNumbered === true;
  return isNumbered && place >= rows.length ? `+${place - rows.length + 1}` : timeText(momentAt(series, place), dated);
}

/** What a message calls a series: `series "a"`, or `the series`. */
export const calledSeries = ({ name }: ForecastSeries): string =>
  name === undefined ? 'the series' : `series ${describe(name)}`;
