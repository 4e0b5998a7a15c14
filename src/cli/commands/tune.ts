import { join } from 'node:path';
import { Command } from 'commander';
import { writeJson } from '../../files/json-file';
import { catalogue } from '../../tasks/catalogue';
import { writeTuning, type TrialRecord } from '../../report';
import { nameText } from '../../report/format';
import { flagOf } from '../../tasks/catalogue/descriptor';
import type { SearchRange, TaskEntry } from '../../tasks/catalogue/task-entry';
import { OptionError } from '../../tensor/errors';
import { TrainingError } from '../../training/training-error';
import { parseValue } from '../descriptor-options';
import {
  addExperimentOptions,
  beginExperiment,
  experimentCommand,
  runOnce,
  type Experiment,
  type ExperimentOptions,
} from '../experiment';
import { exampleFiles } from '../example-files';
import { interruptible, isInterruption } from '../interruptible';
import { optionsOf, tracesOf } from '../kept-results';
import { quoted, typedOptions } from '../option-differences';
import { addExamples, fourDigits, print, remark, tableText } from '../output';
import { checkOutputFolder } from '../output-folder';
import { InputError, UsageError } from '../report-error';
import { drawTrials, furthestOf, roundsOf, TuningFolder, type Settings, type TrialResult } from '../tuning';
import { counted } from '../../tensor/counted';

/** Options of `stmnet tune TASK` beside those of the task. */
interface TuneOptions extends ExperimentOptions {
  readonly trials: number;
  readonly output: string;
}

/** Epochs of the last round by default. */
const EPOCHS = 9;

/** The command `stmnet tune`, with a command below it for each task. */
export function tuneCommand(): Command {
  const tune = new Command('tune').description(
    'Looks for better settings: random search with successive halving over learning rate, sizes, dropout and cell.',
  );
  for (const entry of catalogue) tune.addCommand(taskCommand(entry));
  return addExamples(tune, [
    'stmnet tune classify --data spam.csv --trials 20 --output search',
    'stmnet tune classify --data spam.csv --trials 20 --cell gru --epochs 12 --output search',
    'stmnet train classify --data spam.csv --config search/best.json --output run',
  ]);
}

function taskCommand(entry: TaskEntry): Command {
  const ranges = flagsOf(entry.search.map(({ name }) => name));
  const command = experimentCommand(entry)
    .description(
      `Looks for better settings of ${ranges}; what is given as an option stays as it is. The first trial has the ` +
        'defaults, or what --config says. Each round trains a third of the trials, the best so far, three times as ' +
        'long. After a kill the same command goes on, also with more --trials.',
    )
    .optionsGroup('Search:')
    .option('--trials <n>', 'trials of the first round', (text) => Number(parseValue('size', text)), 20)
    .requiredOption('--output <folder>', 'where to write best.json, tune.html and the trials')
    .option('--config <file>', 'begin with the options of a configuration');
  addExperimentOptions(command, entry, { epochs: `${EPOCHS}, those of the last round` }).action(
    async (options: TuneOptions) => tune(entry, command, options),
  );
  const name = `stmnet tune ${entry.name} --data ${exampleFiles[entry.name].train} --output search`;
  return addExamples(command, [name, `${name} --trials 40 --epochs 12`, `${name} --cell gru --seed 7`]);
}

const flagsOf = (names: readonly string[]): string => names.map(flagOf).join(', ');

async function tune(entry: TaskEntry, command: Command, options: TuneOptions): Promise<void> {
  await checkOutputFolder(options.output, 'tune.json');
  const experiment = await beginExperiment(entry, command, options);
  for (const line of experiment.data.lines) remark(options, line);
  const { trials, output } = options;
  const { seed: drawn, epochs: last = EPOCHS } = experiment.training;
  const [seed, epochs] = [Number(drawn), Number(last)];
  const open = openRanges(experiment, trials);
  const searched = open.map(({ name }) => name);
  const began = { options: { ...optionsOf(experiment), epochs }, examples: tracesOf(experiment) };
  const folder = await TuningFolder.open(output, { ...began, searched, trials });
  const settings = drawTrials(open, { trials, seed });
  const search = { experiment, folder, settings, options };
  remark(options, `looks for ${flagsOf(searched)}; trial 1 has ${firstText(search)}`);
  const message = (): string => {
    const kept = counted(folder.results.length, 'training is', 'trainings are');
    return `interrupted; ${kept} kept in ${output}. To go on: the same command`;
  };
  const best = await interruptible({ options, message }, (check) =>
    searchThrough({ ...search, check }, roundsOf(trials, epochs)),
  );
  await tellBest(search, best);
}

/**
 * What is searched: all that the task has to search but for what was typed. What a configuration says is where the
 * search begins, not what it leaves alone.
 *
 * @throws {UsageError} if that is nothing, and all trials would be alike
 */
function openRanges({ entry, options, training, typed }: Experiment, trials: number): readonly SearchRange[] {
  const all = entry.searchBeside?.({ ...options, ...training }) ?? entry.search;
  const open = all.filter(({ name }) => !typed.includes(name));
  if (open.length > 0 || trials === 1) return open;
  const flags = flagsOf(all.map(({ name }) => name));
  throw new UsageError(`got all of ${flags}, which leaves nothing to look for. Fix: leave one out.`);
}

/** A search that goes on. */
interface Search {
  readonly experiment: Experiment;
  readonly folder: TuningFolder;
  readonly settings: readonly Settings[];
  readonly options: TuneOptions;
}

/** A search that Ctrl-C stops: `check` throws once it was pressed. */
interface RunningSearch extends Search {
  readonly check: () => void;
}

/** @returns the best of the last round */
async function searchThrough(search: RunningSearch, rounds: ReturnType<typeof roundsOf>): Promise<TrialResult> {
  const { experiment, folder, settings, options } = search;
  let left = settings.map((_, at) => at + 1);
  let results: TrialResult[] = [];
  for (const [round, { trials, epochs }] of rounds.entries()) {
    left = left.slice(0, trials);
    const told = `${counted(left.length, 'trial')} of ${counted(epochs, 'epoch')}`;
    remark(options, `round ${round + 1} of ${rounds.length}: ${told}`);
    results = [];
    for (const trial of left) results.push(await resultOf(search, trial, epochs));
    results = results.filter(({ value }) => value !== null);
    results.sort(orderOf(experiment));
    left = results.map(({ trial }) => trial);
  }
  // Trials of an earlier, smaller search may have come as far by another way.
  const epochs = rounds.at(-1)?.epochs;
  const [best] = folder.results.filter((one) => one.epochs === epochs && one.value !== null).sort(orderOf(experiment));
  if (best !== undefined) return best;
  throw new InputError('all trials failed; tune.json of the output says why.');
}

/** The best first, those of a figure NaN last; of those that are equally good that of the smallest loss. */
const orderOf =
  ({ entry }: Experiment) =>
  (a: TrialResult, b: TrialResult): number => {
    const sign = entry.quality.better === 'higher' ? -1 : 1;
    return ascending(sign * (a.value ?? Number.NaN), sign * (b.value ?? Number.NaN)) || ascending(a.loss, b.loss);
  };

/** The smaller first, NaN last. */
function ascending(a = Number.NaN, b = Number.NaN): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : a - b;
}

/** Trains a trial, unless that has been done. */
async function resultOf(search: RunningSearch, trial: number, epochs: number): Promise<TrialResult> {
  const { experiment, folder, settings, options, check } = search;
  const done = folder.find(trial, epochs);
  if (done !== undefined) return done;
  check();
  const { entry } = experiment;
  const begin = performance.now();
  const fit = { epochs, output: folder.runOf(trial, epochs), resume: true };
  const result = await trainTrial(search, settings[trial - 1] ?? {}, fit).then(
    (result) => result,
    (error: unknown) => {
      if (isInterruption(error) || !isOfSettings(error)) throw error;
      return { value: null, error: error.message };
    },
  );
  const seconds = (performance.now() - begin) / 1000;
  await folder.add({ trial, epochs, seconds, ...result });
  await writePage(search, true);
  const figure = result.value === null ? 'failed' : `${nameText(entry.quality.figure)} ${fourDigits(result.value)}`;
  remark(options, `  trial ${trial}: ${figure}  ${settingsText(search, trial)}  ${seconds.toFixed(1)} s`);
  return { trial, epochs, seconds, ...result };
}

/** Whether the settings of a trial are why it failed; of other errors, as of a full disk, it is tried again. */
const isOfSettings = (error: unknown): error is Error => error instanceof TrainingError || error instanceof OptionError;

async function trainTrial(
  { experiment, check }: RunningSearch,
  settings: Settings,
  fit: Readonly<Record<string, unknown>>,
): Promise<Pick<TrialResult, 'value' | 'loss'>> {
  const { options, training } = divided(experiment, settings);
  const { figures } = await runOnce(experiment, options, { ...training, ...fit }, check);
  const { loss } = figures;
  return { value: figures[experiment.entry.quality.figure] ?? Number.NaN, ...(loss !== undefined && { loss }) };
}

/** Settings of the class, and those of its `fit`. */
function divided({ entry }: Experiment, settings: Settings): { options: Settings; training: Settings } {
  const ofFit = (name: string): boolean => entry.training.some((descriptor) => descriptor.name === name);
  const pick = (wanted: boolean): Settings =>
    Object.fromEntries(Object.entries(settings).filter(([name]) => ofFit(name) === wanted));
  return { options: pick(false), training: pick(true) };
}

/** What the first trial has. */
const firstText = ({ options: { config } }: Pick<Search, 'options'>): string =>
  config === undefined ? 'the defaults' : `those of ${config}`;

const settingsText = ({ settings, options }: Pick<Search, 'settings' | 'options'>, trial: number): string =>
  typedOptions(settings[trial - 1] ?? {}) || firstText({ options });

async function tellBest({ experiment, folder, settings, options }: Search, best: TrialResult): Promise<void> {
  const { entry } = experiment;
  const { options: made, training } = divided(experiment, settings[best.trial - 1] ?? {});
  const { epochs, ...rest } = experiment.training;
  const config = {
    task: entry.name,
    options: { ...experiment.options, ...made },
    training: { ...rest, ...training, ...(epochs === undefined ? {} : { epochs }) },
    source: { ...experiment.files, settings: experiment.settings },
  };
  const file = join(folder.path, 'best.json');
  await writeJson('tune', file, config);
  const run = folder.runOf(best.trial, best.epochs);
  await writePage({ experiment, folder, settings, options }, false);
  if (options.json === true)
    return print(`${JSON.stringify({ ...best, config, file, run, results: folder.results })}\n`);
  const last = folder.results.filter((result) => result.epochs === best.epochs);
  const sorted = last.toSorted(orderOf(experiment));
  const cells = sorted.map(({ trial, value, seconds }) => [
    String(trial),
    value ?? Number.NaN,
    `${seconds.toFixed(1)} s`,
    settingsText({ settings, options }, trial),
  ]);
  await print(tableText(['trial', nameText(entry.quality.figure), 'time', 'settings'], cells));
  remark(options, `\n${file} has the best, and ${run} its model. Next:`);
  remark(options, `  stmnet train ${entry.name} --config ${quoted(file)} --output RUN`);
}

/** The page of the search: what each trial came to with the most epochs, the best first as in `best.json`. */
async function writePage({ experiment, folder, settings }: Search, running: boolean): Promise<void> {
  const { figure, better } = experiment.entry.quality;
  const drawn = [...new Set(settings.flatMap((one) => Object.keys(one)))];
  const defaults = await folder.settingsOf(1, drawn);
  const epochs = Math.max(...folder.results.map((result) => result.epochs));
  const sorted = furthestOf(folder.results).toSorted(orderOf(experiment));
  const trials = sorted.map((result): TrialRecord => ({
    number: result.trial,
    settings: result.trial === 1 ? defaults : (settings[result.trial - 1] ?? {}),
    epochs: result.epochs,
    seconds: folder.results.reduce((sum, one) => sum + (one.trial === result.trial ? one.seconds : 0), 0),
    ...(result.value === null
      ? { state: 'failed' }
      : { value: result.value, state: result.epochs === epochs ? 'finished' : 'stopped' }),
  }));
  await writeTuning(join(folder.path, 'tune.html'), trials, {
    figure: `${experiment.judge} ${figure}`,
    mode: better === 'higher' ? 'max' : 'min',
    running,
  });
}
