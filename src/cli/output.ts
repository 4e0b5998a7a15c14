import { once } from 'node:events';
import type { Command } from 'commander';

/** What every command takes. */
export interface CommonOptions {
  /** Print JSON in place of text. */
  readonly json?: boolean;
  /** Print what was asked for and nothing else. */
  readonly quiet?: boolean;
}

/** Adds the options that every command takes. */
export const addCommonOptions = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .option('--json', 'print JSON in place of text')
    .option('--quiet', 'print results alone, no progress and no remarks')
    .option('--debug', 'show the stack of an error');

/** Adds three examples to the help of a command. */
export const addExamples = (command: Command, examples: readonly [string, string, string]): Command =>
  command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);

/** Writes to standard output, and waits while its reader is behind. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Says something beside the results, on standard error, unless that is not wanted. */
export function remark(options: CommonOptions, line: string): void {
  if (options.quiet !== true) process.stderr.write(`${line}\n`);
}

/** A value of a table. */
export type Cell = string | number | undefined;

/**
 * A table of text: numbers to the right, a column as wide as its widest cell.
 *
 * @param counts  heads of columns whose numbers count something; all others are figures
 */
export function tableText(
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
  counts: readonly string[] = [],
): string {
  const cells = rows.map((row) =>
    heads.map((head, at) => {
      const cell = row[at];
      return typeof cell !== 'number' || counts.includes(head) ? cellText(cell) : fourDigits(cell);
    }),
  );
  const widths = heads.map((head, at) => Math.max(head.length, ...cells.map((row) => (row[at] ?? '').length)));
  const isNumber = heads.map((_, at) => rows.some((row) => typeof row[at] === 'number'));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (isNumber[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  const head = line(heads);
  return [paint('bold', head), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** A figure, such as a loss or an accuracy: four digits after the point, whole or not. */
export const fourDigits = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toFixed(4);

/** A number as people read it: four digits after the point, or whole. */
export const cellText = (cell: Cell): string => {
  if (typeof cell !== 'number') return cell ?? '';
  if (Number.isInteger(cell)) return cell.toLocaleString('en');
  return fourDigits(cell);
};

/** Ways to show a text on a terminal, as the numbers that begin and end them (ECMA-48, SGR). */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** A way to show a text. */
export type Style = keyof typeof STYLES;

/** The text in a style, for a terminal. */
export function styled(style: Style, text: string): string {
  const [begin, end] = STYLES[style];
  return `\u001b[${begin}m${text}\u001b[${end}m`;
}

/** A text in a style where standard output is a terminal that has colours. */
export const paint = (style: Style, text: string): string => (hasColours(process.stdout) ? styled(style, text) : text);

/** Whether a stream shows colours: a terminal, unless NO_COLOR is set (no-color.org). */
export const hasColours = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
