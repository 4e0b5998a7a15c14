import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { cellVariants as variants, type CellOptions } from './jobs/cell';
import { generalGoals, compared, msOf } from './turns/comparison';
import { compareSides, turnOptions, type Wanted } from './turns/sides';
import type { Row, RowResult } from './turns/turns';

/** How many times the plain cell's time a variant may take. */
const limit = 2;

const wanted: readonly Wanted[] = [
  { name: 'stmnet', program: 'stmnet' },
  { name: 'PyTorch', program: 'PyTorch' },
];

/** A train step of each variant, beside the plain cell, and beside the same written step by step in PyTorch. */
export const cellVariants: Benchmark = {
  summary: `a train step of each variant of LSTM and GRU, at most ${limit} times that of the plain cell`,
  options: {
    ...turnOptions,
    batch: { type: 'string', default: '32', description: 'N' },
    steps: { type: 'string', default: '50', description: 'T' },
    features: { type: 'string', default: '256', description: 'D' },
    hidden: { type: 'string', default: '256', description: 'H' },
  },
  run: measure,
};

const shown = (ratio: number): string => (Number.isNaN(ratio) ? '' : ratio.toFixed(2));

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const sizes = ['batch', 'steps', 'features', 'hidden'].map((name) => wholeNumber(values, name));
  const [batch = 1, steps = 1, features = 1, hidden = 1] = sizes;
  const rows = Object.keys(variants).map((variant): Row => {
    const options: CellOptions = { variant, rows: batch, steps, features, hidden };
    const row = { name: variant, group: variant.split(' ')[0] ?? '', job: 'cell', options };
    return variant.includes('weightDrop') ? { ...row, sides: ['stmnet'] } : row;
  });
  const { results, versions } = await compareSides(values, wanted, rows);
  const plainOf = ({ row }: RowResult): number => {
    const plain = results.find((other) => other.row.name === row.group);
    return plain === undefined ? Number.NaN : msOf(plain, 'stmnet');
  };
  const toPlain = (result: RowResult): number => msOf(result, 'stmnet') / plainOf(result);
  const { table, ...figures } = compared(results, {
    title: `N, T, D, H: ${sizes.join(', ')}`,
    sides: ['stmnet', 'PyTorch'],
    pairs: [['PyTorch', 'stmnet']],
    columns: [{ name: 'to the plain cell', of: (result) => shown(toPlain(result)) }],
  });
  const slow = results.filter((result) => toPlain(result) > limit);
  return {
    tables: [table],
    figures: { sizes, ...figures },
    goals: [
      ...generalGoals(figures.rows),
      {
        text: `each variant takes at most ${limit} times the plain cell's time`,
        got: slow.map((result) => `${result.row.name} ${toPlain(result).toFixed(2)}`).join(', ') || 'all do',
        held: slow.length === 0,
      },
    ],
    versions,
  };
}
