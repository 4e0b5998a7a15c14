import { listOf, wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import type { Seq2SeqOptions } from './jobs/seq2seq';
import { drawPairs, type PairSizes } from './jobs/seq2seq-case';
import { generalGoals, atLeast, compared } from './turns/comparison';
import { compareSides, turnOptions, type Wanted } from './turns/sides';
import type { Row } from './turns/turns';

/** How many times as fast as PyTorch a step is to be. */
const least = 1.2;

const wanted: readonly Wanted[] = [
  { name: 'stmnet', program: 'stmnet' },
  { name: 'PyTorch', program: 'PyTorch' },
];

/** A training step of a Seq2Seq, in turn with the same model in PyTorch. */
export const seq2SeqStep: Benchmark = {
  summary: `a training step of a Seq2Seq on ragged sentences, ${least} times as fast as PyTorch`,
  options: {
    ...turnOptions,
    batch: { type: 'string', default: '64', description: 'pairs of a batch' },
    tokens: { type: 'string', default: '8000', description: 'tokens of the sources, and of the targets' },
    embedding: { type: 'string', default: '256', description: 'width of the vector of a token' },
    hidden: { type: 'string', default: '256', description: 'H of the decoder; the encoder has half of it each way' },
    layers: { type: 'string', default: '2', description: 'layers of the encoder, and of the decoder' },
    attention: { type: 'string', default: 'additive,multiplicative', description: 'additive, multiplicative or both' },
  },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const numbers = ['batch', 'tokens', 'embedding', 'hidden', 'layers'].map((name) => wholeNumber(values, name));
  const [rows = 1, tokens = 1, embeddingDim = 1, hiddenSize = 1, numLayers = 1] = numbers;
  const attentions = listOf<PairSizes['attention']>(values, 'attention', ['additive', 'multiplicative']);
  const all = attentions.map((attention): Row => {
    const sizes = { rows, tokens, embeddingDim, hiddenSize, numLayers, dropout: 0.3, attention };
    const options: Seq2SeqOptions = { sizes, pairs: drawPairs(sizes, 8, 1) };
    return { name: attention, group: 'seq2seq', job: 'seq2seq', options, uneven: true };
  });
  const { results, versions } = await compareSides(values, wanted, all);
  const { table, ...figures } = compared(results, {
    title:
      `${rows} pairs of 10 to 30 words, ${tokens} tokens, vectors of ${embeddingDim}, H ${hiddenSize}, ` +
      `${numLayers} layers`,
    sides: ['stmnet', 'PyTorch'],
    pairs: [['PyTorch', 'stmnet']],
    means: false,
  });
  const goals = figures.rows.flatMap(({ row, ratios }) =>
    atLeast(`${row} attention, PyTorch / ours`, ratios['PyTorch / stmnet'], least),
  );
  return { tables: [table], figures, goals: [...generalGoals(figures.rows), ...goals], versions };
}
