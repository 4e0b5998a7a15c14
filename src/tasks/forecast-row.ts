import type { EventAt, EventRow } from './event-rows';

/** A step of a series: when, and what was measured; what is not known is null, empty or left out. */
export type ForecastRow = EventRow;

/** Which columns say when, of what and how much, and what becomes of missing rows. */
export interface ForecastKeys {
  readonly time: string;
  readonly target: readonly string[];
  readonly series: string | undefined;
  readonly gaps: 'fill' | 'refuse' | 'join';
}

/** A row with its moment: milliseconds of a date, or a number. */
export interface StepRow extends EventAt {
  readonly at: number;
}
