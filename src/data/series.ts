import { OptionError } from '../tensor/errors';
import { isHostArray, isSourceArray, type HostArray, type SourceArray } from '../tensor/host-array';
import { describe, isPlainObject } from '../tensor/options';
import { nearMiss } from '../tensor/option-names';

/** Numbers in time: columns by name, one column, rows of D numbers, or [T, D] in one array. */
export type Series =
  | Readonly<Record<string, ArrayLike<number>>>
  | Exclude<SourceArray, BigInt64Array | BigUint64Array>
  | readonly number[]
  | readonly (readonly number[])[]
  | HostArray;

/** Columns by name or place; one, or several. */
export type Columns = string | number | readonly (string | number)[];

type Floats = Float32Array | Float64Array;

/** A series, however it was given. */
export interface ReadSeries {
  /** T. */
  readonly steps: number;
  /** D. */
  readonly width: number;
  /** Names of the columns, if they have some. */
  readonly names: readonly string[] | undefined;
  /** What messages call a column. */
  nameOf: (column: number) => string;
  /** Some steps, [end - begin, K]: a view where the numbers lie so already. */
  read(begin: number, end: number, columns?: readonly number[]): HostArray<Floats>;
  /** The first column without a finite number at a step. @throws {OptionError} if something there is no number */
  missingAt: (step: number) => number | undefined;
  /** Whether a column has no finite number at any step. */
  isEmpty: (column: number) => boolean;
  /** A value in words. */
  describe(step: number, column: number): string;
}

/** @throws {OptionError} if `series` is none, or its columns or rows differ in length */
export function readSeries(op: string, series: unknown): ReadSeries {
  if (isHostArray(series)) return ofHostArray(op, series);
  if (isSourceArray(series)) return ofHostArray(op, { data: series, shape: [series.length] });
  if (Array.isArray(series)) return ofRows(op, series);
  if (isPlainObject(series)) return ofColumns(op, series);
  throw noSeries(op, describe(series));
}

const noSeries = (op: string, given: string): OptionError =>
  new OptionError(op, {
    given: `${given} as series`,
    expected: 'columns of numbers by name, rows of numbers, one column, or { data, shape: [T, D] }',
    fix: 'pass such as { price: Float32Array.of(…), volume: [ … ] }',
  });

function ofHostArray(op: string, { data, shape }: { data: unknown; shape: unknown }): ReadSeries {
  const [steps, width = 1, ...rest]: unknown[] = Array.isArray(shape) ? shape : [];
  const fits = typeof steps === 'number' && typeof width === 'number' && rest.length === 0;
  if (!fits || !isSourceArray(data) || data.length !== steps * width || typeof data[0] === 'bigint')
    throw noSeries(op, `{ data: ${describe(data)}, shape: ${describe(shape)} }`);
  const values = data as Exclude<SourceArray, BigInt64Array | BigUint64Array>;
  const series = gathered(
    op,
    { steps, width, names: undefined, Numbers: values instanceof Float64Array ? Float64Array : Float32Array },
    (step, column) => values[step * width + column],
  );
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return series;
  return {
    ...series,
    read: (begin, end, columns) =>
      columns === undefined
        ? { data: values.subarray(begin * width, end * width), shape: [end - begin, width] }
        : series.read(begin, end, columns),
  };
}

function ofRows(op: string, rows: readonly unknown[]): ReadSeries {
  const [first] = rows;
  if (!Array.isArray(first))
    return gathered(op, { steps: rows.length, width: 1, names: undefined }, (step) => rows[step]);
  const odd = rows.findIndex((row) => !Array.isArray(row) || row.length !== first.length);
  if (odd >= 0 || first.length === 0)
    throw new OptionError(op, {
      given: `${describe(rows[Math.max(odd, 0)])} as step ${Math.max(odd, 0)} of a series of ${first.length} columns`,
      expected: 'as many numbers in each step, one at least',
      fix: 'correct the step',
    });
  const cells = rows as readonly (readonly unknown[])[];
  return gathered(op, { steps: rows.length, width: first.length, names: undefined }, (step, c) => cells[step]?.[c]);
}

function ofColumns(op: string, record: Readonly<Record<string, unknown>>): ReadSeries {
  const names = Object.keys(record);
  const columns = names.map((name) => {
    const column = record[name];
    if (Array.isArray(column) || (isSourceArray(column) && typeof column[0] !== 'bigint'))
      return column as ArrayLike<unknown>;
    throw noSeries(op, `${name}: ${describe(column)}`);
  });
  const [first] = columns;
  if (first === undefined) throw noSeries(op, '{}');
  const odd = columns.findIndex(({ length }) => length !== first.length);
  if (odd >= 0)
    throw new OptionError(op, {
      given: `${columns[odd]?.length} steps of ${names[odd]} beside ${first.length} of ${names[0]}`,
      expected: 'columns of one length',
      fix: 'fill the shorter one, or cut the others',
    });
  return gathered(op, { steps: first.length, width: names.length, names }, (step, c) => columns[c]?.[step]);
}

/** How large a series is, and what its windows consist of. */
interface Layout extends Pick<ReadSeries, 'steps' | 'width' | 'names'> {
  Numbers?: new (length: number) => Floats;
}

/** A series whose windows are gathered number by number. */
function gathered(
  op: string,
  { steps, width, names, Numbers = Float32Array }: Layout,
  valueAt: (step: number, column: number) => unknown,
): ReadSeries {
  const nameOf = (column: number): string => names?.[column] ?? `column ${column}`;
  const all = Array.from({ length: width }, (_, column) => column);
  return {
    steps,
    width,
    names,
    nameOf,
    read(begin, end, columns = all) {
      const data = new Numbers((end - begin) * columns.length);
      let place = 0;
      for (let step = begin; step < end; step++)
        for (const column of columns) data[place++] = Number(valueAt(step, column));
      return { data, shape: [end - begin, columns.length] };
    },
    missingAt(step) {
      for (let column = 0; column < width; column++) {
        const value = valueAt(step, column);
        if (typeof value === 'number' && Number.isFinite(value)) continue;
        if (value === undefined || value === null || typeof value === 'number') return column;
        throw new OptionError(op, {
          given: `${describe(value)} at step ${step} of ${nameOf(column)}`,
          expected: 'numbers',
          fix: 'turn text into numbers when it is read, as by types: { price: "number" } of readTable',
        });
      }
      return undefined;
    },
    isEmpty(column) {
      for (let step = 0; step < steps; step++) if (Number.isFinite(valueAt(step, column))) return false;
      return true;
    },
    describe: (step, column) => describe(valueAt(step, column)),
  };
}

/**
 * Places of columns.
 *
 * @throws {OptionError} if there is no such column
 */
export function chosenColumns(op: string, { names, width }: ReadSeries, columns: Columns): number[] {
  const wanted = typeof columns === 'string' || typeof columns === 'number' ? [columns] : columns;
  const known = names ?? Array.from({ length: width }, (_, column) => String(column));
  if (!Array.isArray(wanted) || wanted.length === 0)
    throw new OptionError(op, {
      given: `target: ${describe(columns)}`,
      expected: `columns: ${known.join(', ')}`,
      fix: 'leave target out to forecast all of them',
    });
  return wanted.map((column: unknown) => {
    const place = typeof column === 'string' ? (names?.indexOf(column) ?? -1) : column;
    if (typeof place === 'number' && Number.isInteger(place) && place >= 0 && place < width) return place;
    const meant = typeof column === 'string' ? nearMiss(column, known) : undefined;
    throw new OptionError(op, {
      given: `target: ${describe(column)}`,
      expected: `columns of the series: ${known.join(', ')}`,
      fix: meant === undefined ? 'name one of them' : `write ${meant}, if that is what you mean`,
    });
  });
}
