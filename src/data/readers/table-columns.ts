import { alone } from '../../files/alone';
import type { FileSource } from '../../files/file-source';
import { lineError } from '../../files/lines';
import { FormatError } from '../../tensor/errors';
import { nearMiss } from '../../tensor/option-names';
import { inQuotes, names } from './excerpt';
import { counted } from '../../tensor/counted';

/** What the text of a column means; `integer` is a whole number that a `number` holds exactly. */
export type ColumnType = 'string' | 'number' | 'integer';

/** A field as a record holds it; null is a missing value. */
export type TableCell = string | number | null;

/** What makes records of rows. */
export interface Columns {
  /** Fields of each row. */
  readonly width: number;
  /**
   * @param row   its fields
   * @param line  that it begins in
   * @throws {FormatError} if a row has more or fewer fields, or one is not what its type says
   */
  readonly record: (row: readonly string[], line: number) => Record<string, TableCell>;
}

/** What is known of the columns before the file is read. */
export interface ColumnOptions {
  readonly header: boolean;
  readonly columns: readonly string[] | undefined;
  readonly types: ColumnType | Readonly<Record<string, ColumnType>>;
  readonly missing: readonly string[];
  readonly delimiter: string;
  readonly quote: '"' | false;
}

/**
 * The columns of a table, of which the first row is known.
 *
 * @throws {FormatError} if a column that is asked for is not there, two have one name, or the row has another number of
 *   fields than names were given
 */
export function columnsOf(source: FileSource, first: readonly string[], line: number, options: ColumnOptions): Columns {
  const { header, columns, types, missing } = options;
  const all = header ? headerNames(source, first, line) : (columns ?? first.map((_, index) => String(index)));
  if (!header && columns !== undefined && first.length !== columns.length)
    throw ragged(source, first, line, { names: columns, options });
  const wanted = header ? (columns ?? all) : all;
  const places = wanted.map((name) => placeOf(source, all, name, line, options));
  if (typeof types !== 'string') for (const name of Object.keys(types)) placeOf(source, all, name, line, options);
  const typeOf = (name: string): ColumnType =>
    typeof types === 'string' ? types : ((Object.hasOwn(types, name) ? types[name] : undefined) ?? 'string');
  const fields = wanted.map((name, index) => ({ name, at: places[index] ?? 0, type: typeOf(name) }));
  const absent = new Set(missing);
  const otherIn = (text: string): string | undefined =>
    all.length === 1 ? otherDelimiter(text, options.delimiter) : undefined;
  const few = fields.length < all.length; // which must not keep the others in memory
  return {
    width: all.length,
    record(row, at) {
      if (row.length !== all.length) throw ragged(source, row, at, { names: all, options });
      const record: Record<string, TableCell> = {};
      for (const { name, at: place, type } of fields) {
        const text = row[place] ?? '';
        if (absent.has(text)) record[name] = null;
        else if (type !== 'string') record[name] = numberIn(source, at, { name, type, text, otherIn });
        else record[name] = few ? alone(text) : text;
      }
      return record;
    },
  };
}

function headerNames(source: FileSource, first: readonly string[], line: number): readonly string[] {
  const twice = first.find((name, index) => first.indexOf(name) !== index);
  const bad = twice ?? first.find((name) => name === '__proto__');
  if (bad === undefined) return first;
  throw lineError(source, line, {
    given: twice === undefined ? 'a column named "__proto__"' : `two columns named ${inQuotes(twice)}`,
    expected: 'a header with a name of its own for each column',
    fix: `rename one, or pass header: false, skipLines: ${line} and columns with the names`,
  });
}

function placeOf(
  source: FileSource,
  all: readonly string[],
  name: string,
  line: number,
  { delimiter, header }: ColumnOptions,
): number {
  const place = all.indexOf(name);
  if (place >= 0) return place;
  const near = nearMiss(name, all);
  const other = all.length === 1 ? otherDelimiter(all[0], delimiter) : undefined;
  const there = header
    ? `ask for columns that are there, or pass header: false where line ${line} is a row`
    : 'ask for these';
  const meant = near === undefined ? there : `write ${inQuotes(near)}, if that is meant`;
  throw new FormatError(source.op, {
    given: `a column ${inQuotes(name)}, which ${source.path} does not have`,
    expected: header ? `one that line ${line} names: ${names(all)}` : `one of ${names(all)}`,
    fix: other === undefined ? meant : `pass delimiter: ${inQuotes(other)}, which the only name has inside`,
  });
}

/** What divides the fields of a row that the delimiter does not divide, as it seems. */
const otherDelimiter = (text: string | undefined, delimiter: string): string | undefined =>
  [';', '\t', '|', ','].find((sign) => !delimiter.includes(sign) && text?.includes(sign));

function ragged(
  source: FileSource,
  row: readonly string[],
  line: number,
  { names: all, options }: { names: readonly string[]; options: ColumnOptions },
): FormatError {
  const { delimiter, quote } = options;
  const sign = delimiter === '\t' ? 'tab' : inQuotes(delimiter);
  const quoted = row.some((field) => field.startsWith('"'));
  return lineError(source, line, {
    given: counted(row.length, 'field'),
    expected:
      options.header || options.columns !== undefined ? `${all.length}: ${names(all)}` : `${all.length}, as before`,
    fix: fixOf(),
  });

  function fixOf(): string {
    const narrow = [row, all].find(({ length }) => length === 1);
    const other = otherDelimiter(narrow?.[0], delimiter);
    if (other !== undefined) return `pass delimiter: ${inQuotes(other)}, which seems to divide the fields`;
    if (quote === false && quoted) return `pass quote: '"' if quotes go around fields, or mend the line`;
    if (row.length > all.length && quote !== false) return `put quotes around a field with a ${sign} in it`;
    if (row.length > all.length) return `take the ${sign} out of the field that has one in it`;
    return `mend the line, or pass the delimiter it has; here it is ${sign}`;
  }
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A field that is to be a number; `otherIn` says what seems to divide a text that is none. */
interface NumberField {
  readonly name: string;
  readonly type: 'number' | 'integer';
  readonly text: string;
  readonly otherIn: (text: string) => string | undefined;
}

function numberIn(source: FileSource, line: number, { name, type, text, otherIn }: NumberField): number {
  const trimmed = text.trim();
  const value = decimal.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)) return value;
  const expected =
    type === 'integer' ? 'a whole number of at most 2^53 - 1' : 'a finite number in decimal notation, as 12 or -3.5e4';
  throw lineError(
    source,
    line,
    {
      given: text === '' ? 'an empty field' : inQuotes(text),
      expected,
      fix: adviceOn(text, otherIn(text)),
    },
    name,
  );
}

/** How to read a number with commas, if it is one; 1,234 may be more than a thousand, or less than two. */
function adviceOnCommas(text: string): string | undefined {
  const [points, nothing] = ["Number(text.replace(',', '.'))", "Number(text.replaceAll(',', ''))"];
  const decimals = /^[+-]?\d+,\d+$/.test(text);
  const thousands = /^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$/.test(text);
  if (decimals && thousands)
    return (
      `leave types out for this column, and read its commas as what they are: decimal ones as points, ${points}, ` +
      `those between thousands as nothing, ${nothing}`
    );
  if (decimals) return `leave types out for this column, and write its decimal commas as points: ${points}`;
  if (thousands) return `leave types out for this column, and take out the commas between thousands: ${nothing}`;
  return undefined;
}

function adviceOn(text: string, other: string | undefined): string {
  if (other !== undefined) return `pass delimiter: ${inQuotes(other)}, which seems to divide the fields`;
  const byCommas = adviceOnCommas(text.trim());
  if (byCommas !== undefined) return byCommas;
  return `mend it, pass missing: [${inQuotes(text)}] if it stands for a value that is not known, or leave types out`;
}
