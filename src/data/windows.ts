import { OptionError } from '../tensor/errors';
import type { HostArray } from '../tensor/host-array';
import { nonNegativeInteger, positiveInteger } from '../tensor/options';
import { choice, optional, readOptions, withDefault } from '../tensor/read-options';
import type { Dataset } from './dataset';
import { itemsOf } from './dataset';
import { fingerprintOf } from './fingerprint';
import { chosenColumns, readSeries, type Columns, type ReadSeries, type Series } from './series';
import type { SamplerSettings } from './sampler';
import { counted } from '../tensor/counted';

export type { Columns, Series } from './series';

/** Options of `windows`. */
export interface WindowOptions {
  /** Steps of an input. */
  length: number;
  /** Steps of a target. Default 1. */
  horizon?: number;
  /** Steps from one window to the next. Default 1. */
  stride?: number;
  /** Steps between input and target. Default 0. */
  gap?: number;
  /** What is forecast: one column, of which the target is [horizon], or several, [horizon, K]. Default: all. */
  target?: Columns | undefined;
  /**
   * What to do about values that are missing, which are NaN, infinite, null or undefined: 'refuse' them, or 'skip' the
   * windows that hold one. Default 'refuse'.
   */
  missing?: 'refuse' | 'skip';
}

/** A piece of a series, and what comes after it. */
export interface Window {
  /** [length, D]. */
  input: HostArray<Float32Array | Float64Array>;
  /** [horizon, K], or [horizon] of one column. */
  target: HostArray<Float32Array | Float64Array>;
}

/** Windows over a series; each is made when it is asked for. */
export class WindowDataset implements Dataset<Window>, Iterable<Window> {
  readonly #series: ReadSeries;
  readonly #options: Readonly<{ length: number; horizon: number; stride: number; gap: number }>;
  readonly #target: readonly number[] | undefined;
  readonly #single: boolean;
  /** First steps of the windows, where some are left out. */
  readonly #begins: Int32Array | undefined;
  /** Number of windows. */
  readonly length: number;

  /** @throws {OptionError} as `windows` does */
  constructor(series: Series, options: WindowOptions) {
    const op = 'windows';
    const { length, horizon, stride, gap, target, missing } = readOptions(op, options, {
      length: positiveInteger,
      horizon: withDefault(positiveInteger, 1),
      stride: withDefault(positiveInteger, 1),
      gap: withDefault(nonNegativeInteger, 0),
      target: optional((_op, _name, value) => value as Columns),
      missing: choice(['refuse', 'skip']),
    });
    this.#series = readSeries(op, series);
    this.#options = { length, horizon, stride, gap };
    this.#target = target === undefined ? undefined : chosenColumns(op, this.#series, target);
    this.#single = typeof target === 'string' || typeof target === 'number';
    const { steps } = this.#series;
    const whole = length + gap + horizon;
    if (steps < whole)
      throw new OptionError(op, {
        given: `a series of ${counted(steps, 'step')}`,
        expected: `at least ${whole}: length ${length}, gap ${gap} and horizon ${horizon}`,
        fix: 'take shorter windows, or a longer series',
      });
    const count = Math.floor((steps - whole) / stride) + 1;
    this.#begins = this.#complete(op, count, missing);
    this.length = this.#begins?.length ?? count;
    if (this.length === 0)
      throw new OptionError(op, {
        given: `a series of ${counted(steps, 'step')} in which every window of ${whole} has a missing value`,
        expected: 'at least one whole window',
        fix: this.#adviceOnEmpty() ?? 'fill what is missing, or take shorter windows',
      });
  }

  /** What tells it from other windows. */
  get settings(): SamplerSettings {
    const target = this.#target?.join();
    return {
      ...this.#options,
      target,
      content: fingerprintOf({ length: this.length, at: (i) => this.#window(this.#begin(i)) }),
    };
  }

  /**
   * The first step of the target of a window: where in the series a forecast belongs.
   *
   * @throws {OptionError} if there is no window of that index
   */
  targetBegin(index: number): number {
    const { length, gap } = this.#options;
    return this.#begin(this.#check(index)) + length + gap;
  }

  /** @throws {OptionError} if there is no window of that index */
  at(index: number): Window {
    return this.#window(this.#begin(this.#check(index)));
  }

  /** The windows in order. */
  *[Symbol.iterator](): Generator<Window> {
    yield* itemsOf(this);
  }

  #window(begin: number): Window {
    const { length, horizon, gap } = this.#options;
    const first = begin + length + gap;
    const target = this.#series.read(first, first + horizon, this.#target);
    return {
      input: this.#series.read(begin, begin + length),
      target: this.#single ? { data: target.data, shape: [horizon] } : target,
    };
  }

  #begin(index: number): number {
    return this.#begins === undefined ? index * this.#options.stride : (this.#begins[index] ?? 0);
  }

  #check(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index;
    throw new OptionError('WindowDataset.at', {
      given: `index ${String(index)}`,
      expected: `a whole number in 0..${this.length - 1}`,
      fix: `there are ${this.length} windows`,
    });
  }

  /** What to do about a column without a value, which no filling mends. */
  #adviceOnEmpty(): string | undefined {
    const { width, steps, isEmpty, nameOf } = this.#series;
    const empty = Array.from({ length: width }, (_, column) => column).find((column) => isEmpty(column));
    if (empty === undefined) return undefined;
    return (
      `look at how ${nameOf(empty)} was read: none of its ${steps} steps has a value, as where the rows have no ` +
      'field of the name; or leave the column out'
    );
  }

  /** The first steps of the windows without a missing value; undefined if none is missing. */
  #complete(op: string, count: number, missing: 'refuse' | 'skip'): Int32Array | undefined {
    const { steps, missingAt, nameOf } = this.#series;
    // How many steps with a missing value there are before each step.
    const before = new Int32Array(steps + 1);
    for (let step = 0; step < steps; step++) {
      const column = missingAt(step);
      if (column !== undefined && missing === 'refuse')
        throw new OptionError(op, {
          given: `${this.#series.describe(step, column)} at step ${step} of ${nameOf(column)}`,
          expected: 'finite numbers',
          fix:
            this.#adviceOnEmpty() ??
            "fill it, as with the value before, or pass missing: 'skip' to leave out the windows that hold it",
        });
      before[step + 1] = (before[step] ?? 0) + (column === undefined ? 0 : 1);
    }
    if (before[steps] === 0) return undefined;
    const { length, horizon, stride, gap } = this.#options;
    const isWhole = (begin: number, end: number): boolean => before[begin] === before[end];
    return Int32Array.from({ length: count }, (_, index) => index * stride).filter((begin) => {
      const first = begin + length + gap;
      return isWhole(begin, begin + length) && isWhole(first, first + horizon);
    });
  }
}

/**
 * Windows over a series of numbers in time, to learn what comes after from what came before:
 *
 *     const train = windows({ power, temperature }, { length: 168, horizon: 24, target: 'power' });
 *     const { input, target } = train.at(0);                     // [168, 2] and [24]
 *
 * Nothing is copied but the window that is asked for, and of a Float32Array not even that. Windows overlap: divide the
 * series itself into training and test, or both will hold the same steps.
 *
 * @param series  columns by name, rows of numbers, one column, or { data, shape: [T, D] }
 * @throws {OptionError} if the series is too short, columns differ in length or are unknown, a value is missing or no
 * number, or an option is out of range
 */
export const windows = (series: Series, options: WindowOptions): WindowDataset => new WindowDataset(series, options);
