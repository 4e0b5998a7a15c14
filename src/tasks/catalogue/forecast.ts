import { OptionError } from '../../tensor/errors';
import { nearMiss } from '../../tensor/option-names';
import { counted } from '../../tensor/counted';
import type { Backtest, BacktestOptions } from '../forecast-backtest';
import type { ForecastRow } from '../forecast-row';
import { DAY, momentOf } from '../event-time';
import { stepIn } from '../forecast-rows';
import { seasonOf } from '../forecast-time';
import { Forecaster } from '../forecaster';
import { datedTableDescriptors, readDatedTable, textOr } from './dated-table';
import { describes, type OptionDescriptor } from './descriptor';
import { encoderDescriptors, encoderSearch, trainDescriptors } from './shared-descriptors';
import type { AnyTask, DataSource, HeldBack, TaskEntry } from './task-entry';
import { taskOf } from './task-of';

/** What differs from other tasks with such layers. */
const OTHER_DEFAULTS: Readonly<Record<string, Partial<OptionDescriptor>>> = {
  hiddenSize: { otherwise: '64' },
  dropout: { otherwise: '0.1' },
};

/** A step of a forecast in a line. */
type ForecastLine = Readonly<Record<string, string | number>>;

const options: readonly OptionDescriptor[] = [
  describes('target', 'names', 'value', 'columns that are forecast, with commas between'),
  describes('time', 'text', 'date', 'column that says when: dates, or numbers'),
  describes('series', 'text', 'none: all rows are one', 'column that says of which series a row is'),
  describes('window', 'size', '48', 'steps that are read'),
  describes('horizon', 'size', '12', 'steps that are forecast'),
  describes('numeric', 'names', 'those of nearly all numbers', 'other columns of numbers, with commas between'),
  describes('categorical', 'names', 'those of few texts', 'columns of categories, with commas between'),
  describes('known', 'names', 'none', 'columns that are known for the steps of a forecast, too'),
  describes('calendar', 'flag', 'true', 'whether hour, weekday and time of the year are read', 'read no calendar'),
  describes('season', 'size', 'a day, week or year', 'steps after which a season begins anew'),
  describes('anchor', ['last', 'season', 'none'], 'last', 'known value that the network says the difference from'),
  describes('strategy', ['direct', 'recursive'], 'direct', 'all steps at once, or each from those before'),
  describes('loss', ['mse', 'mae', 'huber', 'quantile'], 'mse', 'what the forecast makes small'),
  describes('quantiles', 'numbers', '0.1,0.5,0.9', 'probabilities that the truth is below, for intervals'),
  describes('scaling', ['series', 'all', 'window'], 'series', 'what has a scale of its own'),
  describes('logarithm', 'flag', 'false', 'whether logarithms of the targets are forecast'),
  describes('gaps', ['fill', 'refuse', 'join'], 'fill', 'what missing rows are: steps to fill, a mistake, or nothing'),
  describes('minFrequency', 'size', '5', 'how often a category has to occur to get a vector'),
  describes('embeddingDim', 'size', '8', 'width of the vector of a category'),
  ...encoderDescriptors(false).map((one) => ({ ...one, ...OTHER_DEFAULTS[one.name] })),
];

/** `stmnet train forecast`: a table of numbers in time. */
export const forecast: TaskEntry<ForecastRow, readonly ForecastRow[], ForecastLine> = {
  name: 'forecast',
  summary: 'Says how numbers go on in time: sales, load, temperature, of one series or many, with intervals.',
  form: 'a row: when, of which series, and what was measured',
  options,
  training: trainDescriptors({ steps: 600, batchSize: 64, learningRate: 3e-3 }),
  data: datedTableDescriptors,
  quality: { figure: 'scaledMse', better: 'lower' },
  search: encoderSearch.filter(({ name }) => name !== 'embeddingDim'),
  make: (given) => new Forecaster(given),
  load: (path) => Forecaster.load(path),
  examples,
  holdBack,
  examplesText,
  forTask: (all) => all,
  inputIn: (row) => [row],
  measuredInputs: (task) => new Array<readonly ForecastRow[]>(100).fill(inputOfLength(0, task)),
  unit: 'step',
  inputOfLength,
  inputs: () => {
    throw asTable();
  },
  inputOf: () => {
    throw asTable();
  },
  answers,
  evaluating: {
    trains: true,
    options: [
      describes(
        'folds',
        'size',
        'none; 3 with --size',
        'back-test: train anew before each of so many folds at the end',
      ),
      describes('size', 'size', 'the horizon', 'back-test: steps of a fold'),
    ],
    evaluate: backtest,
  },
  askCommand: (run) => `stmnet predict ${run} --data FILE`,
  columns: (task) => (task instanceof Forecaster ? task.columns : undefined),
  foundOut: (task) => (task instanceof Forecaster ? task.steps : undefined),
  row: (_, line) => line,
};

const op = 'forecast';

const asTable = (): OptionError =>
  new OptionError(op, {
    given: 'an input by itself',
    expected: 'the rows of all series, up to the moment to forecast from',
    fix: 'pass data, a file with a table of them',
  });

function examples(source: DataSource): Promise<readonly ForecastRow[]> {
  const columns = columnsIn(source.settings);
  return readDatedTable<ForecastRow>(op, source, {
    columns,
    each: 'row',
    form: `a table (.csv, .tsv) with the columns ${columns.join(', ')}`,
    says: `when and what (${columns.join(', ')})`,
    naming([first = '', ...others], names) {
      const near = others.length === 0 ? nearMiss(first, names) : undefined;
      const meant = 'name the columns that are meant by --time, --series and --target';
      return near === undefined ? meant : `${meant}: ${near} seems to be one`;
    },
  });
}

/** The columns that a table has to have. */
function columnsIn({ time, series, target }: DataSource['settings']): string[] {
  const targets = Array.isArray(target) ? target.map(String) : [textOr(target, 'value')];
  return [textOr(time, 'date'), ...(typeof series === 'string' ? [series] : []), ...targets];
}

const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** The last part of each series in time; the window before it is read, and learned from, too. */
function holdBack(
  rows: readonly ForecastRow[],
  fraction: number,
  _seed: number,
  settings: DataSource['settings'],
): HeldBack<ForecastRow> | undefined {
  const horizon = numberOf(settings['horizon'], 12);
  const groups = seriesIn(rows, settings);
  const context = Math.max(numberOf(settings['window'], 48), seasonIn(groups, settings));
  const train: ForecastRow[] = [];
  const validation: ForecastRow[] = [];
  for (const group of groups) {
    const sorted = group.map(({ row }) => row);
    const begin = sorted.length - Math.max(Math.round(fraction * sorted.length), horizon);
    if (begin < context + horizon) train.push(...sorted);
    else {
      train.push(...sorted.slice(0, begin));
      validation.push(...sorted.slice(begin - context));
    }
  }
  if (validation.length === 0) return undefined;
  const part = `the last ${Number((100 * fraction).toFixed(2))} % in time, or a horizon`;
  return { train, validation, how: `${part}, and the ${context} rows before them` };
}

/** A row with its moment in days. */
interface DatedRow {
  readonly row: ForecastRow;
  readonly days: number;
  readonly dated: boolean;
}

/** The rows of each series, in time. */
function seriesIn(rows: readonly ForecastRow[], { time, series }: DataSource['settings']): DatedRow[][] {
  const groups = new Map<unknown, DatedRow[]>();
  for (const row of rows) {
    const name = typeof series === 'string' ? row[series] : '';
    const dated = { row, ...(momentOf(row[textOr(time, 'date')]) ?? { days: 0, dated: false }) };
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [dated]);
    else group.push(dated);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => a.days - b.days));
}

/** Steps of a season, as the task finds them out. */
function seasonIn(groups: readonly (readonly DatedRow[])[], { season, gaps }: DataSource['settings']): number {
  const dated = groups[0]?.[0]?.dated ?? false;
  const moments = groups.map((group) => group.map(({ days }) => (dated ? Math.round(days * DAY) : days)));
  const step = stepIn(moments, dated, gaps === 'join' ? gaps : 'fill');
  return numberOf(season, step === undefined ? 1 : seasonOf(step));
}

/** Steps of one series, with each column that the task reads. */
function inputOfLength(count: number, task: AnyTask): readonly ForecastRow[] {
  const known = taskOf(op, task, Forecaster);
  const { time, series, target, horizon, window } = known.options;
  const { numeric = [], categorical = [] } = known.columns ?? {};
  const cells = Object.fromEntries([...numeric.map((name) => [name, 0]), ...categorical.map((name) => [name, ''])]);
  const steps = Math.max(count, window, known.reach ?? 0);
  return Array.from({ length: steps + horizon }, (_, step): ForecastRow => ({
    ...cells,
    ...(series !== undefined && { [series]: 'one' }),
    [time]: known.timeOf(step),
    ...Object.fromEntries(target.map((name) => [name, step < steps ? 1 : null])),
  }));
}

/** Options of `fit` that a back-test does not take: what goes with a run folder, and with a validation. */
const NOT_OF_FOLDS: ReadonlySet<string> = new Set(['output', 'resume', 'source', 'validateEvery', 'patience', 'keep']);

/** A forecaster of the same options, trained as the one of the run was before each fold, and compared on it. */
function backtest(
  task: AnyTask,
  rows: readonly ForecastRow[],
  asked: Pick<BacktestOptions, 'folds' | 'size'>,
  training: Readonly<Record<string, unknown>>,
): Promise<Backtest> {
  const fit = Object.fromEntries(Object.entries(training).filter(([name]) => !NOT_OF_FOLDS.has(name)));
  return taskOf(op, task, Forecaster).backtest(rows, { ...asked, fit });
}

/** How all series of a table go on, a line for each step. */
async function answers(
  task: AnyTask,
  source: DataSource,
  tell: (line: string) => void,
): Promise<readonly ForecastLine[]> {
  const known = taskOf(op, task, Forecaster);
  const forecasts = await known.predictAll(await examples(source));
  const { horizon, target, quantiles, series: ofSeries, time: ofTime } = known.options;
  const columns = target.flatMap((name) => [name, ...quantiles.map((level) => `${name} ${level}`)]);
  const keys = [...(ofSeries === undefined ? [] : [ofSeries]), ofTime];
  const listed = [...keys, ...columns].join(', ');
  tell(`forecast: the ${counted(horizon, 'step')} after the last value of each series; ${listed}`);
  return forecasts.flatMap(({ series, steps }) =>
    steps.map(({ time, values, quantiles: around = {} }) => ({
      ...(ofSeries !== undefined && series !== undefined && { [ofSeries]: series }),
      [ofTime]: String(time),
      ...Object.fromEntries(
        target.flatMap((name) => [
          [name, values[name] ?? Number.NaN],
          ...Object.entries(around[name] ?? {}).map(([level, value]) => [`${name} ${level}`, value]),
        ]),
      ),
    })),
  );
}

/** As `40 rows of 3 series`. */
function examplesText(rows: readonly ForecastRow[], { series }: DataSource['settings']): string {
  if (typeof series !== 'string') return counted(rows.length, 'row');
  const count = new Set(rows.map((row) => row[series])).size;
  return `${counted(rows.length, 'row')} of ${counted(count, 'series', 'series')}`;
}
