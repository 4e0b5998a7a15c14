import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { catalogue } from '../../tasks/catalogue';
import type { AnyTask, TaskEntry } from '../../tasks/catalogue/task-entry';
import { figuresText } from '../../training/epoch-record';
import type { History } from '../../training/history';
import { makeLineProgress } from '../../training/progress';
import type { EventColumnNames } from '../../tasks/event-cells';
import { RunFolder } from '../../tasks/run-folder';
import { addDataOptions } from '../data-options';
import { addDescriptors, givenOptions } from '../descriptor-options';
import { evaluationJson, printEvaluation } from '../evaluation-text';
import { evaluateTask, fitTask, reportTask } from '../task-verbs';
import { exampleFiles } from '../example-files';
import { interruptible } from '../interruptible';
import { modelIn } from '../open-run';
import { addCommonOptions, addExamples, hasColours, print, remark, type CommonOptions } from '../output';
import { checkOutputFolder } from '../output-folder';
import { quoted } from '../option-differences';
import { InputError } from '../report-error';
import { checkResumedData } from '../resumed-data';
import { trainConfig, type GivenFiles } from '../train-config';
import { readTrainData, type TrainData } from '../train-data';
import { noProgress, shownProgress } from '../shown-progress';
import { TrainingDisplay } from '../training-display';
import { bestEpoch, trainingHint } from '../training-hint';

/** Options of `stmnet train TASK` beside those of the task. */
interface TrainOptions extends CommonOptions, GivenFiles {
  readonly output: string;
  readonly resume?: boolean;
}

/** The command `stmnet train`, with a command below it for each task. */
export function trainCommand(): Command {
  const train = new Command('train').description('Trains a task on a file of examples, into a run folder.');
  for (const entry of catalogue) train.addCommand(taskCommand(entry));
  return addExamples(train, [
    'stmnet train classify --data spam.csv --output run',
    'stmnet train classify --data spam.tsv --no-header --label-column 0 --text-column 1 --output run',
    'stmnet train classify --output run --resume',
  ]);
}

function taskCommand(entry: TaskEntry): Command {
  const command = new Command(entry.name)
    .summary(entry.summary)
    .description(`${entry.summary} Learns from a file, each example of which is ${entry.form}.`);
  addDataOptions(command, entry);
  command
    .optionsGroup('Run folder:')
    .requiredOption('--output <folder>', 'where to write model, history, checkpoints and report')
    .option('--resume', 'go on with the training of that folder where it stopped, bit for bit')
    .option('--config <file>', 'take options from a configuration, such as config.json of a run folder');
  addDescriptors(command, entry.training, 'Training:');
  addDescriptors(command, entry.options, 'Model:');
  addDescriptors(command, testedBack(entry)?.options ?? [], 'Back-test:');
  addCommonOptions(command).action(async (options: TrainOptions) => train(entry, command, options));
  const { train: data, test } = exampleFiles[entry.name];
  const name = `stmnet train ${entry.name} --data ${data}`;
  return addExamples(command, [
    `${name} --output run`,
    `${name} --test ${test} --output run --hidden-size 64 --epochs 10`,
    `stmnet train ${entry.name} --output run --resume`,
  ]);
}

/** How a task is measured by trainings of its own, if it can be. */
const testedBack = ({ evaluating }: TaskEntry): TaskEntry['evaluating'] =>
  evaluating?.trains === true ? evaluating : undefined;

async function train(entry: TaskEntry, command: Command, options: TrainOptions): Promise<void> {
  const { output, resume = false } = options;
  refuseOldRun(output, resume);
  const begun = new RunFolder(output).hasCheckpoints;
  await checkOutputFolder(output, 'config.json');
  const { options: made, training, settings, files } = await trainConfig(entry, command, goingOn(options));
  const task = entry.make(made);
  const from = { ...files, seed: Number(training['seed']) };
  if (resume && !begun) remark(options, `${output} holds no training yet: beginning one`);
  if (resume) await checkResumedData(new RunFolder(output), { ...from, settings }, entry);
  const examples = await readTrainData(entry, from, { ...made, ...settings });
  for (const line of examples.lines) remark(options, line);
  const asked = givenOptions(command, testedBack(entry)?.options ?? []);
  const source = { from: from.data, settings: { ...made, ...settings } };
  const backtest =
    Object.keys(asked).length === 0
      ? undefined
      : await testedBack(entry)?.evaluate(task, await entry.examples(source), asked, training);
  const history = await fit(
    entry,
    task,
    examples,
    { ...training, output, resume, source: { ...from, settings } },
    options,
  );
  await printResult({ entry, task, history, examples, backtest, patience: training['patience'] }, options);
}

/** A training that goes on, and is told no data, has those of its own configuration. */
function goingOn(options: TrainOptions): TrainOptions {
  const { output, resume = false, data, config } = options;
  const isOwn = resume && data === undefined && config === undefined && existsSync(join(output, 'config.json'));
  return isOwn ? { ...options, config: output } : options;
}

/** Trains; Ctrl-C leaves a checkpoint, and says how to go on. */
async function fit(
  entry: TaskEntry,
  task: AnyTask,
  { train: learned, validation: held }: TrainData,
  training: Readonly<Record<string, unknown>>,
  options: TrainOptions,
): Promise<History> {
  let display: TrainingDisplay | undefined;
  const shown = (epochs: number): TrainingDisplay =>
    (display = new TrainingDisplay(epochs, process.stderr, hasColours(process.stderr)));
  const progress = shownProgress(entry, process.stderr.isTTY ? shown : makeLineProgress);
  const told = { options, onAsked: () => display?.hide(), message: () => interruptedText(options.output) };
  return interruptible(told, (check) =>
    fitTask(
      entry,
      task,
      { train: learned, validation: held },
      { ...training, progress: options.quiet === true ? noProgress : progress },
      () => {
        const columns = entry.columns?.(task);
        if (columns !== undefined) remark(options, columnsText(columns));
        const found = entry.foundOut?.(task);
        if (found !== undefined) remark(options, found);
        check();
      },
    ),
  );
}

function columnsText({ numeric, categorical, leftOut }: EventColumnNames): string {
  const listed = (names: readonly string[]): string => names.join(', ') || 'none';
  return `columns of numbers: ${listed(numeric)}; of categories: ${listed(categorical)}; left out: ${listed(leftOut)}`;
}

function interruptedText(output: string): string {
  const { hasCheckpoints, unfinished } = new RunFolder(output);
  const place = hasCheckpoints ? `with a checkpoint in ${output}` : 'before the first step';
  const model = existsSync(unfinished) ? ', and a model of what it learned so far, which stmnet predict asks' : '';
  return `interrupted, ${place}${model}. To go on: ${resumeCommand()}`;
}

/** The command of this process, as one would type it to go on. */
function resumeCommand(): string {
  const args = process.argv.slice(2).filter((arg) => arg !== '--resume');
  return `stmnet ${args.map(quoted).join(' ')} --resume`;
}

/** Nothing of an earlier training is written over. */
function refuseOldRun(output: string, resume: boolean): void {
  if (!existsSync(output)) return;
  const { hasCheckpoints } = new RunFolder(output);
  if (resume && !hasCheckpoints && existsSync(modelIn(output)))
    throw new InputError(
      `${output} holds a model, but no checkpoint to go on from. Fix: name another folder as --output.`,
    );
  const old = [modelIn(output), join(output, 'config.json')].some((file) => existsSync(file));
  if (resume || (!old && !hasCheckpoints)) return;
  throw new InputError(
    `${output} holds a training already. Fix: add --resume to go on with it, or name another folder as --output.`,
  );
}

/** What a training came to. */
interface Trained {
  readonly entry: TaskEntry;
  readonly task: AnyTask;
  readonly history: History;
  readonly examples: TrainData;
  /** What a back-test came to, if one was asked for. */
  readonly backtest: object | undefined;
  /** That of its options. */
  readonly patience: unknown;
}

async function printResult(
  { entry, task, history, examples, backtest, patience }: Trained,
  options: TrainOptions,
): Promise<void> {
  const { output } = options;
  const evaluation = examples.test && (await evaluateTask(entry, task, examples.test));
  if (examples.test) await reportTask(entry, task, examples.test, output);
  if (options.json === true) {
    const epoch = history.epochs.find((record) => record.epoch === bestEpoch(history)) ?? history.last;
    const seconds = history.epochs.reduce((sum, record) => sum + record.seconds, 0);
    const test = evaluation && evaluationJson(evaluation);
    const result = {
      task: entry.name,
      output,
      model: modelIn(output),
      epochs: history.epochs.length,
      seconds,
      epoch,
      test,
      ...(backtest && { backtest: evaluationJson(backtest) }),
    };
    return print(`${JSON.stringify(result)}\n`);
  }
  if (evaluation && examples.testText !== undefined) {
    await print(`test on ${examples.testText}:\n`);
    await printEvaluation(evaluation, options);
  }
  if (backtest !== undefined) {
    await print('back-test:\n');
    await printEvaluation(backtest, options);
  }
  const best = entry.shownFigures && history.epochs.find((record) => record.epoch === bestEpoch(history))?.validation;
  if (best !== undefined && entry.shownFigures !== undefined) {
    const { loss: _loss, ...others } = entry.shownFigures(best); // the loss was told when the training ended
    remark(options, `best validation: ${figuresText(others)}`);
  }
  const hint = trainingHint(history, patience);
  if (hint !== undefined) remark(options, hint);
  remark(options, `\n${modelIn(output)} has the model. Next:`);
  remark(
    options,
    `  ${entry.askCommand(output)}      stmnet evaluate ${output} --data FILE      stmnet serve ${output}`,
  );
}
