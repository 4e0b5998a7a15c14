import type { FileSource } from '../../files/file-source';
import { readTextBlocks, refuseCarriageReturns, type LineOptions, type TextBlock } from '../../files/lines';
import type { RecordBatch } from './file-records';
import { plainRows } from './plain-rows';
import { quotedRows } from './quoted-rows';

/** How the rows of a file are found. */
export interface RowOptions {
  readonly encoding: string | undefined;
  readonly delimiter: string;
  readonly quote: '"' | false;
  /** Lines before the table. */
  readonly skipLines: number;
  readonly maxLineBytes: number;
}

/** The rows of a table as fields of text; a line without a character is none. */
export async function* tableRows(source: FileSource, options: RowOptions): AsyncGenerator<RecordBatch<string[]>> {
  const { delimiter, quote, encoding, maxLineBytes } = options;
  const blocks = unixBlocks(source, { encoding, maxLineBytes }, options);
  if (quote === false) {
    for await (const block of blocks) yield plainRows(block, delimiter);
  } else {
    yield* quotedRows(source, blocks, { delimiter, quote, longest: maxLineBytes });
  }
}

/** Whole lines that end with LF, but for those before the table. */
async function* unixBlocks(
  source: FileSource,
  options: LineOptions,
  { skipLines, quote }: Pick<RowOptions, 'skipLines' | 'quote'>,
): AsyncGenerator<TextBlock> {
  for await (const block of readTextBlocks(source, options)) {
    refuseCarriageReturns(source, block, quote === false ? undefined : quote);
    const { text, first } = block.first > skipLines ? block : behindLine(block, skipLines);
    if (text !== '') yield { text: text.includes('\r') ? text.replaceAll('\r\n', '\n') : text, first };
  }
}

/** What follows a line of a block, or nothing. */
function behindLine({ text, first }: TextBlock, last: number): TextBlock {
  let [line, at] = [first, 0];
  for (; line <= last && at < text.length; line++) at = text.indexOf('\n', at) + 1 || text.length;
  return { text: text.slice(at), first: line };
}
