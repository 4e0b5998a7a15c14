import { targetBack } from './forecast-targets';
import type { ForecastBaselineRule } from './forecast-baselines';
import type { ForecastOrigin } from './forecast-windows';
import type { ScaledForecast } from './forecaster-trainer';
import type { ForecasterSettings } from './forecaster-options';

/** How far forecasts are from the truth, in the mean over windows, steps and targets. */
export interface ForecastFigures {
  /** Mean squared error of targets that are standardised by mean and deviation in training. */
  readonly scaledMse: number;
  /** Mean absolute error of them. */
  readonly scaledMae: number;
  /** Square root of the mean squared error, in the units of the targets. */
  readonly rmse: number;
  /** Mean absolute error, in the units of the targets. */
  readonly mae: number;
}

/** A forecast without a model, on the same windows. */
export interface ForecastBaseline {
  /** What it is: `persistence`, `seasonal naive (24 steps)`. */
  readonly name: string;
  /** What it came to. */
  readonly figures: ForecastFigures;
}

/** What `evaluate` of a Forecaster gives. */
export interface ForecastEvaluation extends ForecastFigures {
  /** That of the training: of the point, and the mean pinball loss of the quantiles, standardised. */
  readonly loss: number;
  /** Share of the truth between the lowest and the highest quantile; absent with fewer than two. */
  readonly coverage?: number;
  /** What that share should be: the highest quantile less the lowest. */
  readonly nominalCoverage?: number;
  /** How many windows were forecast. */
  readonly count: number;
  /** What persistence and the season before come to. */
  readonly baselines: readonly ForecastBaseline[];
  /** Of each target, where there are several. */
  readonly targets?: Readonly<Record<string, ForecastFigures>>;
  /** Root mean squared error, standardised, at each step of the horizon. */
  readonly steps: readonly number[];
}

/** Sums over targets that are not missing. */
class Errors {
  #count = 0;
  #scaledSquares = 0;
  #scaled = 0;
  #squares = 0;
  #absolute = 0;

  add(scaled: number, error: number): void {
    this.#count++;
    this.#scaledSquares += scaled ** 2;
    this.#scaled += Math.abs(scaled);
    this.#squares += error ** 2;
    this.#absolute += Math.abs(error);
  }

  get figures(): ForecastFigures {
    const count = this.#count;
    return {
      scaledMse: this.#scaledSquares / count,
      scaledMae: this.#scaled / count,
      rmse: Math.sqrt(this.#squares / count),
      mae: this.#absolute / count,
    };
  }
}

type Settings = Pick<ForecasterSettings, 'target' | 'horizon' | 'logarithm' | 'loss' | 'quantiles'>;

/** Goes over all targets that are not missing: where one stands, and what is true of it, scaled. */
function eachTruth(
  origins: readonly ForecastOrigin[],
  { horizon, target }: Settings,
  use: (found: { place: number; cell: number; k: number; origin: ForecastOrigin; truth: number }) => void,
): void {
  origins.forEach((origin, place) => {
    const { values, scaled } = origin.series.targets;
    for (let cell = 0; cell < horizon * target.length; cell++) {
      const there = origin.at * target.length + cell;
      if (Number.isNaN(values[there] ?? Number.NaN)) continue;
      use({ place, cell, k: cell % target.length, origin, truth: scaled[there] ?? 0 });
    }
  });
}

/**
 * How far forecasts are from the truth: of all, of each target, and at each step.
 *
 * @param said  [H, K] of each origin
 */
function errorsOf(origins: readonly ForecastOrigin[], said: readonly Float64Array[], settings: Settings) {
  const { target, horizon, logarithm } = settings;
  const all = new Errors();
  const targets = target.map(() => new Errors());
  const steps = Array.from({ length: horizon }, () => new Errors());
  eachTruth(origins, settings, ({ place, cell, k, origin, truth }) => {
    const scale = origin.series.targets.scales[k] ?? { mean: 0, deviation: 1, count: 0 };
    const forecast = said[place]?.[cell] ?? Number.NaN;
    const error = targetBack(forecast, scale, logarithm) - targetBack(truth, scale, logarithm);
    for (const errors of [all, targets[k], steps[Math.floor(cell / target.length)]])
      errors?.add(forecast - truth, error);
  });
  return { all: all.figures, targets: targets.map(({ figures }) => figures), steps: steps.map((one) => one.figures) };
}

/** The loss that training makes small, and the share of the truth between the outermost quantiles. */
function quantileFigures(
  origins: readonly ForecastOrigin[],
  forecasts: readonly ScaledForecast[],
  settings: Settings,
): { loss: number; coverage: number } {
  const { quantiles: levels, loss } = settings;
  let [count, point, pinball, inside] = [0, 0, 0, 0];
  eachTruth(origins, settings, ({ place, cell, truth }) => {
    const forecast = forecasts[place];
    if (forecast === undefined) return;
    const said = forecast.quantiles.subarray(cell * levels.length, (cell + 1) * levels.length);
    count++;
    point += pointLoss(Math.abs(truth - (forecast.point[cell] ?? 0)), loss);
    if (said.length === 0) return;
    said.forEach((quantile, q) => {
      const apart = truth - quantile;
      pinball += Math.max((levels[q] ?? 0) * apart, ((levels[q] ?? 0) - 1) * apart) / said.length;
    });
    if (truth >= (said[0] ?? 0) && truth <= (said.at(-1) ?? 0)) inside++;
  });
  return { loss: (point + pinball) / count, coverage: inside / count };
}

function pointLoss(apart: number, loss: Settings['loss']): number {
  if (loss === 'quantile') return 0;
  if (loss === 'mae') return apart;
  if (loss === 'huber') return apart < 1 ? apart ** 2 / 2 : apart - 0.5;
  return apart ** 2;
}

/** What forecasts came to, and the error of the baselines at each step. */
export function evaluateForecasts(
  origins: readonly ForecastOrigin[],
  forecasts: readonly ScaledForecast[],
  baselines: readonly ForecastBaselineRule[],
  settings: Settings,
): { evaluation: ForecastEvaluation; baselineSteps: readonly { name: string; steps: readonly number[] }[] } {
  const { target, quantiles } = settings;
  const own = errorsOf(
    origins,
    forecasts.map(({ point }) => point),
    settings,
  );
  const { loss, coverage } = quantileFigures(origins, forecasts, settings);
  const others = baselines.map(({ name, forecast }) => ({
    name,
    ...errorsOf(origins, origins.map(forecast), settings),
  }));
  const stepsOf = (steps: readonly ForecastFigures[]): number[] => steps.map(({ scaledMse }) => Math.sqrt(scaledMse));
  const isInterval = quantiles.length > 1 && (forecasts[0]?.quantiles.length ?? 0) > 0;
  const nominalCoverage = (quantiles.at(-1) ?? 1) - (quantiles[0] ?? 0);
  const evaluation = {
    loss,
    ...own.all,
    ...(isInterval && { coverage, nominalCoverage }),
    count: origins.length,
    baselines: others.map(({ name, all }) => ({ name, figures: all })),
    ...(target.length > 1 && { targets: Object.fromEntries(target.map((name, k) => [name, own.targets[k]])) }),
    steps: stepsOf(own.steps),
  } as ForecastEvaluation;
  return { evaluation, baselineSteps: others.map(({ name, steps }) => ({ name, steps: stepsOf(steps) })) };
}
