import type { TimeStep } from './forecast-time';
import { weekOf } from './forecast-week';

/** Part of the rows that have to be one step apart for the step to be a rule. */
const MOSTLY = 0.8;

/**
 * The step of rows that are taken one after another, whatever lies between: what tells the times behind the last row.
 * Where the rows are at the same times of each week, as on weekdays or in hours of opening, these times go on; where
 * most rows are one step apart, the step does; and where neither is so, nobody knows, and steps are numbered.
 *
 * @param moments  of each series, rising
 * @param step     the time that most often lies between two rows
 */
export function joinedStep(moments: readonly (readonly number[])[], step: TimeStep): TimeStep {
  const week = step.unit === 'time' ? weekOf(moments, step.size) : undefined;
  if (step.unit === 'time' && week !== undefined) return { ...step, week };
  if (step.unit === 'months') return step;
  let [apart, all] = [0, 0];
  for (const series of moments)
    for (let at = 1; at < series.length; at++, all++)
      if (Math.abs((series[at] ?? 0) - (series[at - 1] ?? 0) - step.size) <= 1e-6 * step.size) apart++;
  return apart >= MOSTLY * all ? step : { ...step, isNumbered: true };
}
