import { DTypeError, OptionError } from '../tensor/errors';
import { readItem, sizeOf, writeElements, zeroElements, type HostArray, type HostValues } from '../tensor/host-array';
import { describe, nonNegativeInteger, nonNegativeNumber, positiveInteger } from '../tensor/options';
import type { SequenceItem } from '../tensor/pad';
import { readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { SeededRandom } from '../tensor/seeded-random';
import { Tensor } from '../tensor/tensor';

/** Options of `augmentSeries`. What is left out does not happen. */
export interface AugmentSeriesOptions {
  /** The same seed changes the same series in the same way. */
  seed: number;
  /** Part of the steps that are kept, one window of them at a random place, in (0, 1]. Default 1. */
  slice?: number;
  /** Deviation of the speed with which time passes, around 1; it stays above 0.1. Default 0. */
  warp?: number;
  /** Places at which the speed is drawn; between them it changes evenly. Default 4. */
  knots?: number;
  /** Deviation of the factor of each feature, around 1. Default 0. */
  scale?: number;
  /** Deviation of what is added to each value, around 0. Default 0. */
  noise?: number;
}

/** Numbers of a series, and what they are. */
interface Series {
  readonly data: Float32Array | Float64Array;
  readonly steps: number;
  readonly features: number;
}

/**
 * Another version of a series for training: window slicing, time warping, scaling and Gaussian noise, in this order.
 *
 * Shapes: [T, …] → [T', …], T' = max(1, round(slice · T)); the values of warped steps are interpolated between
 * neighbours. f64 stays f64, anything else becomes f32.
 *
 * @param series  numbers on the host, as `pad` takes them; they stay as they are
 * @throws {OptionError} if an option is out of range, or `series` is a tensor or has no axis
 * @throws {DTypeError} if it holds booleans
 * @see Um et al., Data Augmentation of Wearable Sensor Data, 2017; Le Guennec et al., Data Augmentation for Time Series
 *   Classification using Convolutional Neural Networks, 2016
 */
export function augmentSeries(series: SequenceItem, options: AugmentSeriesOptions): HostArray {
  const { seed, slice, warp, knots, scale, noise } = readOptions<AugmentSeriesOptions>('augmentSeries', options, {
    seed: nonNegativeInteger,
    slice: withDefault(fraction, 1),
    warp: withDefault(nonNegativeNumber, 0),
    knots: withDefault(positiveInteger, 4),
    scale: withDefault(nonNegativeNumber, 0),
    noise: withDefault(nonNegativeNumber, 0),
  });
  const { values, rest } = readSeries(series);
  const random = new SeededRandom(seed);
  let result = values;
  if (slice < 1) result = sliced(result, slice, random);
  if (warp > 0 && result.steps > 1) result = warped(result, warp, knots, random);
  const { data, features, steps } = result;
  if (scale > 0) {
    const factors = Array.from({ length: features }, () => 1 + scale * random.normal());
    data.forEach((value, i) => (data[i] = value * (factors[i % features] ?? 1)));
  }
  if (noise > 0) data.forEach((value, i) => (data[i] = value + noise * random.normal()));
  return { data, shape: [steps, ...rest] };
}

function sliced({ data, steps, features }: Series, part: number, random: SeededRandom): Series {
  const kept = Math.min(Math.max(1, Math.round(part * steps)), steps);
  const start = random.below(steps - kept + 1);
  return { data: data.slice(start * features, (start + kept) * features), steps: kept, features };
}

/** The speed is drawn at the knots; its sum, brought to the length of the series, says which moment a step shows. */
function warped({ data, steps, features }: Series, deviation: number, knots: number, random: SeededRandom): Series {
  const speeds = Array.from({ length: knots + 1 }, () => Math.max(0.1, 1 + deviation * random.normal()));
  const moments = new Float64Array(steps);
  for (let step = 1; step < steps; step++) {
    const place = ((step - 0.5) / (steps - 1)) * knots;
    const knot = Math.floor(place);
    const speed = (speeds[knot] ?? 1) + (place - knot) * ((speeds[knot + 1] ?? 1) - (speeds[knot] ?? 1));
    moments[step] = (moments[step - 1] ?? 0) + speed;
  }
  const result = data.slice();
  const stretch = (steps - 1) / (moments[steps - 1] ?? 1);
  for (let step = 0; step < steps; step++) {
    const moment = Math.min((moments[step] ?? 0) * stretch, steps - 1);
    const before = Math.min(Math.floor(moment), steps - 2);
    for (let feature = 0; feature < features; feature++) {
      const at = before * features + feature;
      const value = data[at] ?? 0;
      result[step * features + feature] = value + (moment - before) * ((data[at + features] ?? 0) - value);
    }
  }
  return { data: result, steps, features };
}

/** A copy of the numbers, and the axes after that of time. */
function readSeries(series: unknown): { values: Series; rest: readonly number[] } {
  const host: HostValues | undefined = series instanceof Tensor ? undefined : readItem('augmentSeries', series);
  const [steps, ...rest] = host?.shape ?? [];
  if (host === undefined || steps === undefined) {
    throw new OptionError('augmentSeries', {
      given: `${describe(series)} as series`,
      expected: 'numbers on the host, [T, …]',
      fix: series instanceof Tensor ? 'augment items before they become a batch' : 'pass an array or { data, shape }',
    });
  }
  if (host.dtype === 'bool') {
    throw new DTypeError('augmentSeries', {
      given: 'booleans',
      expected: 'numbers',
      fix: 'make a Float32Array of them',
    });
  }
  const data = zeroElements(host.dtype === 'f64' ? 'f64' : 'f32', host.data.length) as Float32Array | Float64Array;
  writeElements('augmentSeries', data, 0, host.data, host.dtype === 'f64' ? 'f64' : 'f32');
  return { values: { data, steps, features: sizeOf(rest) }, rest };
}

const fraction: OptionReader<number> = (op, name, value) => {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a part above 0 and at most 1',
    fix: `pass such as ${name}: 0.9`,
  });
};
