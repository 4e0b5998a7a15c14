import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import type { EventAt } from './event-rows';

/** What a cell says, if it says something: what is left out, null or blank does not. */
export function cellOf({ row }: EventAt, column: string): string | number | undefined {
  const value = row[column];
  if (value === null || value === undefined || (typeof value === 'string' && value.trim() === '')) return undefined;
  return value instanceof Date ? value.toISOString() : value;
}

/** Words that stand for a number which is not known, in small letters. */
const UNKNOWN_NUMBERS: ReadonlySet<string> = new Set(['na', 'n/a', '#n/a', '<na>', 'nan', 'null', 'none', '-']);

/** What a cell of a column of numbers says: `NA`, `null` and such words say nothing there, as an empty cell. */
export function numericCellOf(event: EventAt, column: string): string | number | undefined {
  const cell = cellOf(event, column);
  return typeof cell === 'string' && UNKNOWN_NUMBERS.has(cell.trim().toLowerCase()) ? undefined : cell;
}

/**
 * The number in a cell, which may be written as text; undefined if there is none.
 *
 * @throws {OptionError} naming the row, if it is something else, NaN or infinite
 */
export function numberIn(op: string, event: EventAt, column: string): number | undefined {
  const cell = numericCellOf(event, column);
  if (cell === undefined) return undefined;
  const value = Number(cell);
  if (Number.isFinite(value) && typeof cell !== 'boolean') return value;
  throw new OptionError(op, {
    given: `${column}: ${describe(cell)} in ${event.place} (${briefly(event)})`,
    expected: `a finite number, or nothing where it is not known, as ${column} is read as numbers`,
    fix:
      `correct the row, read the column as texts by categorical: [${describe(column)}], ` +
      'or leave it out by naming the others in numeric',
  });
}

/** What a row begins with, which tells it from others. */
const briefly = ({ row }: EventAt): string =>
  Object.entries(row)
    .slice(0, 4)
    .map(([name, value]) => `${name} ${value ?? ''}`)
    .join(', ');

/** Which columns are read as what. */
export interface EventColumnNames {
  /** As numbers. */
  readonly numeric: readonly string[];
  /** As one of some categories. */
  readonly categorical: readonly string[];
  /** Not at all. */
  readonly leftOut: readonly string[];
}

/** Part of the cells that have to be numbers for a column to be one of numbers. */
const MOSTLY = 0.9;

/**
 * Finds out what columns hold: numbers, where nine of ten cells at least are numbers or texts that are, so that one
 * that is none, nor a word for what is not known, is a mistake; categories, where they are texts of which at least
 * every other one is there twice. Others, such as the number of a bill, are left out.
 *
 * @param given   columns that the user named; in place of those that would be found
 * @param others  columns that say who and when
 * @throws {OptionError} if a named column is not there
 */
export function findColumns(
  op: string,
  events: readonly EventAt[],
  given: { readonly [Kind in 'numeric' | 'categorical']: readonly string[] | undefined },
  others: readonly string[],
): EventColumnNames {
  const all = new Set<string>();
  for (const { row } of events) for (const name of Object.keys(row)) all.add(name);
  for (const name of [...(given.numeric ?? []), ...(given.categorical ?? [])]) checkColumn(op, name, all);
  const free = [...all].filter((name) => !others.includes(name));
  const numeric =
    given.numeric ?? free.filter((name) => given.categorical?.includes(name) !== true && holdsNumbers(events, name));
  const categorical =
    given.categorical ?? free.filter((name) => !numeric.includes(name) && holdsCategories(events, name));
  const leftOut = free.filter((name) => !numeric.includes(name) && !categorical.includes(name));
  return { numeric, categorical, leftOut };
}

function checkColumn(op: string, name: string, all: ReadonlySet<string>): void {
  if (all.has(name)) return;
  const near = nearMiss(name, [...all]);
  throw new OptionError(op, {
    given: `a column ${name}, which no row has`,
    expected: `one of ${[...all].join(', ')}`,
    fix: near === undefined ? 'leave it out' : `write ${describe(near)}, if that is what you mean`,
  });
}

function holdsNumbers(events: readonly EventAt[], name: string): boolean {
  const cells = events.map((event) => numericCellOf(event, name)).filter((cell) => cell !== undefined);
  const numbers = cells.filter((cell) => typeof cell !== 'string' || Number.isFinite(Number(cell)));
  return cells.length > 0 && numbers.length >= MOSTLY * cells.length;
}

function holdsCategories(events: readonly EventAt[], name: string): boolean {
  const cells = events.map((event) => cellOf(event, name)).filter((cell) => cell !== undefined);
  return cells.length > 0 && 2 * new Set(cells).size <= cells.length;
}
