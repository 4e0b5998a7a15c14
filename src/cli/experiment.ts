import { Command } from 'commander';
import type { AnyTask, TaskEntry } from '../tasks/catalogue/task-entry';
import { addDataOptions } from './data-options';
import { addDescriptors } from './descriptor-options';
import { COUNTS } from '../report/format';
import { addCommonOptions, type CommonOptions } from './output';
import { InputError } from './report-error';
import { noProgress } from './shown-progress';
import { trainConfig, type ExampleFiles, type GivenFiles } from './train-config';
import { readTrainData, type TrainData } from './train-data';
import { evaluateTask, fitTask } from './task-verbs';

/** Options of a command that trains a task several times. */
export interface ExperimentOptions extends CommonOptions, GivenFiles {}

/** What all trainings of such a command have in common. */
export interface Experiment {
  readonly entry: TaskEntry;
  readonly data: TrainData;
  /** The examples by which models are compared: those of the test, or else of the validation. */
  readonly judged: readonly unknown[];
  /** What they are called. */
  readonly judge: 'test' | 'validation';
  /** Options of the task's class that were given. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Options of its `fit`, with a seed. */
  readonly training: Readonly<Record<string, unknown>>;
  /** Where the examples are, and how they are read. */
  readonly files: ExampleFiles;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Names of options that the command itself got. */
  readonly typed: readonly string[];
}

/** A command of a task, with the options of its data and its training. */
export function experimentCommand(entry: TaskEntry): Command {
  const command = new Command(entry.name).summary(entry.summary);
  addDataOptions(command, entry);
  return command;
}

/**
 * Adds what such a command has behind its own options.
 *
 * @param defaults  of options of the training, where the command has others, in words
 * @param varied    options of the model that the command sets itself
 */
export function addExperimentOptions(
  command: Command,
  entry: TaskEntry,
  defaults: Readonly<Record<string, string>> = {},
  varied: readonly string[] = [],
): Command {
  const options = entry.options.filter(({ name }) => !varied.includes(name));
  const training = entry.training.map((one) => ({ ...one, otherwise: defaults[one.name] ?? one.otherwise }));
  addDescriptors(command, training, 'Training:');
  addDescriptors(command, options, 'Model:');
  return addCommonOptions(command);
}

/** Reads the data, and what all trainings share. @throws {InputError} if nothing is there to compare by */
export async function beginExperiment(
  entry: TaskEntry,
  command: Command,
  options: ExperimentOptions,
): Promise<Experiment> {
  const { options: made, training, settings, files, typed } = await trainConfig(entry, command, options);
  const data = await readTrainData(entry, { ...files, seed: Number(training['seed']) }, { ...made, ...settings });
  const judged = data.test ?? data.validation;
  if (judged === undefined)
    throw new InputError('nothing to compare models by. Fix: pass --validation FILE or --test FILE, or more data.');
  const judge = data.test === undefined ? 'validation' : 'test';
  return { entry, data, judged, judge, options: made, training, files, settings, typed };
}

/** What one of the trainings came to. */
export interface Outcome {
  readonly task: AnyTask;
  /** Of the training. */
  readonly seconds: number;
  /** The figures of the examples by which models are compared, that which matters most first. */
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * Trains once, and measures.
 *
 * @param options    what differs of the class
 * @param fit        what differs of its `fit`
 * @param check      as that of `fitTask`
 * @param everyStep  likewise
 */
export async function runOnce(
  { entry, data, judged, options: shared, training }: Experiment,
  options: Readonly<Record<string, unknown>>,
  fit: Readonly<Record<string, unknown>>,
  check: () => void,
  everyStep = false,
): Promise<Outcome> {
  const task = entry.make({ ...shared, ...options });
  const begin = performance.now();
  await fitTask(entry, task, data, { ...training, progress: noProgress, ...fit }, check, everyStep);
  const seconds = (performance.now() - begin) / 1000;
  return { task, seconds, figures: figuresOf(entry, await evaluateTask(entry, task, judged)) };
}

function figuresOf({ quality }: TaskEntry, evaluation: object): Record<string, number> {
  const all = Object.entries(evaluation).filter((one): one is [string, number] => typeof one[1] === 'number');
  const main = all.filter(([name]) => name === quality.figure);
  return Object.fromEntries([...main, ...all.filter(([name]) => name !== quality.figure && !COUNTS.has(name))]);
}
