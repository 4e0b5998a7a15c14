import { streamJsonLines } from '../../data/readers/jsonl';
import { streamTextLines } from '../../data/readers/text-lines';
import { splitDataset } from '../../data/split-dataset';
import { FormatError, OptionError } from '../../tensor/errors';
import { describe, isPlainObject } from '../../tensor/options';
import { readLabel } from '../class-labels';
import type { ClassPrediction } from '../class-prediction';
import { isBlank } from '../empty-examples';
import { listedPlaces, placed } from '../example-place';
import { TextClassifier } from '../text-classifier';
import type { TextExample } from '../text-examples';
import { describes, type OptionDescriptor } from './descriptor';
import { firstLineOf } from './first-line';
import { isJsonLines } from './json-lines';
import { encoderDescriptors, encoderSearch, tokenDescriptors, trainDescriptors } from './shared-descriptors';
import { robustness } from './robustness';
import { checkTable, columnsOf, delimiterOfHeader, encodingOf, nameOf, tableDescriptors } from './table-columns';
import type { DataSource, HeldBack, TaskEntry } from './task-entry';
import { wrongField } from './wrong-field';

const options: readonly OptionDescriptor[] = [
  ...encoderDescriptors(true),
  ...tokenDescriptors,
  describes('tokens', ['auto', 'words', 'characters', 'both'], 'auto', 'what a text is read as'),
  describes('maxLength', 'size', '512', 'tokens of a text that are read at most'),
  describes('pooling', ['max', 'mean', 'last', 'attention'], 'max', 'how the steps of a text become one vector'),
  describes('multiLabel', 'flag', 'false', 'whether a text may have several labels, or none'),
  describes('classWeights', 'weights', 'all 1', 'how much each class counts: balanced, or ham=1,spam=6'),
  describes('labelSmoothing', 'probability', '0', 'part of the target that is spread over all classes'),
  describes('adversarialEpsilon', 'number', '0', 'how far training moves vectors to where the loss grows fastest'),
  describes('languageModel', 'file', 'none', 'run of a language model whose tokens and layers to begin with'),
];

/** What a language model brings with it. */
const OF_LANGUAGE = ['cell', 'hiddenSize', 'embeddingDim'];

/** A file of texts alone has no labels to learn from. */
const FORMAT = 'what a file is; auto goes by its name, text is for predictions alone';

const data: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'table', 'jsonl', 'text'], 'auto', FORMAT),
  describes('textColumn', 'text', 'text', 'column or field of the text: its name, or its number from 0'),
  describes('labelColumn', 'text', 'label', 'column or field of the label: its name, or its number from 0'),
  describes('labelDelimiter', 'text', 'comma', 'what divides several labels of a text'),
  ...tableDescriptors,
];

/** `stmnet train classify`: texts and labels of a table or of JSON Lines. */
export const classify: TaskEntry<TextExample, string, ClassPrediction> = {
  name: 'classify',
  summary: 'Says what a text is: spam or not, which language, what somebody asks for.',
  form: 'a text and its label',
  options,
  training: trainDescriptors({ steps: 1200, batchSize: 32, learningRate: 3e-3 }),
  data,
  quality: { figure: 'accuracy', better: 'higher' },
  search: encoderSearch,
  searchBeside: ({ languageModel }) =>
    languageModel === undefined ? encoderSearch : encoderSearch.filter(({ name }) => !OF_LANGUAGE.includes(name)),
  make: (given) => new TextClassifier(given),
  load: (path) => TextClassifier.load(path),
  examples,
  holdBack,
  forTask: (all) => all,
  inputIn: (example) => example.text,
  unit: 'token',
  inputOfLength: (tokens) => 'word '.repeat(tokens),
  inputs,
  inputOf: (text) => text,
  evaluating: robustness,
  askCommand: (run) => `stmnet predict ${run} "…"`,
  row: (text, { label, labels, probability }) => ({
    label: labels === undefined ? label : labels.join(','),
    probability,
    text,
  }),
};

type Format = 'table' | 'jsonl' | 'text';

function formatOf({ from, settings }: DataSource): Format {
  const { format } = settings;
  if (format === 'table' || format === 'jsonl' || format === 'text') return format;
  if (typeof from !== 'string') return 'text';
  return isJsonLines({ from }) ? 'jsonl' : 'table';
}

const op = 'classify';
const text = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

async function examples(source: DataSource): Promise<readonly TextExample[]> {
  const { settings } = source;
  const labelColumn = text(settings['labelColumn'], 'label');
  const divider = dividerOf(settings);
  const all: TextExample[] = [];
  const without: WithoutLabel[] = [];
  for await (const { text: given, label, line } of labelledTexts(source, labelColumn, divider !== undefined)) {
    const told = isBlankLabel(label) ? 'an empty label' : `${labelColumn}: ${describe(label)}`;
    if (label === undefined || (divider === undefined && (label === null || isBlankLabel(label)))) {
      without.push({ line, told });
      continue;
    }
    const read = divider === undefined ? labelIn(label) : labelsOf(label, divider);
    if (read === undefined) throw wrongLine(source, line, told, divider === undefined ? 'a label' : LABELS);
    const example = typeof read === 'string' ? { text: given, label: read } : { text: given, labels: read };
    all.push(placed(example, { file: nameOf(source.from), line }));
  }
  if (without.length > 0) throw noLabelIn(source, without, divider !== undefined);
  return all;
}

/** A text as a file has it. */
interface ReadText {
  readonly text: string;
  readonly label: unknown;
  readonly line: number;
}

async function* labelledTexts(source: DataSource, labelColumn: string, multiple: boolean): AsyncGenerator<ReadText> {
  const textColumn = text(source.settings['textColumn'], 'text');
  const format = formatOf(source);
  if (format === 'text') throw noLabels();
  if (format === 'table') {
    const expected = `a table (.csv, .tsv) with the columns ${textColumn} and ${labelColumn}, or JSON Lines (.jsonl)`;
    await checkTable(op, source, expected, 'write a text and its label in each row, with a comma or a tab between');
    const wanted = [
      { option: 'textColumn', column: textColumn },
      { option: 'labelColumn', column: labelColumn },
    ];
    for await (const { fields, line } of columnsOf(op, source, wanted)) {
      const [given = '', label] = fields;
      yield { text: given, label, line };
    }
    return;
  }
  for await (const { record, line } of streamJsonLines<unknown>(source.from, encodingOf(source)).withPlaces()) {
    const given = isPlainObject(record) ? record[textColumn] : undefined;
    if (typeof given !== 'string')
      throw wrongLine(source, line, wrongField(record, [textColumn]), `an object with ${textColumn}`);
    const fields = record as Readonly<Record<string, unknown>>;
    const several = multiple && !Object.hasOwn(fields, labelColumn);
    yield { text: given, label: fields[several ? `${labelColumn}s` : labelColumn], line };
  }
}

/** Where a text has no label, and what stands there. */
interface WithoutLabel {
  readonly line: number;
  readonly told: string;
}

const LABELS = 'labels: a text of them, or an array, [] for none';

/** Lines that have no label, all of them in one error. */
function noLabelIn(source: DataSource, without: readonly WithoutLabel[], multiple: boolean): FormatError {
  const [first, ...others] = without;
  const expected = multiple ? LABELS : 'a label';
  const more = multiple ? '' : '; where texts may have none, or several, pass --multi-label';
  if (first !== undefined && others.length === 0) return wrongLine(source, first.line, first.told, expected, more);
  return new FormatError(op, {
    given: `no label in ${without.length} lines of ${nameOf(source.from)}: ${listedPlaces(without.map(lineOf))}`,
    expected: `${expected} in each`,
    fix: `mend these lines, or leave them out${more}`,
  });
}

const lineOf = ({ line }: WithoutLabel): string => String(line);

/** What divides the labels of a text that may have several. */
function dividerOf({ multiLabel, labelDelimiter }: DataSource['settings']): string | undefined {
  if (multiLabel === true) return text(labelDelimiter, ',');
  if (labelDelimiter === undefined) return undefined;
  throw new OptionError(op, {
    given: `labelDelimiter: ${describe(labelDelimiter)} where each text has one label`,
    expected: 'it where texts may have several',
    fix: 'pass multiLabel: true too, or leave it out',
  });
}

const noLabels = (): OptionError =>
  new OptionError(op, {
    given: '--format text for examples to learn from or to measure on',
    expected: 'table or jsonl, which have labels beside the texts',
    fix: 'leave it out, or name one of these',
  });

const isLabel = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const isBlankLabel = (value: unknown): boolean => isLabel(value) && isBlank(String(value));

const labelIn = (value: unknown): string | undefined => (isLabel(value) ? String(value) : undefined);

/** Several labels, or none, as of an empty cell or null; undefined of what are no labels. */
function labelsOf(given: unknown, divider: string): readonly string[] | undefined {
  if (given === null) return [];
  const labels: readonly unknown[] = typeof given === 'string' ? given.split(divider) : [given].flat();
  if (!labels.every(isLabel)) return undefined;
  return labels.map((label) => readLabel(String(label))).filter((label) => label !== '');
}

async function* inputs(source: DataSource): AsyncIterable<string> {
  const textColumn = text(source.settings['textColumn'], 'text');
  const format = formatOf(source);
  if (format === 'text') {
    await checkTexts(source, textColumn);
    return yield* streamTextLines(source.from, encodingOf(source));
  }
  if (format === 'table') {
    const expected = `a table (.csv, .tsv) with the column ${textColumn}, or JSON Lines (.jsonl)`;
    await checkTable(op, source, expected, 'pass --format text if each line is a text');
    const wanted = [{ option: 'textColumn', column: textColumn }];
    for await (const { fields } of columnsOf(op, source, wanted)) yield fields[0] ?? '';
    return;
  }
  for await (const { record, line } of streamJsonLines<unknown>(source.from, encodingOf(source)).withPlaces()) {
    const given = isPlainObject(record) ? record[textColumn] : record;
    if (typeof given !== 'string')
      throw wrongLine(source, line, wrongField(record, [textColumn]), `a text, or ${textColumn} of an object`);
    yield given;
  }
}

/**
 * Refuses a stream that begins as a table, or as JSON Lines, with the column of the texts: each line would be taken for
 * a text.
 */
async function checkTexts({ from, settings }: DataSource, textColumn: string): Promise<void> {
  if (typeof from === 'string' || settings['format'] === 'text') return;
  const line = await firstLineOf(op, from, settings['encoding']);
  const isTable = settings['header'] !== false && delimiterOfHeader(line, [textColumn]) !== undefined;
  if (!isTable && !isObjectWith(line, textColumn)) return;
  throw new FormatError(op, {
    given: `${nameOf(from)}, which seems to be ${isTable ? 'a table' : 'JSON Lines'} that begins with ${line}`,
    expected: 'a text a line',
    fix: `pass --format ${isTable ? 'table' : 'jsonl'}, or --format text if each line is a text`,
  });
}

/** Whether a line is JSON with a text of this name. */
function isObjectWith(line: string, field: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return isPlainObject(value) && typeof value[field] === 'string';
  } catch {
    return false;
  }
}

const wrongLine = ({ from }: DataSource, line: number, given: string, expected: string, more = ''): FormatError =>
  new FormatError(op, {
    given: `${given} in ${nameOf(from)}, line ${line}`,
    expected,
    fix: `mend the line, or leave it out${more}`,
  });

/** A part of each label; all of a label that has one example stays in training. */
function holdBack(all: readonly TextExample[], fraction: number, seed: number): HeldBack<TextExample> | undefined {
  const counts = new Map<string, number>();
  const keyOf = ({ label, labels }: TextExample): string =>
    (labels ?? [label ?? '']).map((one) => readLabel(one)).join('\n');
  for (const example of all) counts.set(keyOf(example), (counts.get(keyOf(example)) ?? 0) + 1);
  const rare = (example: TextExample): boolean => counts.get(keyOf(example)) === 1;
  const common = all.filter((example) => !rare(example));
  if (![...counts.values()].some((count) => count * fraction >= 0.5 && count > 1)) return undefined;
  const parts = splitDataset(common, { train: 1 - fraction, validation: fraction }, { stratifyBy: keyOf, seed });
  const [train, validation] = [parts.train, parts.validation].map((part) =>
    part.indices.flatMap((index) => common[index] ?? []),
  );
  return {
    train: [...(train ?? []), ...all.filter(rare)],
    validation: validation ?? [],
    how: `${Number((100 * fraction).toFixed(2))} % of each label, drawn by seed ${seed}`,
  };
}
