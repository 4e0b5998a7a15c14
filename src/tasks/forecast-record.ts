import type { EvaluationRecord, ForecastRecord } from '../report';
import type { ForecastEvaluation } from './forecast-evaluation';
import { timeAt } from './forecast-series';
import { targetBack } from './forecast-targets';
import type { ForecastOrigin } from './forecast-windows';
import type { ForecasterSettings } from './forecaster-options';
import type { ScaledForecast } from './forecaster-trainer';

/** What an evaluation went over, and what it came to. */
export interface ExaminedForecasts {
  readonly origins: readonly ForecastOrigin[];
  readonly forecasts: readonly ScaledForecast[];
  readonly evaluation: ForecastEvaluation;
  /** Errors of the baselines at each step. */
  readonly baselineSteps: readonly { readonly name: string; readonly steps: readonly number[] }[];
}

/** Forecasts that a report draws, spread over all of them. */
const SHOWN = 6;
/** Steps before a forecast that it draws: as many as the horizon has, and not fewer than that. */
const LEAST_BEFORE = 24;

/** What a report shows of an evaluation. */
export function recordOfForecasts(
  part: EvaluationRecord['part'],
  examined: ExaminedForecasts,
  settings: ForecasterSettings,
): EvaluationRecord {
  const { baselines, targets: _targets, steps, ...figures } = examined.evaluation;
  const { quantiles } = settings;
  return {
    ...(part !== undefined && { part }),
    figures: { ...figures },
    baselines: baselines.map(({ name, figures: of }) => ({ name, figures: { ...of } })),
    forecasts: curvesOf(examined, settings),
    ...(quantiles.length > 1 && { interval: `from the ${quantiles[0]} to the ${quantiles.at(-1)} quantile` }),
    stepErrors: [
      { name: 'forecast', values: steps },
      ...examined.baselineSteps.map(({ name, steps: values }) => ({ name, values })),
    ],
  };
}

/** Some forecasts, in turn of each target. */
function curvesOf({ origins, forecasts }: ExaminedForecasts, settings: ForecasterSettings): ForecastRecord[] {
  const count = Math.min(SHOWN, origins.length);
  return Array.from({ length: count }, (_, shown) =>
    Math.round((shown * (origins.length - 1)) / Math.max(count - 1, 1)),
  )
    .flatMap((place) => {
      const [origin, forecast] = [origins[place], forecasts[place]];
      return origin === undefined || forecast === undefined ? [] : [{ origin, forecast }];
    })
    .map(({ origin, forecast }, shown) => curveOf(origin, forecast, shown % settings.target.length, settings));
}

/** A forecast of the target `k` beside what came, in the units of the data. */
function curveOf(
  { series, at }: ForecastOrigin,
  { point, quantiles }: ScaledForecast,
  k: number,
  { target, horizon, window, logarithm, quantiles: levels }: ForecasterSettings,
): ForecastRecord {
  const { targets } = series;
  const scale = targets.scales[k] ?? { mean: 0, deviation: 1, count: 0 };
  const width = target.length;
  const valueAt = (step: number): number => {
    const value = targets.values[step * width + k] ?? Number.NaN;
    return logarithm ? Math.exp(value) : value;
  };
  const stepsFrom = (begin: number, count: number): number[] =>
    Array.from({ length: count }, (_, step) => valueAt(begin + step));
  const quantileAt = (q: number): number[] =>
    Array.from({ length: horizon }, (_, step) =>
      targetBack(quantiles[(step * width + k) * levels.length + q] ?? Number.NaN, scale, logarithm),
    );
  const before = Math.min(window, Math.max(horizon, LEAST_BEFORE), at);
  const of = series.series.name === undefined ? (target[k] ?? '') : `${target[k]} of ${series.series.name}`;
  return {
    title: `${of}, from ${timeAt(series.series, at)}`,
    before: stepsFrom(at - before, before),
    truth: stepsFrom(at, horizon),
    forecast: Array.from({ length: horizon }, (_, step) =>
      targetBack(point[step * width + k] ?? Number.NaN, scale, logarithm),
    ),
    ...(levels.length > 1 && quantiles.length > 0 && { low: quantileAt(0), high: quantileAt(levels.length - 1) }),
  };
}
