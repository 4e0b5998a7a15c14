import { streamJsonLines } from '../../data/readers/jsonl';
import { streamTextLines } from '../../data/readers/text-lines';
import { splitDataset } from '../../data/split-dataset';
import { FormatError } from '../../tensor/errors';
import { describe, isPlainObject } from '../../tensor/options';
import type { NextToken } from '../generation';
import { LanguageModel } from '../language-model';
import { describes, type OptionDescriptor } from './descriptor';
import { isJsonLines } from './json-lines';
import { trainDescriptors } from './shared-descriptors';
import { checkForm } from './seeming';
import { encodingOf, isNamedTable, nameOf } from './table-columns';
import type { DataSource, HeldBack, SearchRange, TaskEntry } from './task-entry';

const options: readonly OptionDescriptor[] = [
  describes('tokens', ['characters', 'words', 'bytes', 'bpe'], 'characters', 'what it reads and writes one by one'),
  describes('vocabularySize', 'size', 'all, or 8,000 of bpe', 'number of tokens at most'),
  describes('minFrequency', 'size', '1, or 2 of many words', 'how often a word or character has to occur'),
  describes('embeddingDim', 'size', '64 of characters and bytes, else 256', 'width of the vector of a token'),
  describes('cell', ['lstm', 'gru', 'rnn'], 'lstm', 'kind of the recurrent layers'),
  describes('hiddenSize', 'size', '512', 'width of a state'),
  describes('numLayers', 'size', '1', 'layers on top of each other'),
  describes('dropout', 'probability', '0.4', 'part of the values that training drops behind layers and between them'),
  describes('hiddenDropout', 'probability', '0.4 or that of dropout', 'the same between layers alone'),
  describes('inputDropout', 'probability', '0', 'the same of the vectors of tokens, before the layers'),
  describes('variationalDropout', 'flag', 'false', 'whether these drop the same values at all steps of a piece'),
  describes('embeddingDropout', 'probability', '0', 'part of the tokens that training drops, wherever they stand'),
  describes('weightDrop', 'probability', '0', 'part of the recurrent weights that training drops (DropConnect)'),
  describes('activationRegularization', 'number', '0', 'weight of the mean square of outputs in the loss (AR)'),
  describes('temporalActivationRegularization', 'number', '0', 'the same of their change from step to step (TAR)'),
  describes('tieWeights', 'flag', 'false', 'whether tokens are written with the vectors they are read with'),
  describes('initRange', 'positive', 'as each layer begins', 'bound of the weights at the beginning, uniform'),
  describes('steps', 'size', '128', 'tokens that back-propagation through time goes back'),
];

const training: readonly OptionDescriptor[] = [
  ...trainDescriptors(
    { steps: 1700, batchSize: 64, learningRate: 4e-3 },
    { learningRate: 'or 20 of SGD', weightDecay: 'or 0 of SGD', clipGradNorm: 'or 0.25 of SGD' },
  ),
  describes('optimizer', ['adamw', 'sgd', 'nt-asgd'], 'adamw', 'AdamW, SGD, or SGD with averaged weights'),
  describes('nonMonotoneInterval', 'size', '5 of nt-asgd', 'validations without progress before averaging'),
  describes('learningRateDecay', 'part', '1, or a cosine with adamw', 'factor of the learning rate after an epoch'),
  describes('decayAfter', 'size', '1', 'epochs before the learning rate is multiplied by that'),
];

const data: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'text', 'lines', 'jsonl'], 'auto', 'one text, a document a line, or JSON Lines'),
  describes('textColumn', 'text', 'text', 'field of the text in JSON Lines'),
  describes('encoding', 'encoding', 'utf-8', 'how the characters of a file are written, as windows-1252'),
];

/** Both have rates of their own. */
const isSgd = (optimizer: unknown): boolean => optimizer === 'sgd' || optimizer === 'nt-asgd';

const searchOf = (rates: { low: number; high: number }): readonly SearchRange[] => [
  { name: 'learningRate', values: { ...rates, scale: 'log' } },
  { name: 'cell', values: ['lstm', 'gru'] },
  { name: 'hiddenSize', values: [128, 256, 512] },
  { name: 'dropout', values: { low: 0.1, high: 0.6, scale: 'linear' } },
];

/** `stmnet train lm`: a plain text, or documents. */
export const lm: TaskEntry<string, string, readonly NextToken[]> = {
  name: 'lm',
  summary: 'Learns how a text goes on, and writes such texts.',
  form: 'a plain text',
  options,
  training,
  data,
  quality: { figure: 'perplexity', better: 'lower' },
  shownFigures: ({ loss, ...others }) => ({ loss, perplexity: Math.exp(loss), ...others }),
  search: searchOf({ low: 1e-3, high: 1e-2 }),
  searchBeside: ({ optimizer }) => (isSgd(optimizer) ? searchOf({ low: 3, high: 40 }) : lm.search),
  outdated: ({ optimizer: before = 'adamw' }, { optimizer: now = before }) => {
    if (now === before) return [];
    return [
      'nonMonotoneInterval',
      ...(isSgd(now) === isSgd(before) ? [] : ['learningRate', 'weightDecay', 'clipGradNorm']),
    ];
  },
  make: (given) => new LanguageModel(given),
  load: (path) => LanguageModel.load(path),
  examples,
  holdBack,
  // One text is no document that ends.
  forTask: (all) => (all.length === 1 ? all[0] : all),
  inputIn: (text) => text.slice(0, 100),
  unit: 'token',
  inputOfLength: (tokens) => 'a '.repeat(Math.ceil(tokens / 2)).slice(0, tokens),
  inputs,
  inputOf: (text) => text,
  askCommand: (run) => `stmnet generate ${run} --prompt "…"`,
  strangers: (task, prompt) => (task instanceof LanguageModel ? task.strangers(prompt) : []),
  row: (prompt, next) => ({
    prompt,
    next: next.map(({ token, probability }) => `${JSON.stringify(token)} ${probability.toFixed(3)}`).join(' '),
  }),
};

function formatOf(source: DataSource, otherwise: 'text' | 'lines'): string {
  const { format } = source.settings;
  if (typeof format === 'string' && format !== 'auto') return format;
  return isJsonLines(source) ? 'jsonl' : otherwise;
}

async function examples(source: DataSource): Promise<readonly string[]> {
  const format = formatOf(source, 'text');
  await checkText(source, 'a plain text, documents a line each by --format lines, or JSON Lines (.jsonl)', 'text');
  const texts: string[] = [];
  for await (const text of textsOf(source, format)) texts.push(text);
  return format === 'text' ? [`${texts.join('\n')}\n`] : texts;
}

async function* inputs(source: DataSource): AsyncIterable<string> {
  await checkText(source, 'beginnings of texts, one a line, or JSON Lines (.jsonl)', 'lines');
  yield* textsOf(source, formatOf(source, 'lines'));
}

/** A table would be read as if its commas were the text's, and so would columns of tokens. */
async function checkText(source: DataSource, expected: string, format: string): Promise<void> {
  const { from, settings } = source;
  const isAsked = settings['format'] !== undefined && settings['format'] !== 'auto';
  const isOther = typeof from === 'string' && (isNamedTable(from) || /\.conllu?(?:\.gz)?$/i.test(from));
  await checkForm('lm', source, {
    expected,
    refused: ({ form }) => isOther && !isAsked && (form === 'table' || form === 'columns'),
    fix: () => `write the texts alone into a file, or pass --format ${format} to take its lines as they are`,
  });
}

async function* textsOf(source: DataSource, format: string): AsyncGenerator<string> {
  const { from, settings } = source;
  if (format !== 'jsonl') return yield* streamTextLines(from, encodingOf(source));
  const column = typeof settings['textColumn'] === 'string' ? settings['textColumn'] : 'text';
  for await (const { record, line } of streamJsonLines<unknown>(from, encodingOf(source)).withPlaces()) {
    const text = isPlainObject(record) ? record[column] : record;
    if (typeof text === 'string') yield text;
    else
      throw new FormatError('lm', {
        given: `${describe(record)} in ${nameOf(from)}, line ${line}`,
        expected: `a text, or ${column} of an object`,
        fix: 'mend the line, or leave it out',
      });
  }
}

/** The end of one text, from the beginning of a line on; of several texts some. */
function holdBack(texts: readonly string[], fraction: number, seed: number): HeldBack<string> | undefined {
  const percent = `${Number((100 * fraction).toFixed(2))} %`;
  const [only = ''] = texts;
  if (texts.length === 1) {
    const begin = only.indexOf('\n', Math.floor((1 - fraction) * only.length)) + 1;
    if (begin === 0 || only.length - begin < 2 || begin < 2) return undefined;
    return { train: [only.slice(0, begin)], validation: [only.slice(begin)], how: `the last ${percent} of the text` };
  }
  if (Math.round(texts.length * fraction) < 1) return undefined;
  const parts = splitDataset(texts, { train: 1 - fraction, validation: fraction }, { seed });
  return { train: [...parts.train], validation: [...parts.validation], how: `${percent}, drawn by seed ${seed}` };
}
