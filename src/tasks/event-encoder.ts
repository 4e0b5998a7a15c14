import { OptionError } from '../tensor/errors';
import type { HostArray } from '../tensor/host-array';
import type { Sequence } from '../tensor/padded-sequence';
import { Vocabulary } from '../text/vocabulary';
import { cellOf, numberIn, type EventColumnNames } from './event-cells';
import type { EventHistory } from './event-history';
import type { EventAt, EventSequence } from './event-rows';
import { UNKNOWN } from './token-encoder';

/** How a number becomes a feature: with mean 0 and deviation 1 in training. */
export interface NumberScale {
  /** Whether its logarithm is taken before, sign(x) log(1 + |x|), as where a few numbers are far larger than others. */
  readonly logarithm: boolean;
  readonly mean: number;
  readonly deviation: number;
}

/** A numeric column. */
export interface NumericColumn extends NumberScale {
  readonly name: string;
  /** Whether cells were empty in training: a second feature then says which. */
  readonly missing: boolean;
}

/** A categorical column. */
export interface CategoricalColumn {
  readonly name: string;
  /** The categories that have a vector of their own, after that of all others. */
  readonly tokens: readonly string[];
}

/** How histories become numbers: plain data, as it stands in the file of a model. */
export interface EventEncoderParts {
  /** Of log(1 + days until the cut-off). */
  readonly age: NumberScale;
  /** Of log(1 + days since the event before). */
  readonly gap: NumberScale;
  readonly numeric: readonly NumericColumn[];
  readonly categorical: readonly CategoricalColumn[];
  /** Columns that are not read. */
  readonly leftOut: readonly string[];
  /** The last so many events are read. */
  readonly maxLength: number;
}

/** The numbers of one history. */
export interface EncodedEvents {
  /** f32 [T, D]. */
  readonly numbers: HostArray<Float32Array>;
  /** Index of the category in each categorical column, i32 [T, K]; absent where there is none. */
  readonly categories?: HostArray<Int32Array>;
}

/** A batch of them. */
export interface EventBatch {
  /** f32 [N, T, D]. */
  readonly numbers: Sequence;
  /** i32 [N, T, K]. */
  readonly categories?: Sequence;
}

/** What an empty cell of a categorical column is taken for. */
const MISSING = '<missing>';
/** No feature is farther from 0, however odd a number is. */
const FARTHEST = 10;
/** Of numbers that are as skewed as that the logarithm is taken. */
const SKEWED = 2;

/** Turns what is known of a customer into features of each event. */
export class EventEncoder {
  readonly parts: EventEncoderParts;
  readonly #vocabularies: readonly Vocabulary[];

  constructor(parts: EventEncoderParts) {
    this.parts = parts;
    this.#vocabularies = parts.categorical.map(
      ({ tokens }) => new Vocabulary({ tokens: [...tokens], unknown: UNKNOWN }),
    );
  }

  /**
   * Learns scales and categories from histories of training.
   *
   * @throws {OptionError} naming the row, if a numeric column holds something else
   */
  static fit(
    op: string,
    histories: readonly EventHistory[],
    { numeric, categorical, leftOut }: EventColumnNames,
    { maxLength, minFrequency }: { maxLength: number; minFrequency: number },
  ): EventEncoder {
    const events = [...new Set(histories.flatMap((history) => history.events))];
    const days = histories.map(({ events: known, cutOff }) => known.slice(-maxLength).map((one) => cutOff - one.days));
    const gaps = histories.map(({ events: known }) =>
      known.slice(1).map((one, at) => one.days - (known[at]?.days ?? 0)),
    );
    return new EventEncoder({
      age: scaleOf(days.flat(), true),
      gap: scaleOf(gaps.flat(), true),
      numeric: numeric.map((name) => {
        const cells = events.map((event) => numberIn(op, event, name));
        const numbers = cells.filter((cell) => cell !== undefined);
        return { name, ...scaleOf(numbers), missing: numbers.length < cells.length };
      }),
      categorical: categorical.map((name) => ({ name, tokens: categoriesOf(events, name, minFrequency) })),
      leftOut,
      maxLength,
    });
  }

  /** The columns that are read, and as what. */
  get columns(): EventColumnNames {
    const { numeric, categorical, leftOut } = this.parts;
    return { numeric: numeric.map(({ name }) => name), categorical: categorical.map(({ name }) => name), leftOut };
  }

  /**
   * Sees to it that rows have the columns that were learned from: empty cells are fine, a column that is not there is a
   * mistake.
   *
   * @param sequences  those of a table, in which one row with the column is enough, or one customer's
   * @param ofTable    else columns that had empty cells in training may be absent: what is not known is left out
   * @throws {OptionError} naming the columns that no row has
   */
  checkColumns(op: string, sequences: readonly EventSequence[], ofTable = true): void {
    const { numeric, categorical } = this.parts;
    const names = [...numeric, ...categorical].map(({ name }) => name);
    const mayLack = ofTable
      ? []
      : [...numeric.filter(({ missing }) => missing), ...categorical.filter(({ tokens }) => tokens.includes(MISSING))];
    const isThere = (name: string): boolean =>
      sequences.some(({ events }) => events.some(({ row }) => Object.hasOwn(row, name)));
    const missing = names.filter((name) => !mayLack.some((one) => one.name === name) && !isThere(name));
    if (sequences.length === 0 || missing.length === 0) return;
    throw new OptionError(op, {
      given: `rows without ${missing.length === 1 ? 'the column' : 'the columns'} ${missing.join(', ')}`,
      expected: `the columns of the training: ${names.join(', ')}`,
      fix: 'name the columns as in the training, and pass null in one whose values are not known',
    });
  }

  /** D, features of each event beside its categories. */
  get width(): number {
    return 3 + this.parts.numeric.reduce((width, { missing }) => width + (missing ? 2 : 1), 0);
  }

  /** @throws {OptionError} naming the row, if a numeric column holds something else */
  encode(op: string, { events, cutOff }: EventHistory): EncodedEvents {
    const { maxLength, categorical } = this.parts;
    const begin = Math.max(events.length - maxLength, 0);
    const [steps, width] = [events.length - begin, this.width];
    const numbers = new Float32Array(steps * width);
    for (let step = 0; step < steps; step++) {
      const event = events[begin + step];
      if (event === undefined) continue;
      const before = events[begin + step - 1];
      numbers.set(this.#features(op, event, { age: cutOff - event.days, before }), step * width);
    }
    const encoded = { numbers: { data: numbers, shape: [steps, width] } };
    if (categorical.length === 0) return encoded;
    const categories = Int32Array.from(
      events.slice(begin).flatMap((event) =>
        this.#vocabularies.map((vocabulary, column) => {
          const name = categorical[column]?.name ?? '';
          return vocabulary.indexOf(categoryOf(event, name));
        }),
      ),
    );
    return { ...encoded, categories: { data: categories, shape: [steps, categorical.length] } };
  }

  #features(op: string, event: EventAt, { age, before }: { age: number; before: EventAt | undefined }): number[] {
    const { age: ages, gap, numeric } = this.parts;
    return [
      scaled(age, ages),
      before === undefined ? 0 : scaled(event.days - before.days, gap),
      before === undefined ? 1 : 0,
      ...numeric.flatMap((column) => {
        const value = numberIn(op, event, column.name);
        const feature = value === undefined ? 0 : scaled(value, column);
        return column.missing ? [feature, value === undefined ? 1 : 0] : [feature];
      }),
    ];
  }
}

const categoryOf = (event: EventAt, name: string): string => String(cellOf(event, name) ?? MISSING);

/** The categories that are there often enough, the first standing for all others. */
function categoriesOf(events: readonly EventAt[], name: string, minFrequency: number): readonly string[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    const category = categoryOf(event, name);
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  const known = [...counts].filter(([category, count]) => count >= minFrequency && category !== UNKNOWN);
  return [UNKNOWN, ...known.map(([category]) => category).sort()];
}

const logarithmOf = (value: number): number => Math.sign(value) * Math.log1p(Math.abs(value));

/** Mean and deviation of numbers, or of their logarithms. @param logarithm  Default: if they are skewed */
export function scaleOf(numbers: readonly number[], logarithm = skewnessOf(numbers) > SKEWED): NumberScale {
  const { mean, deviation } = momentsOf(logarithm ? numbers.map(logarithmOf) : numbers);
  return { logarithm, mean, deviation: deviation > 0 ? deviation : 1 };
}

/** A number as a feature. */
export function scaled(value: number, { logarithm, mean, deviation }: NumberScale): number {
  const feature = ((logarithm ? logarithmOf(value) : value) - mean) / deviation;
  return Math.min(Math.max(feature, -FARTHEST), FARTHEST);
}

function momentsOf(numbers: readonly number[]): { mean: number; deviation: number } {
  const mean = numbers.reduce((sum, value) => sum + value / numbers.length, 0);
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2 / numbers.length, 0);
  return { mean, deviation: Math.sqrt(variance) };
}

function skewnessOf(numbers: readonly number[]): number {
  const { mean, deviation } = momentsOf(numbers);
  if (deviation === 0) return 0;
  return Math.abs(numbers.reduce((sum, value) => sum + ((value - mean) / deviation) ** 3 / numbers.length, 0));
}
