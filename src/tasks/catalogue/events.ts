import { splitDataset } from '../../data/split-dataset';
import { OptionError } from '../../tensor/errors';
import { counted } from '../../tensor/counted';
import { EventClassifier, type EventPrediction } from '../event-classifier';
import type { EventRow } from '../event-rows';
import { dateOf, momentOf } from '../event-time';
import { datedTableDescriptors, readDatedTable, textOr } from './dated-table';
import { describes, type OptionDescriptor } from './descriptor';
import { encoderDescriptors, encoderSearch, trainDescriptors } from './shared-descriptors';
import type { AnyTask, DataSource, HeldBack, TaskEntry } from './task-entry';

/** What differs from other tasks with such layers. */
const OTHER_DEFAULTS: Readonly<Record<string, Partial<OptionDescriptor>>> = {
  hiddenSize: { otherwise: '64' },
  dropout: { otherwise: '0.1' },
};

const options: readonly OptionDescriptor[] = [
  describes('key', 'text', 'customer', 'column that says whose event it is'),
  describes('time', 'text', 'date', 'column that says when: dates, or numbers of days'),
  describes('horizon', 'positive', '30', 'in how many days after a cut-off it has to happen'),
  describes('targetColumn', 'text', 'none: any row', 'column that tells which rows are what is asked for'),
  describes('targetValue', 'text', 'none', 'what stands there in such rows'),
  describes('numeric', 'names', 'those of nearly all numbers', 'columns of numbers, with commas between'),
  describes('categorical', 'names', 'those of few texts', 'columns of categories, with commas between'),
  describes('value', 'text', 'first column of numbers', 'what an event is worth, for the baseline'),
  describes('cutOffs', 'size', '6', 'cut-offs in training, one horizon apart'),
  describes('maxLength', 'size', '256', 'events of a customer that are read at most, the last ones'),
  describes('minFrequency', 'size', '5', 'how often a category has to occur to get a vector'),
  describes('embeddingDim', 'size', '8', 'width of the vector of a category'),
  ...encoderDescriptors(false).map((one) => ({ ...one, ...OTHER_DEFAULTS[one.name] })),
  describes('pooling', ['last', 'max', 'mean', 'attention'], 'last', 'how the events become one vector'),
];

const cutOff = describes('cutOff', 'text', 'one horizon before the last row', 'the last moment to learn from');

/** `stmnet train events`: a table of events with who and when. */
export const events: TaskEntry<EventRow, readonly EventRow[], EventPrediction> = {
  name: 'events',
  summary: 'Says whether it will happen: does a customer buy within the next days, does a machine fail?',
  form: 'an event: who, when, and what else is known of it',
  options,
  training: [...trainDescriptors({ steps: 300, batchSize: 128, learningRate: 3e-3 }), cutOff],
  data: datedTableDescriptors,
  quality: { figure: 'auroc', better: 'higher' },
  search: encoderSearch.filter(({ name }) => name !== 'embeddingDim'),
  make: (given) => new EventClassifier(given),
  load: (path) => EventClassifier.load(path),
  examples,
  holdBack,
  examplesText,
  forTask: (all) => all,
  inputIn: (row) => [row],
  unit: 'event',
  inputOfLength,
  inputs: () => {
    throw asTable();
  },
  inputOf: () => {
    throw asTable();
  },
  answers,
  askCommand: (run) => `stmnet predict ${run} --data FILE`,
  columns: (task) => (task instanceof EventClassifier ? task.columns : undefined),
  row: (_, { customer, probability }) => ({ customer: String(customer ?? ''), probability }),
};

const op = 'events';

const asTable = (): OptionError =>
  new OptionError(op, {
    given: 'an input by itself',
    expected: 'the events of all customers, since the last of them is the moment to look from',
    fix: 'pass data, a file with a table of them',
  });

function examples(source: DataSource): Promise<readonly EventRow[]> {
  const { settings } = source;
  const [who, when] = [textOr(settings['key'], 'customer'), textOr(settings['time'], 'date')];
  return readDatedTable<EventRow>(op, source, {
    columns: [who, when],
    each: 'event',
    form: `a table (.csv, .tsv) with the columns ${who}, ${when} and others`,
    says: `who and when (--key ${who}, --time ${when})`,
    naming: () => 'name them as the task does, or train with the names they have, by --key and --time',
  });
}

/** All rows of some customers. */
function holdBack(
  rows: readonly EventRow[],
  fraction: number,
  seed: number,
  { key }: DataSource['settings'],
): HeldBack<EventRow> | undefined {
  const column = typeof key === 'string' ? key : 'customer';
  const who = (row: EventRow): string => String(row[column] ?? '');
  const customers = new Set(rows.map(who)).size;
  if (Math.round(customers * fraction) < 1 || customers < 2) return undefined;
  const parts = splitDataset(rows, { train: 1 - fraction, validation: fraction }, { groupBy: who, seed });
  const how = `those of ${Number((100 * fraction).toFixed(2))} % of all who have any, drawn by seed ${seed}`;
  return { train: [...parts.train], validation: [...parts.validation], how };
}

/** An event a day of somebody, with each column that the task reads. */
function inputOfLength(count: number, task: AnyTask): readonly EventRow[] {
  if (!(task instanceof EventClassifier)) throw asTable();
  const { key, time } = task.options;
  const { numeric = [], categorical = [] } = task.columns ?? {};
  const cells = Object.fromEntries([...numeric.map((name) => [name, 0]), ...categorical.map((name) => [name, ''])]);
  return Array.from({ length: count }, (_, day): EventRow => ({ ...cells, [key]: 'one', [time]: day }));
}

/** The answers about all customers of a table. */
async function answers(
  task: AnyTask,
  source: DataSource,
  tell: (line: string) => void,
): Promise<readonly EventPrediction[]> {
  if (!(task instanceof EventClassifier)) throw asTable();
  const rows = await examples(source);
  const predictions = await task.predictAll(rows);
  if (task.labelled === true) tell('asked from the last row of each');
  else
    tell(`asked: the ${counted(task.options.horizon, 'day')} after ${lastOf(rows, task.options.time)}, the last row`);
  return predictions;
}

/** The time of the last of all rows. */
function lastOf(rows: readonly EventRow[], time: string): string {
  const moments = rows.flatMap((row) => momentOf(row[time]) ?? []);
  const last = moments.reduce((end, { days }) => Math.max(end, days), Number.NEGATIVE_INFINITY);
  return dateOf(last, moments[0]?.dated ?? false);
}

/** As `40 rows of 3 customers`. */
function examplesText(rows: readonly EventRow[], { key }: DataSource['settings']): string {
  const column = textOr(key, 'customer');
  return `${counted(rows.length, 'row')} of ${counted(new Set(rows.map((row) => row[column])).size, 'customer')}`;
}
