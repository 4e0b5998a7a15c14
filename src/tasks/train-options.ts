import type { TrainerCallback } from '../training/callback';
import type { ProgressMaker } from '../training/progress';
import { frozenParts, type FrozenParts } from '../training/callbacks/freeze-parts';
import type { FitOptions } from '../training/trainer-options';
import { partFactors } from '../optimizers/part-groups';
import { checkPath } from '../files/check-path';
import { describe, flag, nonNegativeInteger, nonNegativeNumber, positiveInteger } from '../tensor/options';
import type { MathMode } from '../tensor/math-mode';
import type { OptionsElsewhere } from '../tensor/option-names';
import { OptionError } from '../tensor/errors';
import { asGiven, choice, optional, readOptions, withDefault, type Readers } from '../tensor/read-options';

/** How a task trains. All have defaults, which differ between tasks where it says so. */
export interface TrainTaskOptions extends Partial<
  Pick<FitOptions, 'callbacks' | 'onNaN' | 'progress' | 'resume' | 'validateEvery'>
> {
  /** How often to go through the examples. Default: often enough for the task's number of steps, 10 to 60 times. */
  epochs?: number | undefined;
  /** Examples of a step. Default: the task's. */
  batchSize?: number | undefined;
  /**
   * The highest learning rate of AdamW: it rises to it in the first third of the training and falls after, or where the
   * task says so falls from the first step on.
   */
  learningRate?: number | undefined;
  /**
   * For parts of the model what the learning rate is multiplied by, at least 0, see `partGroups`: `{ features: 0.1,
   * encoder: 0.3 }`. Default: all parts learn alike.
   */
  rateFactors?: Readonly<Record<string, number>> | undefined;
  /**
   * Parts of the model that stay as they are, see `FreezeParts`: `['features']`, or each for so many epochs, `{
   * features: 2, encoder: 1 }`. Default none.
   */
  freezeParts?: FrozenParts | undefined;
  /** L2 regularisation, decoupled from the gradients as in AdamW. Default 0.01. */
  weightDecay?: number;
  /** Largest joint norm of the gradients. Default 1. */
  clipGradNorm?: number;
  /** After how many epochs whose validation loss is not the best to stop. Default: all epochs are trained. */
  patience?: number | undefined;
  /**
   * Which weights the model has at the end: those of the best validation loss, if there is validation, or the last. No
   * other figure chooses.
   */
  keep?: 'best' | 'last';
  /** Of the random numbers of initial weights, order and dropout. Default: the random state as it is. */
  seed?: number | undefined;
  /** Where to train. Default: the default device. */
  device?: string | undefined;
  /** What products are computed in, see `autocast`. Default: the math mode of the moment. */
  precision?: MathMode | undefined;
  /**
   * Folder for all that a training leaves: configuration, history, TensorBoard's events, checkpoints, model, report. It
   * is made if it is not there. Default: nothing is written.
   */
  output?: string | undefined;
  /** Where the examples come from, as plain data that `config.json` of `output` is to keep. Default: it keeps none. */
  source?: Readonly<Record<string, unknown>> | undefined;
}

/** Options without a value where they are left out. */
type Open =
  | 'epochs'
  | 'rateFactors'
  | 'freezeParts'
  | 'patience'
  | 'seed'
  | 'device'
  | 'precision'
  | 'output'
  | 'source'
  | 'validateEvery';

/** The options with their defaults, but for what depends on the examples. */
export type TrainSettings = Readonly<
  Required<Omit<TrainTaskOptions, Open>> & { [Name in Open]: TrainTaskOptions[Name] | undefined } & {
    batchSize: number;
    learningRate: number;
    /** Examples to evaluate on, which each task checks itself. */
    validation?: unknown;
  }
>;

/** Readers of these options. @param task  what differs between tasks */
export const trainReaders = (task: { batchSize: number; learningRate: number }): Readers<TrainSettings> => ({
  validation: asGiven,
  epochs: optional(positiveInteger),
  batchSize: withDefault(positiveInteger, task.batchSize),
  learningRate: withDefault(nonNegativeNumber, task.learningRate),
  rateFactors: optional(partFactors),
  freezeParts: optional(frozenParts),
  weightDecay: withDefault(nonNegativeNumber, 0.01),
  clipGradNorm: withDefault(nonNegativeNumber, 1),
  patience: optional(positiveInteger),
  keep: choice(['best', 'last']),
  seed: optional(nonNegativeInteger),
  device: asGiven,
  precision: asGiven,
  output: optional(folder),
  source: optional<Readonly<Record<string, unknown>>>(asGiven),
  resume: withDefault(flag, false),
  callbacks: withDefault<readonly TrainerCallback[]>(asGiven, []),
  onNaN: choice(['stop', 'skip', 'ignore']),
  progress: withDefault<boolean | ProgressMaker>(asGiven, true),
  validateEvery: optional(positiveInteger),
});

/**
 * Reads the options of a `fit`, and looks whether they go together.
 *
 * @param options  what the user gave
 * @param readers  of them
 * @param ofClass  the options of the constructor
 * @throws {OptionError} if one is unknown or out of range, `resume` has no `output`, or `patience` no validation
 */
export function readTrainOptions<Settings extends TrainSettings>(
  op: string,
  options: object,
  readers: Readers<Settings>,
  ofClass: OptionsElsewhere,
): Readonly<Settings> {
  const settings = readOptions<object, Settings>(op, options, readers, ofClass);
  checkNeeds(op, settings);
  return settings;
}

/** The options of a `fit`, for who gives one to the constructor. */
export const fitOptions = (readers: object): OptionsElsewhere => ({
  names: Object.keys(readers),
  fix: (name, value) => `pass it to fit: fit(examples, { ${written(name, value)} })`,
});

/** The options of a constructor, for who gives one to `fit`. @param name  of the class */
export const classOptions = (className: string, readers: object): OptionsElsewhere => ({
  names: Object.keys(readers),
  fix: (name, value) => `pass it to the constructor: new ${className}({ ${written(name, value)} })`,
});

/** As one writes it, where it is short. */
function written(name: string, value: unknown): string {
  if (typeof value === 'string') return `${name}: '${value.slice(0, 40)}'`;
  return typeof value === 'number' || typeof value === 'boolean' ? `${name}: ${describe(value)}` : name;
}

function folder(op: string, _name: string, value: unknown): string {
  checkPath(op, value, "fit(examples, { output: 'run' })");
  return value;
}

/** @throws {OptionError} if `resume` has no `output`, or `patience` no validation */
function checkNeeds(op: string, { patience, resume, output, validation }: TrainSettings): void {
  if (resume && output === undefined)
    throw new OptionError(op, {
      given: 'resume without output',
      expected: 'the folder of the training to go on with',
      fix: "pass it: fit(examples, { output: 'run', resume: true })",
    });
  if (patience !== undefined && validation === undefined)
    throw new OptionError(op, {
      given: `patience: ${patience} without validation`,
      expected: 'examples whose loss tells when to stop',
      fix: 'pass them: fit(examples, { validation, patience }), or leave patience out',
    });
}
