import { streamConll } from '../../data/readers/conll';
import { streamJsonLines } from '../../data/readers/jsonl';
import { streamTextLines } from '../../data/readers/text-lines';
import { splitDataset } from '../../data/split-dataset';
import { FormatError, OptionError } from '../../tensor/errors';
import { nearMiss } from '../../tensor/option-names';
import { describe, isPlainObject } from '../../tensor/options';
import { WordTokenizer } from '../../text/words';
import { placed } from '../example-place';
import type { TagPrediction } from '../tag-prediction';
import type { TagExample } from '../tagged-sentences';
import { Tagger } from '../tagger';
import { describes, flagOf, type OptionDescriptor } from './descriptor';
import { isJsonLines } from './json-lines';
import { encoderDescriptors, encoderSearch, tokenDescriptors, trainDescriptors } from './shared-descriptors';
import { checkForm } from './seeming';
import { encodingOf, nameOf } from './table-columns';
import type { DataSource, HeldBack, TaskEntry } from './task-entry';

/** Sentences alone have no tags to learn from. */
const FORMAT = 'columns, JSON Lines, or, for predictions alone, sentences';

const data: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'conll', 'jsonl', 'text', 'tokens'], 'auto', FORMAT),
  describes('tokenColumn', 'text', 'first, or form', 'column or field of the tokens: its name, or its number from 0'),
  describes('tagColumn', 'text', 'last, or upos', 'column or field of the tags: its name, or its number from 0'),
  describes('labelColumn', 'text', 'label', 'field of the label of a sentence, in JSON Lines that have it'),
  describes('encoding', 'encoding', 'utf-8', 'how the characters of a file are written, as windows-1252'),
];

/** `stmnet train tag`: sentences in columns of the CoNLL tasks, or JSON Lines. */
export const tag: TaskEntry<TagExample, readonly string[], TagPrediction> = {
  name: 'tag',
  summary: 'Says what each word of a sentence is: its part of speech, or of which name it is a part.',
  form: 'a sentence with a tag for each token',
  options: [
    ...encoderDescriptors(true),
    ...tokenDescriptors,
    describes(
      'characters',
      'flag',
      'true',
      'whether each word is known by its spelling beside itself',
      'know each word by itself alone',
    ),
    describes('crf', 'flag', 'false', 'whether the tags of a sentence are chosen together'),
  ],
  training: trainDescriptors({ steps: 1200, batchSize: 32, learningRate: 3e-3 }),
  data,
  quality: { figure: 'accuracy', better: 'higher' },
  search: encoderSearch,
  make: (given) => new Tagger(given),
  load: (path) => Tagger.load(path),
  examples,
  holdBack,
  forTask: (all) => all,
  inputIn: ({ tokens }) => tokens,
  unit: 'token',
  inputOfLength: (tokens) => new Array<string>(tokens).fill('word'),
  inputs,
  inputOf: (text) => words.tokenize(text),
  askCommand: (run) => `stmnet predict ${run} "…"`,
  row: (_, { tokens, tags, label }) => ({
    ...(label === undefined ? {} : { label }),
    tagged: tokens.map((token, at) => `${token}/${tags[at] ?? ''}`).join(' '),
  }),
};

const op = 'tag';
const words = new WordTokenizer({ lowercase: false });

function formatOf({ from, settings: { format } }: DataSource, otherwise: 'conll' | 'text'): string {
  if (typeof format === 'string' && format !== 'auto') return format;
  if (typeof from !== 'string') return 'text';
  return isJsonLines({ from }) ? 'jsonl' : otherwise;
}

const named = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

async function examples(source: DataSource): Promise<readonly TagExample[]> {
  const all: TagExample[] = [];
  const format = formatOf(source, 'conll');
  if (format === 'text' || format === 'tokens') throw noTags(format);
  if (format === 'conll') await checkColumns(source, 'a token and its tag a line, an empty line after each sentence');
  const sentences = format === 'jsonl' ? jsonSentences(source) : columnSentences(source);
  for await (const { tokens, tags, label, line } of sentences) {
    if (tags === undefined) throw wrong(source, line, 'no tags', 'a tag for each token');
    const example = label === undefined ? { tokens, tags } : { tokens, tags, label };
    all.push(placed(example, { file: nameOf(source.from), line }));
  }
  return all;
}

async function* inputs(source: DataSource): AsyncGenerator<readonly string[]> {
  const format = formatOf(source, 'conll');
  if (format === 'text' || format === 'tokens') {
    for await (const line of streamTextLines(source.from, encodingOf(source)))
      yield format === 'text' ? words.tokenize(line) : line.split(/\s+/).filter((token) => token !== '');
    return;
  }
  const ifText = 'pass --format text if each line is a sentence, or --format tokens if blanks divide its tokens';
  if (format === 'conll') await checkColumns(source, 'a token a line, an empty line after each sentence', ifText);
  for await (const { tokens } of format === 'jsonl' ? jsonSentences(source) : columnSentences(source)) yield tokens;
}

/** Refuses a file whose lines are no tokens. @param ifText  what to do about a plain text */
const checkColumns = (source: DataSource, expected: string, ifText = CONVERT): Promise<void> =>
  checkForm(op, source, {
    expected: `${expected}, or JSON Lines (.jsonl)`,
    refused: ({ form, delimiter }) => form !== 'columns' && delimiter !== '\t',
    fix: ({ form }) =>
      ({ jsonl: 'pass --format jsonl', text: ifText, table: CONVERT, json: CONVERT, columns: '' })[form],
  });

const CONVERT = 'write each token in a line of its own, its tag behind a tab';

const noTags = (format: string): OptionError =>
  new OptionError(op, {
    given: `--format ${format} for examples to learn from or to measure on`,
    expected: 'conll or jsonl, which have tags beside the tokens',
    fix: 'leave it out, or name one of these',
  });

/** A sentence as a file has it. */
interface ReadSentence {
  readonly tokens: readonly string[];
  readonly tags?: readonly string[] | undefined;
  readonly label?: string;
  readonly line: number;
}

async function* columnSentences(source: DataSource): AsyncGenerator<ReadSentence> {
  const { tokenColumn, tagColumn } = source.settings;
  for await (const { record, line } of streamConll(source.from, encodingOf(source)).withPlaces()) {
    const names = Object.keys(record);
    const isUniversal = names.includes('form');
    const tokens = placeOf(source, names, 'tokenColumn', named(tokenColumn, isUniversal ? 'form' : '0'));
    const tags = placeOf(source, names, 'tagColumn', named(tagColumn, isUniversal ? 'upos' : String(names.length - 1)));
    if (isDocumentStart(record[tokens])) continue;
    yield { tokens: record[tokens] ?? [], tags: tags === tokens ? undefined : record[tags], line };
  }
}

/** Whether it is no sentence but the mark of CoNLL-2003 for where a document begins. */
const isDocumentStart = (tokens: readonly string[] | undefined): boolean =>
  tokens?.length === 1 && tokens[0] === '-DOCSTART-';

/** The name of a column that is given by its name or its number. */
function placeOf({ from }: DataSource, names: readonly string[], option: string, column: string): string {
  const name = names.includes(column) ? column : names[/^\d+$/.test(column) ? Number(column) : -1];
  if (name !== undefined) return name;
  const by = flagOf(option);
  const near = /^\d+$/.test(column) ? undefined : nearMiss(column, names);
  throw new OptionError(op, {
    given: `the column ${JSON.stringify(column)} (${by}), which ${nameOf(from)} does not have`,
    expected: `one of the columns ${names.join(', ')}`,
    fix: near === undefined ? `name the column by ${by}, or give its number` : `pass ${by} ${near}, if that is meant`,
  });
}

async function* jsonSentences(source: DataSource): AsyncGenerator<ReadSentence> {
  const { settings } = source;
  const [tokenField, tagField] = [named(settings['tokenColumn'], 'tokens'), named(settings['tagColumn'], 'tags')];
  const labelField = named(settings['labelColumn'], 'label');
  for await (const { record, line } of streamJsonLines<unknown>(source.from, encodingOf(source)).withPlaces()) {
    const fields = isPlainObject(record) ? record : { [tokenField]: record };
    const [tokens, tags, label] = [fields[tokenField], fields[tagField], fields[labelField]];
    if (!isTexts(tokens)) throw wrong(source, line, describe(record), `an object with ${tokenField}: ["…"]`);
    if (tags !== undefined && !(isTexts(tags) && tags.length === tokens.length))
      throw wrong(source, line, `${tagField}: ${describe(tags)}`, `a tag for each of ${tokens.length} tokens`);
    yield { tokens, tags, line, ...(typeof label === 'string' && { label }) };
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const wrong = ({ from }: DataSource, line: number, given: string, expected: string): FormatError =>
  new FormatError(op, { given: `${given} in ${nameOf(from)}, line ${line}`, expected, fix: 'mend the sentence' });

function holdBack(all: readonly TagExample[], fraction: number, seed: number): HeldBack<TagExample> | undefined {
  const count = Math.round(all.length * fraction);
  if (count < 1 || count >= all.length) return undefined;
  const parts = splitDataset(all, { train: all.length - count, validation: count }, { seed });
  const how = `${Number((100 * fraction).toFixed(2))} %, drawn by seed ${seed}`;
  return { train: [...parts.train], validation: [...parts.validation], how };
}
