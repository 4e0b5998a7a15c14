import { splitDataset } from '../../data/split-dataset';
import type { PairExample } from '../pair-examples';
import { Seq2Seq } from '../seq2seq';
import type { Seq2SeqEvaluateOptions, Seq2SeqPredictOptions } from '../seq2seq-predict-options';
import type { AttentionWeights, Seq2SeqPrediction } from '../seq2seq-prediction';
import { describes, type OptionDescriptor } from './descriptor';
import { pairDescriptors, readPairs, readSources } from './pair-files';
import { trainDescriptors } from './shared-descriptors';
import type { AnyTask, HeldBack, TaskEntry } from './task-entry';
import { taskOf } from './task-of';

const KINDS = ['auto', 'words', 'characters', 'bytes', 'bpe', 'blanks'];

const options: readonly OptionDescriptor[] = [
  describes('sourceTokens', KINDS, 'auto', 'what sources are read as; auto takes characters of single words'),
  describes('targetTokens', KINDS, 'auto', 'what targets are written as, likewise'),
  describes('vocabularySize', 'size', 'all, or 8,000 of bpe', 'number of tokens of each side at most'),
  describes('minFrequency', 'size', '1, or 2 of many words', 'how often a word or character has to occur'),
  describes('embeddingDim', 'size', '128', 'width of the vector of a token'),
  describes('cell', ['lstm', 'gru', 'rnn'], 'lstm', 'kind of the recurrent layers'),
  describes('hiddenSize', 'size', '256', 'width of a state of the decoder, and of both directions of the encoder'),
  describes('numLayers', 'size', '1', 'layers of the encoder, and of the decoder'),
  describes(
    'bidirectional',
    'flag',
    'true',
    'whether the encoder reads backwards, too',
    'let the encoder read forwards alone',
  ),
  describes('attention', ['additive', 'multiplicative', 'none'], 'additive', 'how it looks at the source'),
  describes('dropout', 'probability', '0.3', 'part of the values that training drops before, between, behind layers'),
  describes('tieWeights', 'flag', 'false', 'whether tokens are written with the vectors they are read with'),
  describes('sharedEmbeddings', 'flag', 'false', 'whether source and target have one vocabulary'),
  describes('inputFeeding', 'flag', 'false', 'whether each step reads what the one before took of the source'),
  describes('scheduledSampling', 'probability', '0', 'part of the tokens read in training that are its own'),
  describes('copyUnknown', 'flag', 'false', 'whether words that are not in the vocabulary are copied by attention'),
  describes('labelSmoothing', 'probability', '0', 'part of the target that is spread over all tokens'),
  describes('beamSize', 'size', '5', 'hypotheses of a target that go on after each token'),
  describes('lengthPenalty', 'number', '0.6', 'by which longer targets are favoured in a beam'),
  describes('maxLength', 'size', 'the longest of training, and 5', 'tokens of a target that is written at most'),
];

/** How targets are written, which a trained task may be told, too. */
const writing: readonly OptionDescriptor[] = [
  describes('beamSize', 'size', 'as trained', 'beginnings of a text that a search goes on with; 1 searches nothing'),
  describes('lengthPenalty', 'number', 'as trained', 'by which longer targets are favoured in a beam'),
  describes('maxLength', 'size', 'as trained', 'tokens of a target that is written at most'),
];

/** `stmnet train seq2seq`: pairs of texts. */
export const seq2seq: TaskEntry<PairExample, string, Seq2SeqPrediction> = {
  name: 'seq2seq',
  summary: 'Turns a text into another one: translates, transliterates, says how a word is pronounced.',
  form: 'a source and its target',
  options,
  training: trainDescriptors({ steps: 3000, batchSize: 64, learningRate: 2e-3 }),
  data: pairDescriptors,
  quality: { figure: 'tokenErrorRate', better: 'lower' },
  search: [
    { name: 'learningRate', values: { low: 5e-4, high: 5e-3, scale: 'log' } },
    { name: 'cell', values: ['lstm', 'gru'] },
    { name: 'hiddenSize', values: [128, 256, 512] },
    { name: 'embeddingDim', values: [64, 128, 256] },
    { name: 'dropout', values: { low: 0.1, high: 0.6, scale: 'linear' } },
  ],
  make: (given) => new Seq2Seq(given),
  load: (path) => Seq2Seq.load(path),
  examples: readPairs,
  holdBack,
  forTask: (all) => all,
  inputIn: ({ source }) => source,
  unit: 'token',
  inputOfLength: (tokens) => 'a '.repeat(tokens).trimEnd(),
  inputs: readSources,
  inputOf: (text) => text,
  askCommand: (run) => `stmnet predict ${run} "…"`,
  strangers: (task, source) => (task instanceof Seq2Seq ? task.strangers(source) : []),
  predicting: {
    options: [
      ...writing,
      describes('nBest', 'size', '1', 'targets of each source to tell, the best first, a line each'),
      describes('attention', 'flag', 'false', 'what of the source each token was written by; with --json the weights'),
    ],
    predict,
  },
  evaluating: { options: writing, evaluate },
  row: (source, { text, score }) => ({ target: text, score, source }),
  rows: (source, { text, score, candidates = [{ text, score }], attention }) =>
    candidates.map((one, place) => ({
      target: one.text,
      score: one.score,
      source,
      ...(attention && { attention: place === 0 ? lookedAt(attention) : '' }),
    })),
};

/** Some sources with all their targets, or else a target of training would be one of validation. */
function holdBack(all: readonly PairExample[], fraction: number, seed: number): HeldBack<PairExample> | undefined {
  const groupBy = ({ source }: PairExample): string => source;
  const sources = new Set(all.map(groupBy)).size;
  if (Math.round(sources * fraction) < 1 || Math.round(sources * fraction) >= sources) return undefined;
  const parts = splitDataset(all, { train: 1 - fraction, validation: fraction }, { groupBy, seed });
  const how = `${Number((100 * fraction).toFixed(2))} % of the sources, drawn by seed ${seed}`;
  return { train: [...parts.train], validation: [...parts.validation], how };
}

async function predict(
  task: AnyTask,
  sources: readonly string[],
  asked: Seq2SeqPredictOptions,
): Promise<readonly Seq2SeqPrediction[]> {
  return taskOf('seq2seq', task, Seq2Seq).predict(sources, asked);
}

function evaluate(task: AnyTask, examples: readonly PairExample[], asked: Seq2SeqEvaluateOptions): Promise<object> {
  return taskOf('seq2seq', task, Seq2Seq).evaluate(examples, asked);
}

/** Each token of a target with that of the source that it took most of: `je←i suis←am`. */
const lookedAt = ({ source, target, weights }: AttentionWeights): string =>
  target
    .map((token, place) => {
      const row = weights[place] ?? [];
      return `${inLine(token)}←${inLine(source[row.indexOf(Math.max(...row))] ?? '')}`;
    })
    .join(' ');

/** A token without the blank that it may begin with; one that is a blank is shown by a sign. */
const inLine = (token: string): string => (token === '' ? '' : token.trim() || '␣');
