import type { Dataset } from '../data/dataset';
import { fingerprintOf } from '../data/fingerprint';
import type { SamplerSettings } from '../data/sampler';
import type { HostArray } from '../tensor/host-array';
import type { Sequence } from '../tensor/padded-sequence';
import type { EncodedSeries } from './forecast-encoder';
import type { ForecasterSettings } from './forecaster-options';

/** Where a forecast begins: at the step `at` of a series. */
export interface ForecastOrigin {
  readonly series: EncodedSeries;
  readonly at: number;
}

/** What windows are like. */
export interface WindowForm extends Pick<ForecasterSettings, 'window' | 'horizon' | 'anchor' | 'scaling'> {
  /** Steps after which a season begins anew. */
  readonly season: number;
}

/** What is read before a forecast, and the steps of it, in numbers. */
export interface ForecastItem {
  /** [W, D]. */
  readonly input: HostArray<Float32Array>;
  /** i32 [W, C]; absent without categorical columns. */
  readonly categories?: HostArray<Int32Array>;
  /** What is known of the steps of the forecast: [H, F]; absent where nothing is. */
  readonly ahead?: HostArray<Float32Array>;
  /** i32 [H, C']. */
  readonly aheadCategories?: HostArray<Int32Array>;
  /** What the network's answers are multiplied by: [1, K, 1]; absent unless each window has a scale of its own. */
  readonly scale?: HostArray<Float32Array>;
  /** By how much the targets differ from the anchor: [H, K]. */
  readonly target: HostArray<Float32Array>;
  /** 0 where a target is missing, else 1: [H, K]. */
  readonly weight: HostArray<Float32Array>;
}

/** A batch of them. */
export type ForecastBatch = { readonly [Name in keyof ForecastItem]: Sequence };

/** Steps that have to lie before a forecast. */
export const reachOf = ({ window, anchor, season }: WindowForm): number =>
  anchor === 'season' ? Math.max(window, season) : window;

/**
 * Where forecasts of a series can begin: behind a window, with the whole horizon before the end of its values.
 *
 * @param part.from    the first step that is forecast, at the earliest
 * @param part.stride  steps from one to the next
 * @param part.end     the step that horizons end before. Default: the one behind the last value
 */
export function originsOf(
  series: EncodedSeries,
  form: WindowForm,
  { from = 0, stride = 1, end = series.past }: { from?: number; stride?: number; end?: number } = {},
): ForecastOrigin[] {
  const origins: ForecastOrigin[] = [];
  for (let at = Math.max(reachOf(form), from); at + form.horizon <= end; at += stride) {
    const hasTarget = hasValue(series, at, at + form.horizon);
    if (hasTarget && hasValue(series, at - form.window, at)) origins.push({ series, at });
  }
  return origins;
}

function hasValue({ targets: { values, width } }: EncodedSeries, begin: number, end: number): boolean {
  for (let place = begin * width; place < end * width; place++)
    if (!Number.isNaN(values[place] ?? Number.NaN)) return true;
  return false;
}

/** What the network says the difference from, as it is scaled: [H, K]. */
export function anchorOf(origin: ForecastOrigin, form: WindowForm): Float64Array {
  const { horizon, anchor, season } = form;
  const { at, series } = origin;
  const { scaled, width } = series.targets;
  const values = new Float64Array(horizon * width);
  if (anchor === 'none' && form.scaling !== 'window') return values;
  const means = anchor === 'none' ? windowMoments(origin, form).map(({ mean }) => mean) : [];
  for (let step = 0; step < horizon; step++) {
    const from = anchor === 'season' ? seasonBefore(at, step, season) : at - 1;
    for (let k = 0; k < width; k++) values[step * width + k] = means[k] ?? scaled[from * width + k] ?? 0;
  }
  return values;
}

/** No window is taken for flatter than that, in deviations of its series. */
const FLATTEST = 0.05;

/** Mean and deviation of each target in the window, as it is scaled: [K]. */
function windowMoments({ series, at }: ForecastOrigin, { window }: WindowForm): { mean: number; deviation: number }[] {
  const { scaled, width } = series.targets;
  return Array.from({ length: width }, (_, k) => {
    let [sum, squares] = [0, 0];
    for (let step = at - window; step < at; step++) sum += scaled[step * width + k] ?? 0;
    const mean = sum / window;
    for (let step = at - window; step < at; step++) squares += ((scaled[step * width + k] ?? 0) - mean) ** 2;
    return { mean, deviation: Math.max(Math.sqrt(squares / window), FLATTEST) };
  });
}

/** The step of the season before, the last one of which all is known. */
export const seasonBefore = (at: number, step: number, season: number): number =>
  at + step - season * Math.ceil((step + 1) / season);

/** How many numbers of a target are read at each step. */
export const featuresOfTarget = ({ anchor, scaling }: Pick<WindowForm, 'anchor' | 'scaling'>): number =>
  anchor === 'season' || (anchor === 'last' && scaling !== 'window') ? 2 : 1;

/** Windows before forecasts, each made when it is asked for. */
export class ForecastWindows implements Dataset<ForecastItem> {
  readonly #origins: readonly ForecastOrigin[];
  readonly #form: WindowForm;

  constructor(origins: readonly ForecastOrigin[], form: WindowForm) {
    this.#origins = origins;
    this.#form = form;
  }

  get length(): number {
    return this.#origins.length;
  }

  /** What tells them from other windows. */
  get settings(): SamplerSettings {
    return { ...this.#form, content: fingerprintOf(this) };
  }

  at(index: number): ForecastItem {
    const origin = this.#origins[index];
    if (origin === undefined) throw new RangeError(`window ${index} of ${this.length}`);
    return itemOf(origin, this.#form);
  }
}

function itemOf(origin: ForecastOrigin, form: WindowForm): ForecastItem {
  const { series, at } = origin;
  const { window, horizon } = form;
  const { width, values, scaled } = series.targets;
  const rows = <Data extends Float32Array | Int32Array>(data: Data, begin: number, count: number): HostArray<Data> => {
    const columns = data.length / series.steps;
    return { data: data.subarray(begin * columns, (begin + count) * columns) as Data, shape: [count, columns] };
  };
  const anchor = anchorOf(origin, form);
  const target = new Float32Array(horizon * width);
  const weight = new Float32Array(horizon * width);
  for (let place = 0; place < target.length; place++) {
    const there = at * width + place;
    if (Number.isNaN(values[there] ?? Number.NaN)) continue;
    target[place] = (scaled[there] ?? 0) - (anchor[place] ?? 0);
    weight[place] = 1;
  }
  return {
    input: inputOf(origin, form),
    ...(form.scaling === 'window' && { scale: scaleIn(origin, form) }),
    ...(series.categories.length > 0 && { categories: rows(series.categories, at - window, window) }),
    ...(series.ahead.length > 0 && { ahead: rows(series.ahead, at, horizon) }),
    ...(series.aheadCategories.length > 0 && { aheadCategories: rows(series.aheadCategories, at, horizon) }),
    target: { data: target, shape: [horizon, width] },
    weight: { data: weight, shape: [horizon, width] },
  };
}

const scaleIn = (origin: ForecastOrigin, form: WindowForm): HostArray<Float32Array> => {
  const deviations = windowMoments(origin, form).map(({ deviation }) => deviation);
  return { data: Float32Array.from(deviations), shape: [1, deviations.length, 1] };
};

/** The targets, and by how much they differ from the anchor; behind them what else is read: [W, D]. */
function inputOf(origin: ForecastOrigin, form: WindowForm): HostArray<Float32Array> {
  const { series, at } = origin;
  const { window } = form;
  const { width } = series.targets;
  const others = series.features.length / series.steps;
  const own = featuresOfTarget(form) * width;
  const data = new Float32Array(window * (own + others));
  const read = targetReader(origin, form);
  for (let step = 0; step < window; step++) {
    const begin = step * (own + others);
    for (let place = 0; place < own; place++) data[begin + place] = read(at - window + step, place);
    data.set(series.features.subarray((at - window + step) * others, (at - window + step + 1) * others), begin + own);
  }
  return { data, shape: [window, own + others] };
}

/** What is read of the targets at a step: a number for each, and behind them their differences. */
function targetReader(origin: ForecastOrigin, form: WindowForm): (step: number, place: number) => number {
  const { series, at } = origin;
  const { anchor, season, scaling } = form;
  const { width, scaled } = series.targets;
  const valueAt = (step: number, k: number): number => scaled[step * width + k] ?? 0;
  const moments = scaling === 'window' ? windowMoments(origin, form) : [];
  const level = (step: number, k: number): number => {
    const { mean, deviation } = moments[k] ?? { mean: 0, deviation: 1 };
    const from = anchor === 'none' || scaling !== 'window' ? mean : valueAt(at - 1, k);
    return (valueAt(step, k) - from) / deviation;
  };
  return (step, place) => {
    if (place < width) return level(step, place);
    const k = place - width;
    const from = anchor === 'last' ? at - 1 : Math.max(step - season, 0);
    return (valueAt(step, k) - valueAt(from, k)) / (moments[k]?.deviation ?? 1);
  };
}
