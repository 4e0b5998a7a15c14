import type { parse as Parse, ParseError } from 'papaparse';
import type { FileSource } from '../../files/file-source';
import { lineError, type TextBlock } from '../../files/lines';
import type { RecordBatch } from './file-records';
import { plainRows } from './plain-rows';

/** How fields are divided and quoted. */
interface Quoting {
  readonly delimiter: string;
  readonly quote: string;
  /** Characters of the longest record, so that a quote that is not closed does not fill the memory. */
  readonly longest: number;
}

/**
 * The rows of a table whose fields may be quoted (RFC 4180): delimiters, ends of lines and doubled quotes may stand
 * between quotes. A quote elsewhere than at the beginning of a field is a character like others, and a line without a
 * character is no row.
 *
 * @param blocks  whole lines that end with LF
 * @throws {FormatError} if a quote is not closed, or text follows one that closes
 */
export async function* quotedRows(
  source: FileSource,
  blocks: AsyncIterable<TextBlock>,
  quoting: Quoting,
): AsyncGenerator<RecordBatch<string[]>> {
  let [first, parts, length] = [1, [] as string[], 0];
  let enough = 0; // what is open grows twofold before it is looked at again, so that long fields cost no square
  const parsed = async (): Promise<ParsedRows> => {
    const { default: papa } = await import('papaparse'); // at the first quote, so that require('stmnet') stays quick
    return rowsOf(papa.parse, { text: parts.join(''), first }, quoting);
  };
  for await (const block of blocks) {
    if (length === 0 && !block.text.includes(quoting.quote)) {
      yield plainRows(block, quoting.delimiter);
      continue;
    }
    if (length === 0) first = block.first;
    parts.push(block.text);
    length += block.text.length;
    if (length < enough) continue;
    const { rows, lines, rest, open, stray } = await parsed();
    if (rows.length > 0) yield { records: rows, lineOf: (index) => lines[index] ?? 0 };
    if (stray !== undefined) throw strayQuote(source, stray, quoting.quote);
    if (open !== undefined && rest.text.length > quoting.longest) throw unclosed(source, open, quoting.longest);
    [first, parts, length] = [rest.first, [rest.text], rest.text.length];
    enough = Math.min(2 * length, quoting.longest);
  }
  if (length === 0) return;
  const { rows, lines, open, stray } = await parsed();
  if (rows.length > 0) yield { records: rows, lineOf: (index) => lines[index] ?? 0 };
  if (stray !== undefined) throw strayQuote(source, stray, quoting.quote);
  if (open !== undefined) throw unclosed(source, open);
}

interface ParsedRows {
  readonly rows: readonly string[][];
  /** The line that each row begins in. */
  readonly lines: readonly number[];
  /** What follows the last whole row. */
  readonly rest: TextBlock;
  /** Where a quote stands that is not closed, if there is one. */
  readonly open: Place | undefined;
  /** Where a quote stands that closes too early, if there is one: the rows are those before it. */
  readonly stray: Place | undefined;
}

/** The whole rows of a block; what a quote leaves open at its end is none. */
function rowsOf(parse: typeof Parse, block: TextBlock, { delimiter, quote }: Quoting): ParsedRows {
  const { text, first } = block;
  const rows: string[][] = [];
  const lines: number[] = [];
  let [end, next] = [0, first];
  let [open, stray]: (Place | undefined)[] = [];
  parse(text, {
    delimiter,
    quoteChar: quote,
    newline: '\n',
    step({ data, errors, meta }) {
      if (stray !== undefined) return;
      const error = errors[0];
      if (error?.code === 'InvalidQuotes') {
        stray = placeOf(block, error);
        return;
      }
      if (error !== undefined) {
        open = placeOf(block, error);
        return;
      }
      // A line without a character, or what is behind the last end of one; "" is an empty field.
      const isEmpty = data.length === 1 && data[0] === '' && meta.cursor - end <= 1;
      end = meta.cursor;
      if (!isEmpty) {
        rows.push(data);
        lines.push(next);
      }
      next += 1 + endsIn(data);
    },
  });
  return { rows, lines, rest: { text: text.slice(end), first: next }, open, stray };
}

/** How many ends of lines the fields hold. */
function endsIn(fields: readonly string[]): number {
  let ends = 0;
  for (const field of fields) for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) ends++;
  return ends;
}

/** A line and a column, counted from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the quote stands that an error is about; the parser's index is the place behind it. */
function placeOf({ text, first }: TextBlock, { index }: ParseError): Place {
  const before = text.slice(0, index - 1);
  return { line: first + endsIn([before]), column: before.length - before.lastIndexOf('\n') };
}

function strayQuote(source: FileSource, { line, column }: Place, quote: string): Error {
  const parts = {
    given: 'a quoted field whose closing quote has text behind it',
    expected: 'a delimiter or the end of the line there',
    fix: `double the quotes within a field, as in ${quote}${quote}, or pass quote: false if quotes are text`,
  };
  return lineError(source, line, parts, column);
}

function unclosed(source: FileSource, { line, column }: Place, longest?: number): Error {
  const within = longest === undefined ? '' : ` within ${longest} characters`;
  const parts = {
    given: `a quote that is not closed${within}`,
    expected: 'a closing quote for each opening one',
    fix: 'close it, or pass quote: false if quotes are text',
  };
  return lineError(source, line, parts, column);
}
