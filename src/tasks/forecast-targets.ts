import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { numericCellOf } from './event-cells';
import type { StepRow } from './forecast-row';

/** How a target is scaled: mean and deviation in training, of its logarithm where that is forecast. */
export interface TargetScale {
  readonly mean: number;
  readonly deviation: number;
  /** Of how many values. */
  readonly count: number;
}

/** Values of K targets at T steps. */
export interface TargetValues {
  /** K. */
  readonly width: number;
  /** As they are, or their logarithms, NaN where one is missing: [T, K]. */
  readonly values: Float64Array;
  /** With the value before where one is missing. */
  readonly filled: Float64Array;
  /** As the network knows them. */
  readonly scaled: Float64Array;
  readonly scales: readonly TargetScale[];
}

/**
 * The value of a target, which may be written as text, or its logarithm; undefined if it is missing.
 *
 * @param logarithm  whether that is taken
 * @throws {OptionError} naming the row, if it is no such number
 */
export function targetNumber(op: string, row: StepRow, name: string, logarithm: boolean): number | undefined {
  const cell = numericCellOf(row, name);
  if (cell === undefined) return undefined;
  const value = Number(cell);
  const given = `${name}: ${describe(cell)} in ${row.place}`;
  if (!Number.isFinite(value) || typeof cell === 'boolean')
    throw new OptionError(op, {
      given,
      expected: `a finite number, or nothing where it is not known, as ${name} is forecast`,
      fix: 'correct the row, or leave the cell empty, or write NA',
    });
  if (logarithm && value <= 0)
    throw new OptionError(op, {
      given,
      expected: 'numbers above 0, of which the logarithm is forecast',
      fix: 'leave logarithm out, or leave the cell empty',
    });
  return logarithm ? Math.log(value) : value;
}

/** Mean and deviation of each target over series. @param all  [T, K] of each */
export const scaleOfTargets = (all: readonly Float64Array[], width: number): TargetScale[] =>
  Array.from({ length: width }, (_, k) => {
    let [count, sum, squares] = [0, 0, 0];
    const each = (use: (value: number) => void): void => {
      for (const values of all)
        for (let place = k; place < values.length; place += width) {
          const value = values[place] ?? Number.NaN;
          if (!Number.isNaN(value)) use(value);
        }
    };
    each((value) => {
      count++;
      sum += value;
    });
    const mean = count === 0 ? 0 : sum / count;
    each((value) => (squares += (value - mean) ** 2));
    const deviation = Math.sqrt(squares / Math.max(count, 1));
    return { mean, deviation: deviation > 0 ? deviation : 1, count };
  });

/** With the value before in place of a missing one, and at the beginning the mean. */
export function fillForward(values: Float64Array, scales: readonly TargetScale[]): Float64Array {
  const last = scales.map(({ mean }) => mean);
  return values.map((value, place) => {
    const k = place % scales.length;
    if (!Number.isNaN(value)) last[k] = value;
    return last[k] ?? 0;
  });
}

/** As the network knows them. */
export const targetScaled = (values: Float64Array, scales: readonly TargetScale[]): Float64Array =>
  values.map((value, place) => {
    const { mean, deviation } = scales[place % scales.length] ?? { mean: 0, deviation: 1 };
    return (value - mean) / deviation;
  });

/** What the network says of a target, in the units of the data. */
export const targetBack = (scaled: number, { mean, deviation }: TargetScale, logarithm: boolean): number => {
  const value = mean + deviation * scaled;
  return logarithm ? Math.exp(value) : value;
};
