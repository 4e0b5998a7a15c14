import { streamTextLines } from '../../data/readers/text-lines';
import { isBlank } from '../empty-examples';
import { encodingOf, nameOf } from './table-columns';
import type { DataSource } from './task-entry';

/** A line as somebody typed it. */
export interface TypedLine {
  readonly text: string;
  /** For messages: `standard input, line 3`. */
  readonly where: string;
}

/** Lines that are an input each; blank ones are passed over. */
export async function* typedLines(source: DataSource): AsyncGenerator<TypedLine> {
  let line = 0;
  for await (const text of streamTextLines(source.from, encodingOf(source))) {
    line += 1;
    if (!isBlank(text)) yield { text, where: `${nameOf(source.from)}, line ${line}` };
  }
}
