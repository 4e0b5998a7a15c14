import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import type { StreamOptions } from './jobs/stream-case';
import { generalGoals, compared, msOf } from './turns/comparison';
import { compareSides, turnOptions } from './turns/sides';

/** A step of one sequence through two layers with weights of 8 bits, beside the same layers in f32. */
export const quantized: Benchmark = {
  summary: 'a step of model.createStream(), read back, with weights of 8 bits and in f32',
  options: {
    ...turnOptions,
    sizes: { type: 'string', default: '128,256,512,1024', description: 'I and H of two layers, two rows each' },
  },
  run: measure,
};

const kinds = ['f32', '8 bits'] as const;

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const sizes = (values['sizes'] ?? '').split(',').map((size) => wholeNumber({ sizes: size }, 'sizes'));
  const rows = sizes.flatMap((size) =>
    kinds.map((kind) => {
      const options: StreamOptions = { size, pause: 0, quantized: kind !== 'f32' };
      return { name: `${size}, ${kind}`, group: String(size), job: 'stream', options };
    }),
  );
  const { results, versions } = await compareSides(values, [{ name: 'stmnet', program: 'stmnet' }], rows);
  const speedup = (group: string | undefined): string => {
    const [whole, small] = results.filter(({ row }) => row.group === group).map((result) => msOf(result, 'stmnet'));
    return whole === undefined || small === undefined ? '' : (whole / small).toFixed(2);
  };
  const { table, ...figures } = compared(results, {
    title: 'a step of two layers',
    sides: ['stmnet'],
    pairs: [],
    columns: [{ name: 'f32 / 8 bits', of: ({ row }) => (row.name.endsWith('f32') ? '' : speedup(row.group)) }],
    means: false,
  });
  return { tables: [table], figures, goals: generalGoals(figures.rows), versions };
}
