import type { TextBlock } from '../../files/lines';
import type { RecordBatch } from './file-records';

/** The rows of a block in which quotes mean nothing. */
export function plainRows({ text, first }: TextBlock, delimiter: string): RecordBatch<string[]> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { records: lines.map((line) => line.split(delimiter)), lineOf: (index) => first + index };
}
