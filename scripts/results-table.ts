import { median } from './bench/statistics';

/** What a figure must reach, and what PyTorch reaches with a model of the same kind. */
export type Goal = ({ readonly least: number } | { readonly most: number }) & { readonly peer?: number };

/** A figure of an example, with a value for each run. */
export interface Result {
  readonly name: string;
  readonly figure: string;
  readonly goal: Goal;
  /** Their seeds or splits. */
  readonly runs: readonly string[];
  readonly reached: readonly number[];
  /** Of a run, in the median. */
  readonly seconds: number;
  readonly processor: string;
}

/** A row of the table of docs/results.md. */
export function resultRow({ name, figure, goal, runs, reached, seconds, processor }: Result): string {
  const wanted = 'least' in goal ? `≥ ${goal.least}` : `≤ ${goal.most}`;
  const each = reached.map((value, run) => `${runs[run] ?? ''}: ${value.toFixed(4)}`).join(', ');
  const cells = [
    name,
    figure,
    median(reached).toFixed(4),
    wanted,
    goal.peer ?? '',
    each,
    seconds.toFixed(0),
    processor,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The page with these rows in the place of those of the same example and figure, or behind the others. */
export function withRows(page: string, rows: readonly string[]): string {
  const lines = page.trimEnd().split('\n');
  for (const row of rows) {
    const key = keyOf(row);
    const at = lines.findIndex((line) => keyOf(line) === key);
    if (at >= 0) lines[at] = row;
    else lines.splice(lines.findLastIndex((line) => line.startsWith('|')) + 1, 0, row);
  }
  return `${lines.join('\n')}\n`;
}

/** What tells rows apart: example and figure. */
const keyOf = (row: string): string => row.split('|').slice(1, 3).join('|');
