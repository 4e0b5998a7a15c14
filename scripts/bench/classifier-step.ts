import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import type { ClassifierOptions, TextBatch } from './jobs/classifier';
import { drawWord, randomFrom } from './jobs/drawn';
import { generalGoals, atLeast, compared } from './turns/comparison';
import { compareSides, turnOptions, type Wanted } from './turns/sides';

const [own, packed, masked, keras] = ['stmnet', 'PyTorch, packed', 'PyTorch, masks', 'Keras (JAX)'] as const;

const wanted: readonly Wanted[] = [
  { name: own, program: 'stmnet' },
  { name: packed, program: 'PyTorch', extra: { way: 'packed' } },
  { name: masked, program: 'PyTorch', extra: { way: 'masked' } },
  { name: keras, program: 'Keras (JAX)' },
];

/** Tokens of a text, at least and at most. */
const lengths = { least: 10, most: 400 };
const classes = 4;

/** A training step of a classifier whose texts have many lengths. */
export const classifierStep: Benchmark = {
  summary: `a training step of a bidirectional LSTM on texts of ${lengths.least} to ${lengths.most} tokens`,
  options: {
    ...turnOptions,
    batch: { type: 'string', default: '32', description: 'texts of a batch' },
    vocabulary: { type: 'string', default: '10000', description: 'tokens' },
    hidden: { type: 'string', default: '128', description: 'width of the vectors, and H of each direction' },
  },
  run: measure,
};

/** Batches of texts, most of them short: lengths are spread as the cube of what is drawn. */
export function drawTexts(batches: number, rows: number, vocabulary: number): TextBatch[] {
  const random = randomFrom(1);
  const text = (): number[] => {
    const length = lengths.least + Math.round((lengths.most - lengths.least) * random() ** 3);
    return Array.from({ length }, () => drawWord(vocabulary, random));
  };
  return Array.from({ length: batches }, () => ({
    texts: Array.from({ length: rows }, text),
    labels: Array.from({ length: rows }, () => Math.floor(classes * random())),
  }));
}

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const [batch, vocabulary, hidden] = [
    wholeNumber(values, 'batch'),
    wholeNumber(values, 'vocabulary'),
    wholeNumber(values, 'hidden'),
  ];
  const batches = drawTexts(8, batch, vocabulary);
  const options: ClassifierOptions = { vocabulary, hidden, classes, batches };
  const all = batches.flatMap(({ texts }) => texts.map(({ length }) => length));
  const padded = batches.reduce((sum, { texts }) => sum + batch * Math.max(...texts.map(({ length }) => length)), 0);
  const filled = all.reduce((sum, length) => sum + length, 0) / padded;
  const row = { name: `${batch} texts`, group: 'step', job: 'classifier', options, uneven: true };
  const { results, versions } = await compareSides(values, wanted, [row]);
  const { table, ...figures } = compared(results, {
    title:
      `embedding of ${vocabulary} tokens, bidirectional LSTM of ${hidden}, linear layer, Adam, loss read; ` +
      `${(100 * filled).toFixed(0)} % of the padded steps are tokens`,
    sides: [own, packed, masked, keras],
    pairs: [
      [packed, own],
      [masked, own],
      [keras, own],
    ],
    means: false,
  });
  const ratios = figures.rows[0]?.ratios ?? {};
  const goals = [
    ...atLeast(`${packed} / ours`, ratios[`${packed} / ${own}`], 3),
    ...atLeast(`${masked} / ours`, ratios[`${masked} / ${own}`], 1.2),
  ];
  return { tables: [table], figures, goals: [...generalGoals(figures.rows), ...goals], versions };
}
