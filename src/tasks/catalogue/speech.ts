import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { streamJsonLines } from '../../data/readers/jsonl';
import { streamTextLines } from '../../data/readers/text-lines';
import { splitDataset } from '../../data/split-dataset';
import { FormatError, OptionError } from '../../tensor/errors';
import { isPlainObject } from '../../tensor/options';
import { listedPlaces, placed } from '../example-place';
import type { SpeechExample, SpeechInput } from '../speech-examples';
import type { SpeechPrediction } from '../speech-prediction';
import { SpeechRecognizer, type SpeechPredictOptions } from '../speech-recognizer';
import { describes, type OptionDescriptor } from './descriptor';
import { isJsonLines } from './json-lines';
import { encoderDescriptors, encoderSearch, trainDescriptors } from './shared-descriptors';
import { checkTable, columnsOf, encodingOf, nameOf, tableDescriptors } from './table-columns';
import type { AnyTask, DataSource, HeldBack, TaskEntry } from './task-entry';
import { taskOf } from './task-of';
import { wrongField } from './wrong-field';

/** What differs from other tasks with such layers. */
const OTHER_DEFAULTS: Readonly<Record<string, Partial<OptionDescriptor>>> = {
  numLayers: { otherwise: '2' },
  dropout: { otherwise: '0.3' },
};

const options: readonly OptionDescriptor[] = [
  ...encoderDescriptors(true).map((one) => ({ ...one, ...OTHER_DEFAULTS[one.name] })),
  describes('sampleRate', 'size', 'that of the first recording', 'samples a second of all recordings'),
  describes('numMels', 'size', '40', 'bands of frequencies that a frame is divided into'),
  describes('stack', 'size', '2', 'frames of 10 ms that are read as one step'),
  describes('augment', 'flag', 'true', 'whether training hides parts of the recordings', 'hide nothing in training'),
  describes('beamSize', 'size', '1', 'beginnings of a text that a search goes on with; 1 searches nothing'),
  describes('lowercase', 'flag', 'true', 'whether transcripts are written in small letters', 'keep capital letters'),
];

/** How a trained task searches. */
const searching: readonly OptionDescriptor[] = [
  describes('beamSize', 'size', 'as trained', 'beginnings of a text that a search goes on with; 1 searches nothing'),
];

/** A file of paths alone has nothing to learn from. */
const FORMAT = 'what a file is; auto goes by its name, paths is for predictions alone';

const data: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'table', 'jsonl', 'paths'], 'auto', FORMAT),
  describes('pathColumn', 'text', 'path', 'column or field of the path of a WAV file, from the folder of the file'),
  describes('textColumn', 'text', 'text', 'column or field of what is said'),
  ...tableDescriptors,
];

/** `stmnet train speech`: a table, or JSON Lines, of WAV files and what is said in them. */
export const speech: TaskEntry<SpeechExample, SpeechInput, SpeechPrediction> = {
  name: 'speech',
  summary: 'Writes down what is said in recordings.',
  form: 'a recording and what is said in it',
  options,
  training: trainDescriptors({ steps: 2500, batchSize: 32, learningRate: 3e-3 }),
  data,
  quality: { figure: 'charErrorRate', better: 'lower' },
  search: encoderSearch.filter(({ name }) => name !== 'embeddingDim'),
  make: (given) => new SpeechRecognizer(given),
  load: (path) => SpeechRecognizer.load(path),
  examples,
  holdBack,
  forTask: (all) => all,
  inputIn: (example) => ('path' in example ? example.path : example),
  unit: 'frame',
  inputOfLength,
  inputs,
  inputOf: (path) => path,
  askCommand: (run) => `stmnet predict ${run} FILE.wav`,
  predicting: {
    options: searching,
    predict: async (task, recordings, asked: SpeechPredictOptions) =>
      taskOf(op, task, SpeechRecognizer).predict(recordings, asked),
  },
  evaluating: {
    options: searching,
    evaluate: (task, all, asked: SpeechPredictOptions) => taskOf(op, task, SpeechRecognizer).evaluate(all, asked),
  },
  row: (input, { text, score }) => ({
    text,
    probability: Math.exp(score),
    ...(typeof input === 'string' && { path: input }),
  }),
};

const op = 'speech';

const named = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

type Format = 'table' | 'jsonl' | 'paths';

function formatOf({ from, settings: { format } }: DataSource): Format {
  if (format === 'table' || format === 'jsonl' || format === 'paths') return format;
  if (typeof from !== 'string') return 'paths';
  return isJsonLines({ from }) ? 'jsonl' : 'table';
}

/** A line of a list of recordings. */
interface Listed {
  readonly path: string;
  readonly text: string | undefined;
  readonly line: number;
}

async function examples(source: DataSource): Promise<readonly SpeechExample[]> {
  const { settings } = source;
  if (formatOf(source) === 'paths') throw noTexts();
  const all: Listed[] = [];
  for await (const one of listed(source, named(settings['textColumn'], 'text'))) all.push(one);
  checkThere(source, all);
  return all.map(({ path, text = '', line }) =>
    placed({ path, transcript: text }, { file: nameOf(source.from), line }),
  );
}

async function* inputs(source: DataSource): AsyncGenerator<SpeechInput> {
  if (formatOf(source) === 'paths') return yield* streamTextLines(source.from, encodingOf(source));
  for await (const one of listed(source, undefined)) {
    checkThere(source, [one]);
    yield one.path;
  }
}

/** The recordings of a list. @param textColumn  undefined where nothing says what is said */
async function* listed(source: DataSource, textColumn: string | undefined): AsyncGenerator<Listed> {
  const pathColumn = named(source.settings['pathColumn'], 'path');
  const names = [pathColumn, ...(textColumn === undefined ? [] : [textColumn])];
  if (formatOf(source) === 'table') {
    const expected = `a table (.csv, .tsv) with the columns ${names.join(' and ')}, or JSON Lines (.jsonl)`;
    const each =
      textColumn === undefined
        ? 'pass --format paths if each line is the path of a WAV file'
        : 'write the path of a WAV file and what is said in it in each row';
    await checkTable(op, source, expected, each);
    const wanted = names.map((column, at) => ({ option: at === 0 ? 'pathColumn' : 'textColumn', column }));
    for await (const { fields, line } of columnsOf(op, source, wanted))
      yield { path: pathFrom(source, fields[0] ?? ''), text: fields[1], line };
    return;
  }
  for await (const { record, line } of streamJsonLines<unknown>(source.from, encodingOf(source)).withPlaces()) {
    const fields = isPlainObject(record) ? record : {};
    const [path, text] = names.map((name) => fields[name]);
    if (typeof path !== 'string' || (textColumn !== undefined && typeof text !== 'string'))
      throw new FormatError(op, {
        given: `${wrongField(record, names)} in ${nameOf(source.from)}, line ${line}`,
        expected: `an object with ${names.join(' and ')}, texts`,
        fix: 'mend the line, or leave it out',
      });
    yield { path: pathFrom(source, path), text: typeof text === 'string' ? text : undefined, line };
  }
}

/** Paths of a list are those from where it lies. */
const pathFrom = ({ from }: DataSource, path: string): string =>
  typeof from === 'string' ? resolve(dirname(from), path) : path;

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** Refuses recordings that are no files, all of them in one error. */
function checkThere({ from }: DataSource, all: readonly Listed[]): void {
  const absent = all.filter(({ path }) => !isFile(path));
  if (absent.length === 0) return;
  const places = absent.map(({ path, line }) => `${path} (line ${line})`);
  throw new FormatError(op, {
    given: `${absent.length} of ${all.length} recordings of ${nameOf(from)}, no files: ${listedPlaces(places)}`,
    expected: 'paths of WAV files, from the folder of the list',
    fix: 'mend the paths, or move the list beside the recordings',
  });
}

const noTexts = (): OptionError =>
  new OptionError(op, {
    given: '--format paths for examples to learn from or to measure on',
    expected: 'table or jsonl, which say what is said in the recordings',
    fix: 'leave it out, or name one of these',
  });

/** A quiet tone. */
function inputOfLength(frames: number, task: AnyTask): SpeechInput {
  const sampleRate = (task instanceof SpeechRecognizer ? task.sampleRate : undefined) ?? 8000;
  const count = Math.max(Math.round((frames - 1) * 0.01 * sampleRate), 0);
  return { samples: Float32Array.from({ length: count }, (_, at) => 0.1 * Math.sin(0.3 * at)), sampleRate };
}

function holdBack(all: readonly SpeechExample[], fraction: number, seed: number): HeldBack<SpeechExample> | undefined {
  const count = Math.round(all.length * fraction);
  if (count < 1 || count >= all.length) return undefined;
  const parts = splitDataset(all, { train: all.length - count, validation: count }, { seed });
  const how = `${Number((100 * fraction).toFixed(2))} %, drawn by seed ${seed}`;
  return { train: [...parts.train], validation: [...parts.validation], how };
}
