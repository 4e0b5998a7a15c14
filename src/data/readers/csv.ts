import { fileSource, type FileSource, type ByteStream } from '../../files/file-source';
import { lineReaders, type LineOptions } from '../../files/lines';
import { OptionError } from '../../tensor/errors';
import { nearMiss } from '../../tensor/option-names';
import { checkPlain, describe, flag, nonNegativeInteger, oneOf } from '../../tensor/options';
import { optional, readOptions, withDefault } from '../../tensor/read-options';
import { columnNames, texts } from './column-names';
import { delimiterText } from './delimiter';
import { emptyFile } from './empty-file';
import { inQuotes, names } from './excerpt';
import { fileRecords, recordsOfEach, type FileRecords, type RecordBatch } from './file-records';
import { columnsOf, type ColumnOptions, type Columns, type ColumnType, type TableCell } from './table-columns';
import { tableRows, type RowOptions } from './table-rows';

/** What columns mean: one type for all, or types by name. */
export type ColumnTypes = ColumnType | Readonly<Record<string, ColumnType>>;

/** How a table of a file is read. */
export interface TableOptions<
  Column extends string = string,
  Types extends ColumnTypes = ColumnTypes,
  Missing extends string = string,
> extends LineOptions {
  /** What divides fields. Default: a comma for `.csv`, a tab for `.tsv` and `.tab`, also with `.gz` behind. */
  delimiter?: string | undefined;
  /** Whether the first line names the columns. Default true. */
  header?: boolean | undefined;
  /**
   * With a header the columns to read, all by default. Without one the names of all columns in their order, `'0'`,
   * `'1'`, … by default.
   */
  columns?: readonly Column[] | undefined;
  /**
   * `'"'`: a field between quotes may hold delimiters, ends of lines and quotes, doubled. `false`: quotes are
   * characters like others. Default: false where the delimiter is a tab, because such files quote nothing as a rule
   * and hold quotes as they were written (IANA's text/tab-separated-values); else `'"'`.
   */
  quote?: '"' | false | undefined;
  /** What columns hold: `{ age: 'number' }`, or one type for all. Default `'string'`. */
  types?: Types | undefined;
  /** Fields that stand for a value that is not known, such as `['NA', '']`; they become null. Default none. */
  missing?: readonly Missing[] | undefined;
  /** How many lines are before the table. Default 0. */
  skipLines?: number | undefined;
}

/** A field of a column of a type; null where there are texts for missing values. */
export type TableField<Type, Missing> =
  (Type extends 'number' | 'integer' ? number : string) | ([Missing] extends [never] ? never : null);

/** A row of a table: its fields by the names of their columns, of the types that were asked for. */
export type TableRow<Column extends string, Types, Missing> = string extends Column
  ? Types extends ColumnType
    ? Record<string, TableField<Types, Missing>>
    : Record<string, TableField<'string' | Types[keyof Types], Missing>> & {
        [Name in keyof Types]: TableField<Types[Name], Missing>;
      }
  : {
      [Name in Column]: TableField<
        Types extends ColumnType ? Types : Name extends keyof Types ? Types[Name] : 'string',
        Missing
      >;
    };

/** A row of a table whose type comes from the options alone, and not from where rows go. */
export type RowOf<Column extends string, Types, Missing> = TableRow<
  [Column][Column extends unknown ? 0 : never],
  [Types][Types extends unknown ? 0 : never],
  [Missing][Missing extends unknown ? 0 : never]
>;

/**
 * The rows of a CSV or TSV file as records, `{ label, text }`; what gzip packed is unpacked. For a file that is larger
 * than memory there is `streamTable`.
 *
 *     const rows = await readTable('spam.tsv', { header: false, columns: ['label', 'text'] });
 *     const hours = await readTable('pollution.csv.gz', { types: { 'pm2.5': 'number' }, missing: ['NA'] });
 *
 * Lines without a character are skipped; ends of lines within quotes are LF in the record.
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @returns one record a row, in the order of the file
 * @throws {FormatError} with file, line and column, if a row has more or fewer fields than others, a quote is not
 *   closed, a number is none, a column is not there, or the text is not in the encoding; if the file is empty, or has
 *   no LF, and CR elsewhere than within quotes
 * @throws {FileError} if the file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readTable<
  Column extends string = string,
  Types extends ColumnTypes = Record<never, ColumnType>,
  Missing extends string = never,
>(path: string | ByteStream, options?: TableOptions<Column, Types, Missing>): Promise<RowOf<Column, Types, Missing>[]>;
export async function readTable(
  path: string | ByteStream,
  options: TableOptions = {},
): Promise<Record<string, TableCell>[]> {
  return tableOf('readTable', path, options).all();
}

/**
 * The rows of a CSV or TSV file, one after another, in constant memory. Takes what `readTable` takes; each walk reads
 * the file anew.
 *
 *     for await (const { label, text } of streamTable('spam.tsv', { header: false, columns: ['label', 'text'] })) …
 *
 * @param path     the file; or a stream of its bytes, such as `process.stdin`, which is read once
 * @param options  how it is read
 * @throws what `readTable` throws; mistakes of options at the call, those of the file during the walk
 */
export function streamTable<
  Column extends string = string,
  Types extends ColumnTypes = Record<never, ColumnType>,
  Missing extends string = never,
>(
  path: string | ByteStream,
  options?: TableOptions<Column, Types, Missing>,
): FileRecords<RowOf<Column, Types, Missing>>;
export function streamTable(
  path: string | ByteStream,
  options: TableOptions = {},
): FileRecords<Record<string, TableCell>> {
  return tableOf('streamTable', path, options);
}

/** The options with their defaults. */
type TableSettings = ColumnOptions & RowOptions;

/** The same, but for those that depend on the path. */
interface GivenSettings extends Omit<TableSettings, 'delimiter' | 'quote'> {
  delimiter: string | undefined;
  quote: '"' | false | undefined;
}

function tableOf(op: string, path: string | ByteStream, given: TableOptions): FileRecords<Record<string, TableCell>> {
  const source = fileSource(op, path, `${op}(path, options)`);
  const {
    delimiter = delimiterOf(source),
    quote,
    ...options
  } = readOptions<TableOptions, GivenSettings>(op, given, {
    ...lineReaders,
    delimiter: optional(delimiterText),
    header: withDefault(flag, true),
    columns: optional(columnNames),
    quote: optional(quoteSign),
    types: withDefault(columnTypes, 'string'),
    missing: withDefault(texts, []),
    skipLines: withDefault(nonNegativeInteger, 0),
  });
  checkTypes(op, options.types, options.columns);
  const read = { ...options, delimiter, quote: quote ?? (delimiter === '\t' ? false : '"') };
  return fileRecords(source.path, () => recordsOf(source, read));
}

async function* recordsOf(
  source: FileSource,
  options: TableSettings,
): AsyncGenerator<RecordBatch<Record<string, TableCell>>> {
  let columns: Columns | undefined;
  for await (const { records: rows, lineOf } of tableRows(source, options)) {
    const [first] = rows;
    if (first === undefined) continue;
    const isHeader = columns === undefined && options.header;
    columns ??= columnsOf(source, first, lineOf(0), options);
    const { record } = columns;
    const begin = isHeader ? 1 : 0;
    yield* recordsOfEach(rows.slice(begin), (index) => lineOf(index + begin), record);
  }
  if (columns === undefined) throw emptyFile(source, options.header ? 'a line with the names of columns' : 'rows');
}

const extensions: Readonly<Record<string, string>> = { csv: ',', tsv: '\t', tab: '\t' };

function delimiterOf({ op, path }: FileSource): string {
  const extension = /\.([^./\\]*)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  const delimiter = Object.hasOwn(extensions, extension) ? extensions[extension] : undefined;
  if (delimiter !== undefined) return delimiter;
  throw new OptionError(op, {
    given: `${path} without a delimiter`,
    expected: 'a file named .csv, .tsv or .tab, or the option delimiter',
    fix: "pass delimiter: ',', or what divides the fields",
  });
}

function quoteSign(op: string, name: string, value: unknown): '"' | false {
  if (value === '"' || value === false) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `'"' or false`,
    fix: 'pass false where quotes are characters like others',
  });
}

/** A type of a column that is not read would be without effect. */
function checkTypes(op: string, types: ColumnTypes, columns: readonly string[] | undefined): void {
  if (typeof types === 'string' || columns === undefined) return;
  const other = Object.keys(types).find((name) => !columns.includes(name));
  if (other === undefined) return;
  const near = nearMiss(other, columns);
  throw new OptionError(op, {
    given: `types of a column ${inQuotes(other)}`,
    expected: `types of columns that are read: ${names(columns)}`,
    fix: near === undefined ? 'add it to columns, or leave it out' : `write ${inQuotes(near)}, if that is meant`,
  });
}

const columnTypeNames: readonly ColumnType[] = ['string', 'number', 'integer'];

function columnTypes(op: string, name: string, value: unknown): ColumnTypes {
  if (typeof value === 'string') return oneOf(op, name, value, columnTypeNames);
  checkPlain(op, value, ['age'], "types: { age: 'number' }");
  for (const [column, type] of Object.entries(value)) oneOf(op, `${name}.${column}`, type, columnTypeNames);
  return value as Readonly<Record<string, ColumnType>>;
}
