import { seasonBefore, type ForecastOrigin } from './forecast-windows';

/** A forecast that learns nothing: what a model has to be better than. */
export interface ForecastBaselineRule {
  /** As in `persistence` and `seasonal naive (24 steps)`. */
  readonly name: string;
  /** Its forecast from an origin, scaled as the targets are: [H, K]. */
  readonly forecast: (origin: ForecastOrigin) => Float64Array;
}

/** The last known value for all steps; and that of the season before, where a season has more steps than one. */
export function baselinesOf(horizon: number, season: number): ForecastBaselineRule[] {
  const rule =
    (stepFor: (at: number, step: number) => number) =>
    ({ series, at }: ForecastOrigin): Float64Array => {
      const { scaled, width } = series.targets;
      const cell = (place: number): number =>
        scaled[stepFor(at, Math.floor(place / width)) * width + (place % width)] ?? 0;
      return Float64Array.from({ length: horizon * width }, (_, place) => cell(place));
    };
  const persistence = { name: 'persistence', forecast: rule((at) => at - 1) };
  if (season === 1) return [persistence];
  return [
    persistence,
    { name: `seasonal naive (${season} steps)`, forecast: rule((at, step) => seasonBefore(at, step, season)) },
  ];
}
