import { DataLoader } from '../data/data-loader';
import { valuesOf } from '../tensor/padded-sequence';
import { Trainer } from '../training/trainer';
import type { EncodedSeries, ForecastEncoder } from './forecast-encoder';
import { countOutputs, forecastLoss, outputsOf, pointPlace } from './forecast-loss';
import {
  anchorOf,
  ForecastWindows,
  type ForecastBatch,
  type ForecastOrigin,
  type WindowForm,
} from './forecast-windows';
import type { ForecasterNetwork } from './forecaster-network';
import type { ForecasterSettings } from './forecaster-options';
import type { TaskTrainerParts } from './train-task';

/** What training or a file gives a Forecaster. */
export interface TrainedForecaster {
  readonly encoder: ForecastEncoder;
  readonly model: ForecasterNetwork;
  /** Of a recursive one: quantiles of its errors at each step of the horizon, scaled: [H, K, Q]. */
  readonly spread?: readonly number[] | undefined;
}

/** What is said from an origin, scaled as the targets are. */
export interface ScaledForecast {
  /** [H, K]. */
  readonly point: Float64Array;
  /** [H, K, Q], rising. */
  readonly quantiles: Float64Array;
}

/** What windows of a trained network are like: a recursive one goes a step at a time. */
export const formOf = (settings: ForecasterSettings, { parts: { season } }: ForecastEncoder): WindowForm => ({
  window: settings.window,
  horizon: settings.strategy === 'recursive' ? 1 : settings.horizon,
  anchor: settings.anchor,
  scaling: settings.scaling,
  season,
});

/** What trains the network, and asks it. */
export function forecastTrainer(
  model: ForecasterNetwork,
  settings: ForecasterSettings,
  parts: Partial<TaskTrainerParts> = {},
) {
  const outputs = outputsOf(settings);
  return new Trainer({
    ...parts,
    model,
    forward: (network, batch: ForecastBatch) => network.forward(batch),
    loss: (scores, { target, weight }) =>
      forecastLoss(scores, { target: valuesOf(target), weight: valuesOf(weight) }, outputs),
  });
}

/** Forecasts from each origin. */
export const forecastsFrom = (
  trained: TrainedForecaster,
  settings: ForecasterSettings,
  origins: readonly ForecastOrigin[],
): Promise<ScaledForecast[]> =>
  settings.strategy === 'direct'
    ? directForecasts(trained, settings, origins)
    : recursiveForecasts(trained, settings, origins);

/** Windows that are computed together. */
const BATCH = 512;

/** What the network says from each origin: anchor and difference, [H, K, O]. */
async function askedOf(
  { model, encoder }: TrainedForecaster,
  settings: ForecasterSettings,
  origins: readonly ForecastOrigin[],
): Promise<Float64Array[]> {
  if (origins.length === 0) return [];
  const form = formOf(settings, encoder);
  const loader = new DataLoader(new ForecastWindows(origins, form), { batchSize: BATCH });
  const scores = await forecastTrainer(model, settings).predict(loader, { join: true });
  const data = await scores.data();
  scores.dispose();
  const count = countOutputs(outputsOf(settings));
  const size = form.horizon * settings.target.length * count;
  return origins.map((origin, place) => {
    const anchor = anchorOf(origin, form);
    return Float64Array.from(
      { length: size },
      (_, at) => Number(data[place * size + at]) + (anchor[Math.floor(at / count)] ?? 0),
    );
  });
}

async function directForecasts(
  trained: TrainedForecaster,
  settings: ForecasterSettings,
  origins: readonly ForecastOrigin[],
): Promise<ScaledForecast[]> {
  const outputs = outputsOf(settings);
  const [count, place, levels] = [countOutputs(outputs), pointPlace(outputs), outputs.quantiles.length];
  const said = await askedOf(trained, settings, origins);
  return said.map((all) => {
    const cells = all.length / count;
    const quantiles = new Float64Array(cells * levels);
    for (let cell = 0; cell < cells; cell++)
      quantiles.set(all.slice((cell + 1) * count - levels, (cell + 1) * count).sort(), cell * levels);
    const point =
      outputs.point === undefined
        ? (cell: number) => quantiles[cell * levels + place]
        : (cell: number) => all[cell * count];
    return { point: Float64Array.from({ length: cells }, (_, cell) => point(cell) ?? Number.NaN), quantiles };
  });
}

/** One step after another, each read as if it had happened; around them lie the errors that were measured. */
async function recursiveForecasts(
  trained: TrainedForecaster,
  settings: ForecasterSettings,
  origins: readonly ForecastOrigin[],
): Promise<ScaledForecast[]> {
  const { horizon, target, quantiles } = settings;
  const reach = Math.max(settings.window, trained.encoder.parts.season);
  const walks = origins.map(({ series, at }) => {
    const begin = Math.max(at - reach, 0);
    return { at: at - begin, series: pieceOf(series, begin, at, at + horizon) };
  });
  for (let step = 0; step < horizon; step++) {
    const asked = walks.map(({ series, at }) => ({ series, at: at + step }));
    const said = await askedOf(trained, settings, asked);
    walks.forEach(({ series, at }, place) => series.targets.scaled.set(said[place] ?? [], (at + step) * target.length));
  }
  const { spread = [] } = trained;
  return walks.map(({ series, at }) => {
    const point = series.targets.scaled.slice(at * target.length, (at + horizon) * target.length);
    const around = Float64Array.from(
      spread,
      (error, cell) => error + (point[Math.floor(cell / quantiles.length)] ?? 0),
    );
    return { point, quantiles: around };
  });
}

/** A piece of a series, whose targets behind `at` are to be written. */
function pieceOf(series: EncodedSeries, begin: number, at: number, end: number): EncodedSeries {
  const { targets, steps } = series;
  const cut = <Data extends Float32Array | Float64Array | Int32Array>(data: Data): Data => {
    const width = data.length / steps;
    return data.slice(begin * width, end * width) as Data;
  };
  const features = cut(series.features);
  const width = series.features.length / steps;
  for (let step = at - begin; step < end - begin; step++) features.fill(0, step * width, step * width + series.flags);
  return {
    ...series,
    steps: end - begin,
    past: at - begin,
    targets: { ...targets, values: cut(targets.values), filled: cut(targets.filled), scaled: cut(targets.scaled) },
    features,
    ahead: cut(series.ahead),
    categories: cut(series.categories),
    aheadCategories: cut(series.aheadCategories),
  };
}

/** Quantiles of the errors of a recursive forecast at each step, scaled: [H, K, Q]. */
export function spreadOf(
  settings: ForecasterSettings,
  origins: readonly ForecastOrigin[],
  forecasts: readonly ScaledForecast[],
): number[] {
  const { horizon, target, quantiles } = settings;
  return Array.from({ length: horizon * target.length }, (_, cell) => {
    const errors = origins.flatMap(({ series, at }, place) => {
      const there = at * target.length + cell;
      const isKnown = !Number.isNaN(series.targets.values[there] ?? Number.NaN);
      return isKnown ? [(series.targets.scaled[there] ?? 0) - (forecasts[place]?.point[cell] ?? 0)] : [];
    });
    errors.sort((a, b) => a - b);
    return quantiles.map((level) => errors[Math.min(Math.floor(level * errors.length), errors.length - 1)] ?? 0);
  }).flat();
}
