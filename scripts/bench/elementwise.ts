import { listOf, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { elementwiseOps, type ElementwiseOp, type ElementwiseOptions } from './jobs/elementwise';
import { generalGoals, atLeast, compared } from './turns/comparison';
import { compareSides, turnOptions } from './turns/sides';
import type { Row } from './turns/turns';

/**
 * What they are called on: tensors [rows, 1000], and how often until all must be computed: often enough that waking the
 * JavaScript thread then, some 50 µs, is little beside it.
 */
const sizes = [
  { name: '1M', rows: 1000, calls: 16 },
  { name: '10k', rows: 10, calls: 100 },
];
const columns = 1000;
const ops = Object.keys(elementwiseOps) as ElementwiseOp[];
const [own, torch] = ['stmnet', 'PyTorch'] as const;

/** What an element costs. */
export const elementwiseSpeed: Benchmark = {
  summary: 'nanoseconds that an element takes of activations, arithmetic, softmax, norms and sums, beside PyTorch',
  options: {
    ...turnOptions,
    burst: { ...turnOptions.burst, default: '60' },
    ops: { type: 'string', default: ops.join(','), description: 'which' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const rows = sizes.flatMap(({ name, rows: count, calls }) =>
    listOf(values, 'ops', ops).map((op): Row => {
      const options: ElementwiseOptions = { op, rows: count, columns, calls };
      return { name: `${op}, ${name}`, group: name, job: 'elementwise', options };
    }),
  );
  const wanted = [
    { name: own, program: 'stmnet' },
    { name: torch, program: 'PyTorch' },
  ] as const;
  const { results, versions } = await compareSides(values, wanted, rows);
  const { table, ...figures } = compared(results, {
    title: 'nanoseconds an element',
    sides: [own, torch],
    pairs: [[torch, own]],
    unit: {
      name: 'ns',
      of: ({ row }) => {
        const { rows: count, calls } = row.options as ElementwiseOptions;
        return 1e6 / (count * columns * calls);
      },
    },
  });
  const goals = figures.rows
    .filter(({ group }) => group === '1M')
    .flatMap(({ row, ratios }) => atLeast(`${row}: PyTorch / ours`, ratios[`${torch} / ${own}`], 1));
  return { tables: [table], figures, goals: [...generalGoals(figures.rows), ...goals], versions };
}
