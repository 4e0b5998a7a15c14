import { timeAt } from './forecast-series';
import { targetBack } from './forecast-targets';
import type { ForecastOrigin } from './forecast-windows';
import type { ScaledForecast } from './forecaster-trainer';
import type { ForecasterSettings } from './forecaster-options';

/** A step of a forecast. */
export interface ForecastStep {
  /** When: a date, with the time of the day where it has one, or a number as in the rows. */
  readonly time: string | number;
  /** Of each target. */
  readonly values: Readonly<Record<string, number>>;
  /** Of each target, by their probabilities as text: `{ sales: { '0.1': 3, '0.5': 5, '0.9': 9 } }`. */
  readonly quantiles?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** How a series goes on. */
export interface Forecast {
  /** Which; absent where the rows have no column that says so. */
  readonly series?: string;
  /** One for each step of the horizon. */
  readonly steps: readonly ForecastStep[];
}

/** A forecast in the units of the data. */
export function answerOf(
  { series, at }: ForecastOrigin,
  { point, quantiles }: ScaledForecast,
  { target, horizon, quantiles: levels, logarithm }: ForecasterSettings,
): Forecast {
  const back = (scaled: number, k: number): number =>
    targetBack(scaled, series.targets.scales[k] ?? { mean: 0, deviation: 1, count: 0 }, logarithm);
  const steps = Array.from({ length: horizon }, (_, step): ForecastStep => {
    const cellOf = (k: number): number => step * target.length + k;
    const values = target.map((name, k) => [name, back(point[cellOf(k)] ?? Number.NaN, k)]);
    const around = target.map((name, k) => [
      name,
      Object.fromEntries(levels.map((level, q) => [level, back(quantiles[cellOf(k) * levels.length + q] ?? 0, k)])),
    ]);
    return {
      time: timeAt(series.series, at + step),
      values: Object.fromEntries(values) as ForecastStep['values'],
      ...(quantiles.length > 0 && { quantiles: Object.fromEntries(around) as ForecastStep['quantiles'] & object }),
    };
  });
  return { ...(series.series.name !== undefined && { series: series.series.name }), steps };
}
