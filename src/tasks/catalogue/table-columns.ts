import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { streamTable, type TableOptions } from '../../data/readers/csv';
import { FormatError, OptionError } from '../../tensor/errors';
import { nearMiss } from '../../tensor/option-names';
import { describes, flagOf, type OptionDescriptor } from './descriptor';
import { firstLineOf } from './first-line';
import { checkForm, WORDS, type Seeming } from './seeming';
import type { DataSource } from './task-entry';

/** How a table is read, for descriptors of a task's `data`. */
export const tableDescriptors: readonly OptionDescriptor[] = [
  describes(
    'header',
    'flag',
    'true',
    'whether the first line names the columns',
    'the first line is a row like the others',
  ),
  describes('delimiter', 'text', 'comma of .csv, tab of .tsv', 'what divides the fields of a table'),
  describes('encoding', 'encoding', 'utf-8', 'how the characters of a file are written, as windows-1252'),
];

/** A row of a table. */
export interface ChosenRow {
  /** Of the columns that were asked for, in their order; undefined for a column that may be absent, and is. */
  readonly fields: readonly (string | undefined)[];
  /** The line that it begins in, counted from 1. */
  readonly line: number;
}

/** A column to be read. */
export interface WantedColumn {
  /** Its option: `labelColumn`. */
  readonly option: string;
  /** Its name, or its place, 0 for the first. */
  readonly column: string;
  /** Whether the table may do without it. Default false. */
  readonly optional?: boolean;
}

/**
 * Some columns of a table, each by its name or by its place, row by row.
 *
 * @throws {FormatError} if the file is no such table; {OptionError} if it has no such column; {FileError} if it cannot
 *   be read
 */
export async function* columnsOf(
  op: string,
  source: DataSource,
  wanted: readonly WantedColumn[],
): AsyncGenerator<ChosenRow> {
  const { from, settings } = source;
  const names = wanted.filter(({ optional }) => optional !== true).map(({ column }) => column);
  const header = settings['header'] !== false;
  let places: readonly (number | undefined)[] | undefined;
  let rows = 0;
  for await (const { record, line } of streamTable(from, {
    ...(await tableOptions(op, source, names)),
    header: false,
  }).withPlaces()) {
    const isHeader = header && places === undefined;
    if (places === undefined) {
      const fields = Object.values(record);
      if (header) for (const one of wanted) checkOnce(op, { from, fields, line }, one);
      places = wanted.map((one) => placeOf(op, { from, fields, header }, one));
    }
    if (isHeader) continue;
    rows += 1;
    yield { fields: places.map((place) => (place === undefined ? undefined : record[String(place)])), line };
  }
  if (rows > 0) return;
  throw new FormatError(op, {
    given: `${nameOf(from)}, which has a header and no row`,
    expected: 'a row for each example',
    fix: 'look whether it was written to its end; if its first line is an example, pass --no-header',
  });
}

/** Refuses a column whose name another one has, too: which of them is meant cannot be known. */
function checkOnce(
  op: string,
  { from, fields, line }: { from: DataSource['from']; fields: readonly string[]; line: number },
  { option, column }: WantedColumn,
): void {
  const [first, ...others] = fields.flatMap((name, place) => (name === column ? [place] : []));
  if (first === undefined || others.length === 0) return;
  throw new FormatError(op, {
    given: `${others.length + 1} columns named ${JSON.stringify(column)} in ${nameOf(from)}, line ${line}`,
    expected: `one that ${flagOf(option)} can mean`,
    fix: `rename the others, or give the number of the one that is meant: ${flagOf(option)} ${first}`,
  });
}

/**
 * Refuses a file that cannot be read as a table, as nothing says what divides its fields.
 *
 * @param expected  of the file, in words
 * @param ifText    what to do about a plain text, or about words, one a line
 * @throws as `checkForm`
 */
export async function checkTable(op: string, source: DataSource, expected: string, ifText: string): Promise<void> {
  const { from, settings } = source;
  const isDivided = typeof settings['delimiter'] === 'string' || (typeof from === 'string' && isNamedTable(from));
  const fix = ({ form, told, delimiter }: Seeming): string => {
    if (delimiter !== undefined) return `pass --delimiter '${delimiter === '\t' ? '\\t' : delimiter}'`;
    if (form === 'jsonl') return 'pass --format jsonl';
    return form === 'text' || told === WORDS ? ifText : 'give a file of this form, or convert it';
  };
  await checkForm(op, source, { expected, refused: () => !isDivided, fix });
}

/** Whether a file holds a table by its name. */
export const isNamedTable = (path: string): boolean => /\.(?:csv|tsv|tab)(?:\.gz)?$/i.test(path);

/** The encoding among the settings, for readers of lines. */
export const encodingOf = ({ settings: { encoding } }: DataSource): { encoding?: string } =>
  typeof encoding === 'string' ? { encoding } : {};

/** A table of texts. */
export type TextTable = TableOptions<string, 'string', never>;

/**
 * The options of a table among the settings.
 *
 * @param names  of columns that it has, by which the delimiter of a stream is known
 * @throws {FileError} if a stream cannot be read
 */
export async function tableOptions(op: string, source: DataSource, names: readonly string[]): Promise<TextTable> {
  const { delimiter, encoding } = source.settings;
  const given = typeof delimiter === 'string' ? delimiter.replace('\\t', '\t') : undefined;
  return {
    ...(given === undefined ? await presumed(op, source, names) : { delimiter: given }),
    ...(typeof encoding === 'string' && { encoding }),
  };
}

/**
 * A stream has no name that would tell, nor has a pipe with a path: its header does, or else the file of the training.
 * What is pasted out of a table has tabs.
 */
async function presumed(op: string, source: DataSource, names: readonly string[]): Promise<TextTable> {
  const { from, settings, like } = source;
  const ofTraining = like === undefined ? undefined : delimiterOf(like);
  if (typeof from === 'string') {
    const isPipe = !isNamedTable(from) && ofTraining !== undefined && !statSync(from).isFile();
    return isPipe ? { delimiter: ofTraining } : {};
  }
  if (settings['header'] === false) return { delimiter: ofTraining ?? '\t' };
  const header = await firstLineOf(op, from, settings['encoding']);
  return { delimiter: delimiterOfHeader(header, names, ofTraining) ?? ofTraining ?? '\t' };
}

/** What a name of a file says of its delimiter. */
const delimiterOf = (path: string): string | undefined => {
  if (!isNamedTable(path)) return undefined;
  return /\.csv(?:\.gz)?$/i.test(path) ? ',' : '\t';
};

/**
 * What divides a line into fields of which some have these names: then it is a header.
 *
 * @param first  the sign that is tried first
 */
export function delimiterOfHeader(line: string, names: readonly string[], first?: string): string | undefined {
  const signs = [...(first === undefined ? [] : [first]), '\t', ',', ';', '|'];
  return signs.find((sign) => {
    const fields = line.split(sign).map((field) => (sign === '\t' ? field : field.replace(/^"(.*)"$/, '$1')));
    return fields.length > 1 && names.every((name) => fields.includes(name));
  });
}

/** What is read, for messages. */
export const nameOf = (from: string | Readable): string => (typeof from === 'string' ? from : 'standard input');

const NO_HEADER = '; where the first line is an example, pass --no-header';

/** A name of a column, which may be a whole text where the header is none. */
const shortened = (name: string): string => (name.length > 40 ? `${name.slice(0, 40)}…` : name);

/** What seems to divide the fields of a row, where they were divided by something else, as `--delimiter` takes it. */
export function otherDelimiter(fields: readonly string[]): string | undefined {
  const signs = fields.length === 1 ? [';', '\t', '|', ','] : [';', '\t', '|'];
  const sign = signs.find((one) => fields.some((field) => field.includes(one)));
  return sign === '\t' ? '\\t' : sign;
}

/** The first row of a table. */
interface FirstRow {
  readonly from: DataSource['from'];
  /** The names of the columns if it is a header. */
  readonly fields: readonly string[];
  readonly header: boolean;
}

/** Where a column is; undefined for one that is absent and may be. */
function placeOf(op: string, first: FirstRow, wanted: WantedColumn): number | undefined {
  const { fields, header } = first;
  const { column, optional } = wanted;
  const named = header ? fields.indexOf(column) : -1;
  if (named >= 0) return named;
  if (/^\d+$/.test(column) && Number(column) < fields.length) return Number(column);
  if (optional === true) return undefined;
  throw noColumn(op, first, wanted);
}

function noColumn(op: string, { from, fields, header }: FirstRow, { option, column }: WantedColumn): OptionError {
  const near = header ? nearMiss(column, fields) : undefined;
  const other = header || fields.length === 1 ? otherDelimiter(fields) : undefined;
  const by = flagOf(option);
  const more = header ? `, or give its number${NO_HEADER}` : ', by its number';
  const byName = `name the column that is meant by ${by}${more}`;
  const meant = other === undefined ? byName : `pass --delimiter '${other}' if that divides the fields, or ${byName}`;
  return new OptionError(op, {
    given: `the column ${JSON.stringify(column)} (${by}), which ${nameOf(from)} does not have`,
    expected: header
      ? `one of the columns ${fields.slice(0, 20).map(shortened).join(', ')}`
      : `a number from 0 to ${fields.length - 1}, as there is no header`,
    fix: near === undefined ? meant : `pass ${by} ${near}, if that is meant`,
  });
}
