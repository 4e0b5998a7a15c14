import { streamJsonLines } from '../../data/readers/jsonl';
import { splitDataset } from '../../data/split-dataset';
import { FormatError, OptionError } from '../../tensor/errors';
import { describe, isPlainObject } from '../../tensor/options';
import { placed } from '../example-place';
import { SpanAnswerer } from '../span-answerer';
import type { AskedContext, SpanExample } from '../span-examples';
import type { SpanPrediction } from '../span-prediction';
import { describes, type OptionDescriptor } from './descriptor';
import { firstLineOf } from './first-line';
import { checkForm } from './seeming';
import { encoderDescriptors, encoderSearch, tokenDescriptors, trainDescriptors } from './shared-descriptors';
import { squadQuestions } from './squad';
import { columnsOf, encodingOf, isNamedTable, nameOf, tableDescriptors } from './table-columns';
import type { DataSource, HeldBack, TaskEntry } from './task-entry';
import { typedLines } from './typed-lines';
import { typedQuestion } from './typed-question';
import { wrongField } from './wrong-field';

const options: readonly OptionDescriptor[] = [
  ...encoderDescriptors(true),
  ...tokenDescriptors,
  describes('maxLength', 'size', 'those of the longest of training', 'words of an answer at most'),
];

const FORMAT = 'what a file is; auto goes by its name, and else is JSON Lines; squad is that of SQuAD';

const data: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'jsonl', 'squad', 'table'], 'auto', FORMAT),
  describes('contextColumn', 'text', 'context', 'column or field of the text that has the answer'),
  describes('questionColumn', 'text', 'question', 'column or field of the question'),
  describes('answerColumn', 'text', 'answer', 'column or field of the answer'),
  describes('startColumn', 'text', 'start', 'column or field that says where the answer begins, if there is one'),
  ...tableDescriptors,
];

/** `stmnet train span`: texts, and questions whose answers stand in them. */
export const span: TaskEntry<SpanExample, AskedContext, SpanPrediction> = {
  name: 'span',
  summary: 'Answers questions by a part of a text that has the answer in it.',
  form: 'a text as context, a question, and the answer as it stands in the text',
  options,
  training: trainDescriptors({ steps: 3000, batchSize: 32, learningRate: 3e-3 }),
  data,
  quality: { figure: 'f1', better: 'higher' },
  search: encoderSearch,
  make: (given) => new SpanAnswerer(given),
  load: (path) => SpanAnswerer.load(path),
  examples,
  holdBack,
  forTask: (all) => all,
  inputIn: ({ context, question }) => ({ context, question }),
  unit: 'token',
  inputOfLength: (count) => ({ context: 'a '.repeat(count).trimEnd(), question: 'What?' }),
  inputs,
  inputOf: (text) => inputOf(text),
  askCommand: (run) => `stmnet predict ${run} "TEXT. QUESTION?"`,
  row: ({ question }, { answer, probability }) => ({ answer, probability, question }),
};

const op = 'span';
const NAMES = ['context', 'question', 'answer', 'start'] as const;

function formatOf({ from, settings }: DataSource): 'jsonl' | 'squad' | 'table' {
  const { format } = settings;
  if (format === 'jsonl' || format === 'squad' || format === 'table') return format;
  return typeof from === 'string' && isNamedTable(from) ? 'table' : 'jsonl';
}

/** A question as a file has it. */
interface ReadSpan extends AskedContext {
  readonly answer: unknown;
  readonly start?: unknown;
  /** Of the file; of SQuAD's form none. */
  readonly line?: number;
}

async function examples(source: DataSource): Promise<readonly SpanExample[]> {
  const all: SpanExample[] = [];
  for await (const { context, question, answer, start, line } of questions(source, true)) {
    const found = answersIn(answer);
    if (found === undefined) throw wrongLine(source, line, `no answer to ${describe(question)}`);
    const begin = beginIn(start);
    if (begin === 'none') throw wrongLine(source, line, `start ${describe(start)}`);
    const example = { context, question, answer: found, ...(begin !== undefined && { start: begin }) };
    all.push(line === undefined ? example : placed(example, { file: nameOf(source.from), line }));
  }
  return all;
}

async function* inputs(source: DataSource): AsyncGenerator<AskedContext> {
  if (await isTexts(source)) {
    for await (const { text, where } of typedLines(source)) yield inputOf(text, where);
    return;
  }
  for await (const { context, question } of questions(source, false)) yield { context, question };
}

/** Whether each line is a context and its question: in a stream that does not begin as JSON, if no format is said. */
async function isTexts({ from, settings }: DataSource): Promise<boolean> {
  const { format = 'auto', encoding } = settings;
  return typeof from !== 'string' && format === 'auto' && !/^\s*[[{]/.test(await firstLineOf(op, from, encoding));
}

/** @param answered  whether each has an answer */
async function* questions(source: DataSource, answered: boolean): AsyncGenerator<ReadSpan> {
  const { settings, from } = source;
  const format = formatOf(source);
  if (format === 'squad') {
    if (typeof from !== 'string') throw noStream();
    for (const { answers, ...asked } of await squadQuestions(op, from))
      yield { ...asked, answer: answers.length === 0 ? '' : answers };
    return;
  }
  await checkForm(op, source, {
    expected: 'JSON Lines (.jsonl) or a table (.csv, .tsv) with context, question and answer, or a file of SQuAD',
    refused: ({ form }) => format === 'jsonl' && (form === 'table' || form === 'columns' || form === 'text'),
    fix: ({ form }) => (form === 'table' ? 'pass --format table' : 'give a file of this form, or convert it'),
  });
  const names = NAMES.map((name) => {
    const given = settings[`${name}Column`];
    return typeof given === 'string' ? given : name;
  });
  if (format === 'table') {
    const wanted = names.map((column, at) => ({
      option: `${NAMES[at]}Column`,
      column,
      optional: at === 3 || (at === 2 && !answered),
    }));
    for await (const { fields, line } of columnsOf(op, source, wanted))
      yield { context: fields[0] ?? '', question: fields[1] ?? '', answer: fields[2], start: fields[3], line };
    return;
  }
  for await (const { record, line } of streamJsonLines<unknown>(from, encodingOf(source)).withPlaces()) {
    const fields = isPlainObject(record) ? record : {};
    const [context, question, answer, start] = names.map((name) => fields[name]);
    if (typeof context !== 'string' || typeof question !== 'string')
      throw wrongLine(
        source,
        line,
        wrongField(record, names.slice(0, 2)),
        Array.isArray(fields['data']) ? SQUAD : undefined,
      );
    yield { context, question, answer, start, line };
  }
}

/** One answer, or several; undefined if it is none. */
function answersIn(answer: unknown): string | readonly string[] | undefined {
  if (typeof answer === 'string') return answer;
  const isList = Array.isArray(answer) && answer.length > 0 && answer.every((one) => typeof one === 'string');
  return isList ? (answer as readonly string[]) : undefined;
}

/** A number, also as the text of a table; undefined where there is none. */
function beginIn(start: unknown): number | undefined | 'none' {
  if (start === undefined || start === null) return undefined;
  const text = typeof start === 'number' || typeof start === 'string' ? String(start).trim() : 'none';
  if (text === '') return undefined;
  return /^\d+$/.test(text) ? Number(text) : 'none';
}

const noStream = (): OptionError =>
  new OptionError(op, {
    given: '--format squad of standard input',
    expected: 'a file, which is read as a whole',
    fix: 'name the file, as in --data train-v1.1.json --format squad',
  });

const SQUAD = 'pass --format squad, if it is a file of SQuAD';

const wrongLine = (
  { from }: DataSource,
  line: number | undefined,
  given: string,
  fix = 'mend the line, or leave it out',
): FormatError =>
  new FormatError(op, {
    given: `${given} in ${nameOf(from)}${line === undefined ? '' : `, line ${line}`}`,
    expected: 'a context, a question, its answer, and if there is a start a whole number of at least 0',
    fix,
  });

/** The last sentence of a text is the question, what is before it is the context. */
function inputOf(text: string, where?: string): AskedContext {
  const { question } = typedQuestion(op, text, where);
  return { context: text.slice(0, text.lastIndexOf(question)).trim(), question };
}

/** Some contexts with all their questions, or else a context of training would be one of validation. */
function holdBack(all: readonly SpanExample[], fraction: number, seed: number): HeldBack<SpanExample> | undefined {
  const groupBy = ({ context }: SpanExample): string => context;
  const contexts = new Set(all.map(groupBy)).size;
  if (Math.round(contexts * fraction) < 1 || Math.round(contexts * fraction) >= contexts) return undefined;
  const parts = splitDataset(all, { train: 1 - fraction, validation: fraction }, { groupBy, seed });
  const how = `${Number((100 * fraction).toFixed(2))} % of the contexts, drawn by seed ${seed}`;
  return { train: [...parts.train], validation: [...parts.validation], how };
}
