import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../../files/file-error';
import { readTextBlocks } from '../../files/lines';
import { FormatError } from '../../tensor/errors';
import type { DataSource } from './task-entry';

/** What a file may hold, as far as its first lines tell. */
export type Form = 'table' | 'columns' | 'jsonl' | 'json' | 'text';

/** What a file seems to hold. */
export interface Seeming {
  readonly form: Form;
  /** In words: `a table with the columns text, label`. */
  readonly told: string;
  /** Of a table. */
  readonly delimiter?: string;
}

/** Lines that are looked at. */
const LINES = 50;
/** Characters at the beginning of a line in which its parts are counted: a document may be long. */
const LINE = 1 << 16;

/**
 * What a file seems to hold, by its first lines.
 *
 * @param path  of a file of text
 * @returns undefined if it is no regular file, which would be read up, or empty
 * @throws as `readLines`
 */
export async function seemingOf(
  op: string,
  path: string,
  { encoding }: { readonly encoding?: string } = {},
): Promise<Seeming | undefined> {
  if (!statSync(path).isFile()) return undefined;
  const lines: string[] = [];
  for await (const { text } of readTextBlocks({ op, path }, { encoding })) {
    if (lines.at(-1) === '') lines.pop(); // behind the end of the last line
    lines.push(...text.split(/\r?\n/, LINES));
    if (lines.length >= LINES) break;
  }
  return lines.length === 0 ? undefined : seemingOfLines(lines.slice(0, LINES));
}

/** What such lines seem to be the beginning of. */
export function seemingOfLines(lines: readonly string[]): Seeming {
  const filled = lines.filter((line) => line.trim() !== '' && !line.startsWith('# '));
  const [first = ''] = filled;
  if (filled.every(isJson)) return { form: 'jsonl', told: 'JSON Lines' };
  if (/^\s*[[{]/.test(first)) return { form: 'json', told: 'JSON that goes over several lines' };
  const [begin, end] = [lines.indexOf(first), lines.lastIndexOf(filled.at(-1) ?? '')];
  const isDivided = lines.slice(begin, end).some((line) => line.trim() === '');
  // In a few lines one that lacks a part is many, and a mistake that is to be named.
  const share = filled.length > 3 && !isProse(filled) ? Math.min(0.8, 1 - 1 / filled.length) : 0.8;
  const width = first.includes('\t')
    ? widthIn(filled, (line) => line.slice(0, LINE).split('\t'), share)
    : widthIn(filled, wordsOf, share);
  if (isDivided && width !== undefined && width > 1) return columns(width);
  const rows = rowsOf(filled);
  const delimiter = SIGNS.find(([sign]) => (widthIn(rows, (row) => fieldsOf(row, sign)) ?? 0) > 1);
  if (delimiter !== undefined && rows.length > 1) return table(first, delimiter);
  const isSentence = filled.length === 1 && !first.includes('\t') && wordsOf(first).length > 3;
  if (width !== undefined && !isSentence && !isProse(filled)) return columns(width);
  return { form: 'text', told: 'a plain text' };
}

const wordsOf = (line: string): readonly string[] =>
  line
    .slice(0, LINE)
    .trim()
    .split(/[ \t]+/);

/** Into how many parts lines are divided, as the first one; undefined if less than this share of them is. */
function widthIn(
  lines: readonly string[],
  partsOf: (line: string) => readonly string[],
  share = 0.8,
): number | undefined {
  const widths = lines.map((line) => partsOf(line).length);
  return widths.filter((width) => width === widths[0]).length >= share * widths.length ? widths[0] : undefined;
}

/** Whether lines end as sentences do. */
const isProse = (lines: readonly string[]): boolean =>
  2 * lines.filter((line) => /[\p{L}"')][.!?]["')]*\s*$/u.test(line)).length >= lines.length;

/** What is told of lines that have one word each, such as paths. */
export const WORDS = 'words, one a line';

const columns = (count: number): Seeming => ({
  form: 'columns',
  told: count === 1 ? WORDS : `sentences in ${count} columns, a token a line, as the task tag reads`,
});

/** What divides the fields of a table, and what it is called. */
const SIGNS = [
  ['\t', 'tabs'],
  [',', 'commas'],
  [';', 'semicolons'],
  ['|', 'bars'],
] as const;

function table(first: string, [delimiter, signs]: (typeof SIGNS)[number]): Seeming {
  const names = fieldsOf(first, delimiter).map((name) => name.trim());
  const shown = names.slice(0, 8).map((name) => (name.length > 20 ? `${name.slice(0, 20)}…` : name));
  const more = names.length > 8 ? `, … ${names.length} in all` : '';
  const told = `a table divided by ${signs} that begins with ${shown.join(', ')}${more}`;
  return { form: 'table', told, delimiter };
}

/** Lines of a table as rows, of which a field in quotes may have several. */
function rowsOf(lines: readonly string[]): readonly string[] {
  const rows: string[] = [];
  let isOpen = false;
  for (const line of lines) {
    if (isOpen) rows.push(`${rows.pop() ?? ''} ${line}`);
    else rows.push(line);
    if (line.length <= LINE && line.split('"').length % 2 === 0) isOpen = !isOpen;
  }
  return rows;
}

/**
 * The fields of a row. What stands between quotes is one part or, where two of them stand for one, several: a pattern
 * that knew pairs would need stack for each character.
 */
const fieldsOf = (line: string, sign: string): string[] =>
  line
    .slice(0, LINE)
    .replaceAll(/"[^"]*"/g, (quoted) => quoted.replaceAll(sign, ' '))
    .split(sign);

function isJson(line: string): boolean {
  if (!/^\s*[[{"]/.test(line)) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** What a path leads to that is no file of data; undefined of a file. */
export function noFileOfData(path: string): string | undefined {
  if (!existsSync(path)) return 'which is not there';
  if (!statSync(path).isDirectory()) return undefined;
  const isRun = ['model.safetensors', 'config.json'].some((name) => existsSync(join(path, name)));
  return isRun ? 'which is a run folder' : 'which is a folder';
}

/** What a task reads, and what it cannot take for it. */
export interface WantedForm {
  /** In words. */
  readonly expected: string;
  /** Whether what the file seems to hold cannot be that. */
  readonly refused: (seeming: Seeming) => boolean;
  /** What to do about such a file. */
  readonly fix: (seeming: Seeming) => string;
}

/**
 * Refuses a file that seems to hold something else. A stream is taken as it comes.
 *
 * @throws {FileError} if it is no file; {FormatError} if it seems to be something else, saying what
 */
export async function checkForm(op: string, { from, settings }: DataSource, wanted: WantedForm): Promise<void> {
  if (typeof from !== 'string') return;
  const { expected, refused, fix } = wanted;
  const odd = noFileOfData(from);
  if (odd !== undefined)
    throw new FileError(
      op,
      { given: `${from}, ${odd}`, expected, fix: 'give the path of the file' },
      odd === 'which is not there' ? 'ENOENT' : 'EISDIR',
    );
  const { encoding } = settings;
  const seeming = await seemingOf(op, from, typeof encoding === 'string' ? { encoding } : {});
  if (seeming === undefined && statSync(from).isFile())
    throw new FormatError(op, {
      given: `${from}, which is empty`,
      expected,
      fix: 'look whether it was written at all',
    });
  if (seeming === undefined || !refused(seeming)) return;
  throw new FormatError(op, { given: `${from}, which seems to be ${seeming.told}`, expected, fix: fix(seeming) });
}
