import { streamJsonLines } from '../../data/readers/jsonl';
import { splitDataset } from '../../data/split-dataset';
import { FormatError, OptionError } from '../../tensor/errors';
import { describe, isPlainObject } from '../../tensor/options';
import { placed } from '../example-place';
import { QuestionAnswerer } from '../question-answerer';
import { sentencesOf, type AskedStory, type QuestionExample } from '../question-examples';
import type { QuestionPrediction } from '../question-prediction';
import { babiQuestions } from './babi';
import { describes, type OptionDescriptor } from './descriptor';
import { firstLineOf } from './first-line';
import { isJsonLines } from './json-lines';
import { checkForm } from './seeming';
import { encoderDescriptors, encoderSearch, tokenDescriptors, trainDescriptors } from './shared-descriptors';
import { columnsOf, encodingOf, isNamedTable, nameOf, tableDescriptors } from './table-columns';
import type { DataSource, HeldBack, TaskEntry } from './task-entry';
import { typedLines } from './typed-lines';
import { typedQuestion } from './typed-question';
import { wrongField } from './wrong-field';

const options: readonly OptionDescriptor[] = [
  ...encoderDescriptors(true),
  ...tokenDescriptors,
  describes(
    'attention',
    'flag',
    'true',
    'whether the question attends to all sentences of a story',
    'answer by what is known at the last sentence',
  ),
];

const FORMAT = 'what a file is; auto goes by its name, and else is lines of bAbI; text is for predictions alone';

const data: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'babi', 'jsonl', 'table', 'text'], 'auto', FORMAT),
  describes('storyColumn', 'text', 'story', 'column or field of the story, a text or, in JSON Lines, its sentences'),
  describes('questionColumn', 'text', 'question', 'column or field of the question'),
  describes('answerColumn', 'text', 'answer', 'column or field of the answer'),
  ...tableDescriptors,
];

/** `stmnet train qa`: stories, questions and answers. */
export const qa: TaskEntry<QuestionExample, AskedStory, QuestionPrediction> = {
  name: 'qa',
  summary: 'Answers questions about stories: where is Mary, who has the milk?',
  form: 'a story, a question and its answer',
  options,
  training: trainDescriptors({ steps: 1200, batchSize: 32, learningRate: 3e-3 }),
  data,
  quality: { figure: 'accuracy', better: 'higher' },
  search: encoderSearch,
  make: (given) => new QuestionAnswerer(given),
  load: (path) => QuestionAnswerer.load(path),
  examples,
  holdBack,
  forTask: (all) => all,
  inputIn: ({ story, question }) => ({ story, question }),
  unit: 'sentence',
  inputOfLength: (count) => ({ story: new Array<string>(count).fill('A word and another.'), question: 'What word?' }),
  inputs,
  inputOf: (text) => storyOf(text),
  strangers: (task, asked) => (task instanceof QuestionAnswerer ? task.strangers(asked) : []),
  askCommand: (run) => `stmnet predict ${run} "STORY. QUESTION?"`,
  row: ({ question }, { answer, probability }) => ({ answer, probability, question }),
};

const op = 'qa';
const named = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

function formatOf(source: DataSource): 'babi' | 'jsonl' | 'table' | 'text' {
  const { format } = source.settings;
  if (format === 'babi' || format === 'jsonl' || format === 'table' || format === 'text') return format;
  if (isJsonLines(source)) return 'jsonl';
  return typeof source.from === 'string' && isNamedTable(source.from) ? 'table' : 'babi';
}

/** A question as a file has it. */
interface ReadQuestion extends AskedStory {
  readonly answer: string | undefined;
  readonly line: number;
}

async function examples(source: DataSource): Promise<readonly QuestionExample[]> {
  const all: QuestionExample[] = [];
  for await (const { story, question, answer, line } of questions(source, true)) {
    if (answer === undefined) throw wrongLine(source, line, `no answer to ${describe(question)}`);
    all.push(placed({ story, question, answer }, { file: nameOf(source.from), line }));
  }
  return all;
}

async function* inputs(source: DataSource): AsyncGenerator<AskedStory> {
  if (await isTexts(source)) return yield* typed(source);
  for await (const { story, question } of questions(source, false)) yield { story, question };
}

/**
 * Whether each line is a story and its question: if that is said, or a stream begins neither as JSON nor as bAbI, which
 * is with one sentence behind the number 1: `1 Mary moved to the bathroom.`
 */
async function isTexts({ from, settings }: DataSource): Promise<boolean> {
  const { format } = settings;
  if (format === 'text') return true;
  if (typeof from === 'string' || (format !== undefined && format !== 'auto')) return false;
  const first = await firstLineOf(op, from, settings['encoding']);
  const [, numbered] = /^1 ([^\t]+)/.exec(first) ?? [];
  return !/^\s*[[{]/.test(first) && (numbered === undefined || sentencesOf(numbered).length > 1);
}

/** Stories and questions that stand in a line each. */
async function* typed(source: DataSource): AsyncGenerator<AskedStory> {
  await checkForm(op, source, {
    expected: 'a story and its question in each line',
    refused: () => false,
    fix: () => '',
  });
  for await (const { text, where } of typedLines(source)) yield storyOf(text, where);
}

/** @param answered  whether each has an answer */
async function* questions(source: DataSource, answered: boolean): AsyncGenerator<ReadQuestion> {
  const { settings } = source;
  const format = formatOf(source);
  if (format === 'text') throw noAnswers();
  await checkForm(op, source, {
    expected: 'lines of bAbI, JSON Lines (.jsonl) or a table (.csv, .tsv) with story, question and answer',
    refused: ({ form }) => format === 'babi' && form !== 'text' && form !== 'columns' && form !== 'table',
    fix: ({ form }) => (form === 'jsonl' ? 'pass --format jsonl' : 'give a file of this form, or convert it'),
  });
  if (format === 'babi') return yield* babiQuestions(op, source, answered);
  const names = ['story', 'question', 'answer'].map((name) => named(settings[`${name}Column`], name));
  if (format === 'table') {
    const wanted = names.map((column, at) => ({
      option: ['storyColumn', 'questionColumn', 'answerColumn'][at] ?? '',
      column,
      optional: at === 2 && !answered,
    }));
    for await (const { fields, line } of columnsOf(op, source, wanted))
      yield { story: fields[0] ?? '', question: fields[1] ?? '', answer: fields[2], line };
    return;
  }
  for await (const { record, line } of streamJsonLines<unknown>(source.from, encodingOf(source)).withPlaces()) {
    const fields = isPlainObject(record) ? record : {};
    const [story, question, answer] = names.map((name) => fields[name]);
    const isTold = (value: unknown, name: string): boolean =>
      name === names[0] ? isStory(value) : typeof value === 'string';
    if (!isStory(story) || typeof question !== 'string')
      throw wrongLine(source, line, wrongField(record, names.slice(0, 2), isTold));
    if (answered && answer !== undefined && typeof answer !== 'string')
      throw wrongLine(source, line, wrongField(record, names.slice(2)));
    yield { story, question, answer: typeof answer === 'string' ? answer : undefined, line };
  }
}

const isStory = (value: unknown): value is string | readonly string[] =>
  typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string'));

const wrongLine = ({ from }: DataSource, line: number, given: string): FormatError =>
  new FormatError(op, {
    given: `${given} in ${nameOf(from)}, line ${line}`,
    expected: 'a story, a question and its answer',
    fix: 'mend the line, or leave it out',
  });

const noAnswers = (): OptionError =>
  new OptionError(op, {
    given: '--format text for examples to learn from or to measure on',
    expected: 'babi, jsonl or table, which have answers beside the questions',
    fix: 'leave it out, or name one of these',
  });

/** The last sentence of a text is the question, those before it are the story. */
function storyOf(text: string, where?: string): AskedStory {
  const { told, question } = typedQuestion(op, text, where);
  return { story: told, question };
}

function holdBack(
  all: readonly QuestionExample[],
  fraction: number,
  seed: number,
): HeldBack<QuestionExample> | undefined {
  const count = Math.round(all.length * fraction);
  if (count < 1 || count >= all.length) return undefined;
  const parts = splitDataset(all, { train: all.length - count, validation: count }, { seed });
  const how = `${Number((100 * fraction).toFixed(2))} %, drawn by seed ${seed}`;
  return { train: [...parts.train], validation: [...parts.validation], how };
}
