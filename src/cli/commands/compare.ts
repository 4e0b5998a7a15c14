import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { makeFolder } from '../../files/make-folder';
import { catalogue } from '../../tasks/catalogue';
import { writeComparison, type ComparisonRow } from '../../report';
import { nameText } from '../../report/format';
import { membersIn, numberIn, objectIn, textIn, type Reader } from '../../report/json-form';
import type { TaskEntry } from '../../tasks/catalogue/task-entry';
import {
  addExperimentOptions,
  beginExperiment,
  experimentCommand,
  runOnce,
  type Experiment,
  type ExperimentOptions,
} from '../experiment';
import { parseValue } from '../descriptor-options';
import { exampleFiles } from '../example-files';
import { interruptible } from '../interruptible';
import {
  checkSame,
  figureIn,
  keepResults,
  keptResults,
  optionsOf,
  tracesOf,
  type ExperimentIdentity,
} from '../kept-results';
import { addExamples, print, remark, tableText } from '../output';
import { checkOutputFolder } from '../output-folder';
import { UsageError } from '../report-error';
import { parametersOf } from '../task-verbs';
import { counted } from '../../tensor/counted';

/** Options of `stmnet compare TASK` beside those of the task. */
interface CompareOptions extends ExperimentOptions {
  readonly cells: readonly string[];
  readonly hiddenSizes: readonly number[];
  readonly output?: string;
}

/** The command `stmnet compare`, with a command below it for each task. */
export function compareCommand(): Command {
  const compare = new Command('compare').description(
    'Trains a task with several cells and sizes, and compares training time, prediction time, parameters and quality.',
  );
  for (const entry of catalogue) compare.addCommand(taskCommand(entry));
  return addExamples(compare, [
    'stmnet compare classify --data spam.csv --cells lstm,gru --hidden-sizes 64,256',
    'stmnet compare classify --data spam.csv --cells lstm --hidden-sizes 32,64,128 --output comparison',
    'stmnet compare lm --data book.txt --cells lstm,gru,rnn --epochs 5 --json',
  ]);
}

function taskCommand(entry: TaskEntry): Command {
  const command = experimentCommand(entry)
    .description('Trains the task with each cell in each size, and compares the models.')
    .optionsGroup('Comparison:')
    .addOption(
      new Option('--cells <names>', 'kinds of recurrent layers, with commas between')
        .argParser(cellsOf)
        .default(['lstm', 'gru'], 'lstm,gru'),
    )
    .addOption(
      new Option('--hidden-sizes <n,n>', 'widths of their states, with commas between')
        .argParser(sizesOf)
        .default([64, 128], '64,128'),
    )
    .option('--output <folder>', 'where to write compare.html and compare.json')
    .option('--config <file>', 'take other options from a configuration');
  addExperimentOptions(command, entry, {}, ['cell', 'hiddenSize']).action(async (options: CompareOptions) =>
    compare(entry, command, options),
  );
  const name = `stmnet compare ${entry.name} --data ${exampleFiles[entry.name].train}`;
  return addExamples(command, [
    `${name} --cells lstm,gru --hidden-sizes 64,256`,
    `${name} --cells lstm --hidden-sizes 32,64,128 --output comparison`,
    `${name} --epochs 5 --json`,
  ]);
}

const cellsOf = (text: string): readonly string[] =>
  different(
    'cells',
    text.split(',').map((cell) => String(parseValue(['lstm', 'gru', 'rnn'], cell.trim()))),
  );

const sizesOf = (text: string): readonly number[] =>
  different(
    'sizes',
    text.split(',').map((size) => Number(parseValue('size', size))),
  );

function different<T>(what: string, values: readonly T[]): readonly T[] {
  if (new Set(values).size === values.length) return values;
  throw new InvalidArgumentError(`Expected ${what} that differ.`);
}

async function compare(entry: TaskEntry, command: Command, options: CompareOptions): Promise<void> {
  const { output } = options;
  if (output !== undefined) await checkOutputFolder(output, 'compare.json');
  const experiment = await beginExperiment(entry, command, options);
  checkVaried(experiment);
  const place = output === undefined ? undefined : { folder: output, identity: identityOf(experiment) };
  const rows: ComparisonRow[] = place === undefined ? [] : [...(await rowsIn(place))];
  for (const line of experiment.data.lines) remark(options, line);
  const message = (): string => interruptedText(rows.length, output);
  await interruptible({ options, message }, (check) => measureAll({ experiment, options, place, rows, check }));
  if (place !== undefined) await write(place, rows, false);
  const wanted = modelsOf(options).map(({ name }) => name);
  await tell(
    experiment,
    rows.filter(({ name }) => wanted.includes(name)),
    options,
  );
}

/** @throws {UsageError} if something given says which cell all models have */
function checkVaried({ entry, options, training }: Experiment): void {
  const open = entry.searchBeside?.({ ...options, ...training }) ?? entry.search;
  const closed = entry.search.filter(({ name }) => !open.some((range) => range.name === name));
  if (!closed.some(({ name }) => name === 'cell' || name === 'hiddenSize')) return;
  throw new UsageError(
    'got --language-model, whose cell and size all models would have, expected models that differ in them. ' +
      'Fix: leave it out, or call stmnet tune, which compares other settings.',
  );
}

function interruptedText(done: number, output: string | undefined): string {
  if (done === 0) return 'interrupted before a model was done. To begin anew: the same command';
  const models = counted(done, 'model');
  if (output === undefined)
    return `interrupted after ${models}; nothing is kept without --output. To begin anew: the same command`;
  return `interrupted; ${models} of it ${done === 1 ? 'is' : 'are'} kept in ${output}. To go on: the same command`;
}

/** Where a comparison is kept. */
interface Place {
  readonly folder: string;
  readonly identity: ExperimentIdentity;
}

/** A comparison that goes on. */
interface Comparison {
  readonly experiment: Experiment;
  readonly options: CompareOptions;
  /** Undefined where nothing is kept. */
  readonly place: Place | undefined;
  /** Takes what each model came to. */
  readonly rows: ComparisonRow[];
  /** Throws once Ctrl-C was pressed. */
  readonly check: () => void;
}

/** A model that is compared. */
interface ComparedModel {
  /** As `LSTM-64`. */
  readonly name: string;
  readonly cell: string;
  readonly hiddenSize: number;
}

const modelsOf = ({ cells, hiddenSizes }: CompareOptions): readonly ComparedModel[] =>
  cells.flatMap((cell) =>
    hiddenSizes.map((hiddenSize) => ({ name: `${cell.toUpperCase()}-${hiddenSize}`, cell, hiddenSize })),
  );

/** Trains the models that are not there yet. */
async function measureAll({ experiment, options, place, rows, check }: Comparison): Promise<void> {
  const left = modelsOf(options).filter(({ name }) => rows.every((row) => row.name !== name));
  for (const model of left) {
    check();
    const row = await measure(experiment, model, check);
    rows.push(row);
    remark(options, `${row.name}: trained in ${row.trainingSeconds.toFixed(1)} s`);
    if (place !== undefined) await write(place, rows, true);
  }
}

async function tell(experiment: Experiment, rows: readonly ComparisonRow[], options: CompareOptions): Promise<void> {
  if (options.json === true) return print(`${JSON.stringify({ measuredOn: experiment.judge, models: rows })}\n`);
  const names = Object.keys(rows[0]?.figures ?? {});
  const heads = ['model', ...names.map(nameText), 'training s', 'prediction ms', 'parameters'];
  const cellsOfRow = ({ name, figures, trainingSeconds, predictionSeconds, parameters }: ComparisonRow) => [
    name,
    ...names.map((figure) => figures[figure]),
    trainingSeconds.toFixed(1).padStart(10),
    (1000 * predictionSeconds).toFixed(3).padStart(13),
    parameters,
  ];
  await print(tableText(heads, rows.map(cellsOfRow), ['parameters']));
  remark(options, `Figures of the ${experiment.judge}; prediction of one example, many at a time.`);
  if (options.output !== undefined) remark(options, `${join(options.output, 'compare.html')} shows them.`);
}

async function measure(experiment: Experiment, model: ComparedModel, check: () => void): Promise<ComparisonRow> {
  const { entry, judged } = experiment;
  const { name, ...made } = model;
  const { task, seconds, figures } = await runOnce(experiment, made, {}, check, true);
  const inputs = entry.measuredInputs?.(task) ?? judged.slice(0, 1000).map((example) => entry.inputIn(example));
  const predictionSeconds = (await medianSeconds(() => task.predict(inputs))) / inputs.length;
  return { name, trainingSeconds: seconds, predictionSeconds, parameters: parametersOf(task), figures };
}

/** How long a call takes, in the median of five: one may meet what else the machine does. */
async function medianSeconds(call: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    await call();
    seconds.push((performance.now() - begin) / 1000);
  }
  return seconds.sort((a, b) => a - b)[2] ?? Number.NaN;
}

/** What is compared may become more; all else is the same for all models. */
function identityOf(experiment: Experiment): ExperimentIdentity {
  const { cell: _cell, hiddenSize: _hiddenSize, ...options } = optionsOf(experiment);
  return { options, examples: tracesOf(experiment) };
}

const rowIn: Reader<ComparisonRow> = objectIn(
  {
    name: textIn,
    trainingSeconds: numberIn,
    predictionSeconds: numberIn,
    parameters: numberIn,
    figures: membersIn(figureIn),
  },
  {},
);

/** Models of the same comparison that are done. @throws {InputError} if the folder holds another one, or is damaged */
async function rowsIn({ folder, identity }: Place): Promise<readonly ComparisonRow[]> {
  const file = join(folder, 'compare.json');
  const kept = await keptResults(file, rowIn);
  if (kept !== undefined) checkSame(file, 'comparison', kept, identity);
  return kept?.results ?? [];
}

async function write({ folder, identity }: Place, rows: readonly ComparisonRow[], running: boolean): Promise<void> {
  await makeFolder('compare', folder);
  await keepResults('compare', join(folder, 'compare.json'), { ...identity, results: rows });
  await writeComparison(join(folder, 'compare.html'), rows, { running });
}
