import { streamTable } from '../../data/readers/csv';
import { streamJsonLines } from '../../data/readers/jsonl';
import { FormatError, OptionError } from '../../tensor/errors';
import { describe, isPlainObject } from '../../tensor/options';
import { placed } from '../example-place';
import { describes, type OptionDescriptor } from './descriptor';
import { isJsonLines } from './json-lines';
import { checkTable, encodingOf, nameOf, otherDelimiter, tableDescriptors, tableOptions } from './table-columns';
import type { DataSource } from './task-entry';

// Rows of somebody or something at moments, as tables and JSON Lines: what the tasks over time learn from.

/** What is said of such files. */
export const datedTableDescriptors: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'table', 'jsonl'], 'auto', 'what a file is; auto goes by its name'),
  ...tableDescriptors,
];

/** A setting that is a text, or what stands for it. */
export const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

/** What the rows of a task are. */
export interface DatedTable {
  /** The columns that a table has to have. */
  readonly columns: readonly string[];
  /** What a row is: `event`. */
  readonly each: string;
  /** How a table looks, for messages. */
  readonly form: string;
  /** What the columns say, with their names: `who and when (--key customer, --time date)`. */
  readonly says: string;
  /** What to do if some of them are not there: there are others. */
  naming(absent: readonly string[], names: readonly string[]): string;
}

/**
 * The rows of a file, with their places in it.
 *
 * @throws {FormatError} naming file and line, if a line is no object
 * @throws {OptionError} if a table lacks one of the columns
 */
export async function readDatedTable<Row extends object>(
  op: string,
  source: DataSource,
  table: DatedTable,
): Promise<Row[]> {
  const { from, settings } = source;
  const rows: Row[] = [];
  if (settings['format'] === 'jsonl' || (settings['format'] !== 'table' && isJsonLines(source))) {
    for await (const { record, file, line } of streamJsonLines<unknown>(from, encodingOf(source)).withPlaces()) {
      if (!isPlainObject(record))
        throw new FormatError(op, {
          given: `${describe(record)} in ${nameOf(from)}, line ${line}`,
          expected: `an object for each ${table.each}`,
          fix: 'mend the line, or leave it out',
        });
      rows.push(placed(record as Row, { file, line }));
    }
    return rows;
  }
  const advice = `write each ${table.each} in a row, with a comma or a tab between its fields`;
  await checkTable(op, source, `${table.form}, or JSON Lines (.jsonl)`, advice);
  const options = { ...(await tableOptions(op, source, table.columns)), header: settings['header'] !== false };
  for await (const { record, file, line } of streamTable(from, options).withPlaces()) {
    if (rows.length === 0) checkColumns(op, source, Object.keys(record), table);
    rows.push(placed(record as Row, { file, line }));
  }
  return rows;
}

/** A table without these columns is another one, or has them under other names. */
function checkColumns(op: string, { from }: DataSource, names: readonly string[], table: DatedTable): void {
  const absent = table.columns.filter((name) => !names.includes(name));
  if (absent.length === 0) return;
  const other = names.length === 1 ? otherDelimiter(names) : undefined;
  const naming = table.naming(absent, names);
  throw new OptionError(op, {
    given: `${nameOf(from)} without ${absent.length > 1 ? 'columns' : 'a column'} ${absent.join(' and ')}`,
    expected: `columns that say ${table.says} among ${names.slice(0, 20).join(', ')}`,
    fix: other === undefined ? naming : `pass --delimiter '${other}' if that divides the fields, or ${naming}`,
  });
}
