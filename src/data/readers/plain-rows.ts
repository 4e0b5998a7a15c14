import type { TextBlock } from '../../files/lines';
import type { RecordBatch } from './file-records';

/** The rows of a block in which quotes mean nothing; a line without a character is none. */
export function plainRows({ text, first }: TextBlock, delimiter: string): RecordBatch<string[]> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const rows = (of: readonly string[]): string[][] => of.map((line) => line.split(delimiter));
  if (!lines.includes('')) return { records: rows(lines), lineOf: (index) => first + index };
  const kept = lines.flatMap((line, index) => (line === '' ? [] : [index]));
  return { records: rows(lines.filter((line) => line !== '')), lineOf: (index) => first + (kept[index] ?? 0) };
}
