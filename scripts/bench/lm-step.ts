import { wholeNumber, type Benchmark, type BenchmarkValues, type Goal, type Outcome } from './benchmark';
import { drawWord, randomFrom } from './jobs/drawn';
import type { LanguageOptions } from './jobs/language';
import { generalGoals, atLeast, compared, type RowFigures } from './turns/comparison';
import { compareSides, turnOptions, type Wanted } from './turns/sides';
import type { Row } from './turns/turns';

/** Zaremba's models of the Penn Treebank, and how many times as fast as PyTorch a step is to be. */
const models = [
  { name: 'PTB-small', batch: 20, steps: 20, hidden: 200, least: 1.8 },
  { name: 'PTB-medium', batch: 20, steps: 35, hidden: 650, least: 1.4 },
];

const [own, compiled, torch, keras] = ['stmnet', 'compiled', 'PyTorch', 'Keras (JAX)'] as const;

const wanted: readonly Wanted[] = [
  { name: own, program: 'stmnet' },
  { name: compiled, program: 'stmnet', extra: { compiled: true } },
  { name: torch, program: 'PyTorch' },
  { name: keras, program: 'Keras (JAX)' },
];

/** A whole training step of a language model, plain and through `compile`. */
export const languageStep: Benchmark = {
  summary: 'a whole training step of a language model, plain and compiled, beside PyTorch and Keras; and its memory',
  options: {
    ...turnOptions,
    vocabulary: { type: 'string', default: '10000', description: 'words' },
    layers: { type: 'string', default: '2', description: 'layers of the LSTM' },
  },
  run: measure,
};

/** Rows of words, with a few pieces of text in them. */
export function drawText(rows: number, words: number, vocabulary: number): number[][] {
  const random = randomFrom(1);
  return Array.from({ length: rows }, () => Array.from({ length: words }, () => drawWord(vocabulary, random)));
}

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const [vocabulary, layers] = [wholeNumber(values, 'vocabulary'), wholeNumber(values, 'layers')];
  const rows = models.map(({ name, batch, steps, hidden }): Row => {
    const text = drawText(batch, 8 * steps + 1, vocabulary);
    const options: LanguageOptions = { steps, hidden, layers, vocabulary, text };
    return { name, group: 'step', job: 'language', options };
  });
  const { results, versions } = await compareSides(values, wanted, rows, { fresh: true });
  const { table, ...figures } = compared(results, {
    title: `embedding, LSTM of ${layers} layers, decoder of ${vocabulary} words, loss read, clipping, SGD`,
    sides: [own, compiled, torch, keras],
    pairs: [
      [torch, own],
      [torch, compiled],
      [own, compiled],
      [keras, own],
    ],
    means: false,
  });
  const memory = {
    title: 'the most memory that the process held, MiB',
    header: ['', own, compiled, torch, keras],
    rows: figures.rows.map((row) => [row.row, ...[own, compiled, torch, keras].map((side) => mebibytes(row, side))]),
    note: '',
  };
  const goals = figures.rows.flatMap((row) => {
    const least = models.find(({ name }) => name === row.row)?.least ?? 1;
    return [...atLeast(`${row.row}: PyTorch / ours`, row.ratios[`${torch} / ${own}`], least), ...memoryGoal(row)];
  });
  return { tables: [table, memory], figures, goals: [...generalGoals(figures.rows), ...goals], versions };
}

const mebibytes = ({ sides }: RowFigures, side: string): string => {
  const bytes = sides[side]?.peakBytes;
  return bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(0);
};

function memoryGoal(row: RowFigures): Goal[] {
  const [ours, theirs] = [own, torch].map((side) => row.sides[side]?.peakBytes);
  if (ours === undefined || theirs === undefined) return [];
  const got = `${mebibytes(row, own)} and ${mebibytes(row, torch)} MiB`;
  return [{ text: `${row.row}: a process holds no more memory than PyTorch's`, got, held: ours <= theirs }];
}
