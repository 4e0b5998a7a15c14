import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import type { StreamOptions } from './jobs/stream-case';
import { generalGoals, atLeast, compared } from './turns/comparison';
import { compareSides, turnOptions, type Wanted } from './turns/sides';

const peers = [1, 2].map((threads): Wanted => ({
  name: `onnxruntime-node, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
  program: 'onnxruntime-node',
  threads,
}));

/** One step of one sequence through two layers, read back: what a server does for each frame. */
export const streaming: Benchmark = {
  summary: 'a step of model.createStream(), read back, beside onnxruntime-node, whose results must be equal',
  options: {
    ...turnOptions,
    size: { type: 'string', default: '512', description: 'I and H of two layers' },
    pauses: { type: 'string', default: '0,1', description: 'milliseconds between a step and the next, a row each' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const size = wholeNumber(values, 'size');
  const pauses = (values['pauses'] ?? '').split(',').map((pause) => wholeNumber({ pauses: pause }, 'pauses', 0));
  const rows = pauses.map((pause) => {
    const options: StreamOptions = { size, pause };
    const name = pause === 0 ? 'one step after the other' : `with ${pause} ms between`;
    return { name, group: 'stream', job: 'stream', options, tolerance: 1e-4 };
  });
  const { results, versions } = await compareSides(values, [{ name: 'stmnet', program: 'stmnet' }, ...peers], rows);
  const names = peers.map(({ name }) => name);
  const { table, ...figures } = compared(results, {
    title: `two layers of ${size}`,
    sides: ['stmnet', ...names],
    pairs: names.map((name) => [name, 'stmnet'] as const),
    means: false,
  });
  const goals = figures.rows.flatMap(({ row, ratios }) =>
    names.flatMap((name) => atLeast(`${row}: ${name} / ours`, ratios[`${name} / stmnet`], 1)),
  );
  return { tables: [table], figures, goals: [...generalGoals(figures.rows), ...goals], versions };
}
