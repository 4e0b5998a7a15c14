import { rm } from 'node:fs/promises';
import type { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import { AdamW } from '../optimizers/adam';
import type { ParameterGroup } from '../optimizers/optimizer-options';
import { groupsOf } from '../optimizers/part-groups';
import type { Optimizer } from '../optimizers/optimizer';
import type { Schedule } from '../optimizers/schedules';
import { OneCycleLR } from '../optimizers/schedules/one-cycle-lr';
import { defaultDevice } from '../tensor/device';
import { OptionError } from '../tensor/errors';
import type { MathMode } from '../tensor/math-mode';
import { writeEvaluation, writeReport, type EvaluationRecord } from '../report';
import type { Batches } from '../training/batches';
import type { TrainerCallback } from '../training/callback';
import { EarlyStopping } from '../training/callbacks/early-stopping';
import { FreezeParts, partsToFreeze } from '../training/callbacks/freeze-parts';
import type { Figures } from '../training/epoch-record';
import type { History } from '../training/history';
import type { FitOptions } from '../training/trainer-options';
import { checkResumed } from './resumed-options';
import { RunFolder } from './run-folder';
import type { TrainSettings } from './train-options';
import { UnfinishedModel } from './unfinished-model';

/** The parts of a Trainer that are the same for all tasks. */
export interface TaskTrainerParts {
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly scheduleEvery: 'step';
  readonly clipGradNorm: number;
  readonly device?: string;
  readonly precision?: MathMode;
}

/** What an optimizer of a task gets. */
export type LearningParameters = readonly Parameter[] | readonly ParameterGroup[];

/** A task that is ready to be trained. */
export interface TaskTraining<B extends object> {
  /** What the command line calls it, its options, and how it is written. */
  readonly task: { readonly task: string; readonly options: object; save(path: string): Promise<void> };
  /** What learns. */
  readonly model: Module;
  /** Batches of the examples. */
  readonly loader: Batches<B> & { readonly length: number };
  /** Batches of the examples to validate on. */
  readonly validation?: Batches<B> | undefined;
  /** How many steps to train by default, 10 epochs at least and 60 at most. Default 1,200. */
  readonly steps?: number;
  /** What trains the parameters. Default: AdamW. */
  readonly optimizer?: (parameters: LearningParameters) => Optimizer;
  /** How the learning rate goes over so many steps. Default: one cycle. */
  readonly schedule?: (optimizer: Optimizer, totalSteps: number) => Schedule;
  /** What the report is to show of the validation, once the training is over. */
  readonly examine?: (() => Promise<EvaluationRecord>) | undefined;
  /** Makes the Trainer. */
  trainer(parts: TaskTrainerParts): {
    fit(loader: Batches<B>, options: FitOptions<B>): Promise<History>;
    dispose(): void;
  };
}

/**
 * Trains a task as all of them are trained: AdamW, or the optimizer of the task, with a schedule of the learning rate,
 * clipped gradients, the weights of the best validation loss at the end, and a run folder if there is an `output`.
 *
 * @throws {OptionError} if the task was quantised
 * @throws what `Trainer.fit` throws
 */
export async function trainTask<B extends object>(
  training: TaskTraining<B>,
  settings: TrainSettings,
): Promise<History> {
  const { task, model, loader, validation } = training;
  const epochs = settings.epochs ?? defaultEpochs(loader.length, training.steps ?? 1200);
  const { clipGradNorm, resume, device, precision } = settings;
  const frozen = freezing(model, settings);
  const optimizer = (training.optimizer ?? adamW(settings))(parametersOf(model, settings));
  const trainer = training.trainer({
    optimizer,
    schedule: (training.schedule ?? oneCycle)(optimizer, epochs * loader.length),
    scheduleEvery: 'step',
    clipGradNorm,
    ...(device === undefined ? {} : { device }),
    ...(precision === undefined ? {} : { precision }),
  });
  const folder = settings.output === undefined ? undefined : new RunFolder(settings.output);
  const {
    callbacks: _callbacks,
    progress: _progress,
    resume: _resume,
    validation: _validation,
    source,
    ...told
  } = settings;
  const config = {
    task: task.task,
    options: task.options,
    training: { ...told, epochs },
    device: device ?? defaultDevice(),
    ...(source && { source }),
  };
  if (folder !== undefined && resume)
    await checkResumed('fit', folder, { task: task.task, ...config.options, ...config.training });
  const fitting = trainer.fit(loader, {
    epochs,
    ...(validation === undefined ? {} : { validation }),
    ...(settings.validateEvery === undefined ? {} : { validateEvery: settings.validateEvery }),
    callbacks: [
      ...frozen,
      ...stopping(settings, epochs, validation !== undefined),
      ...(folder?.callbacks(config, resume) ?? []),
      ...(folder === undefined ? [] : [new UnfinishedModel(() => task.save(folder.unfinished), settings.keep)]),
      ...settings.callbacks,
    ],
    progress: settings.progress,
    onNaN: settings.onNaN,
    resume,
    ...(folder === undefined ? {} : { checkpoints: { folder: folder.checkpoints } }),
  });
  const history = await fitting.finally(() => trainer.dispose());
  model.eval();
  if (folder === undefined) return history;
  await task.save(folder.model);
  await rm(folder.unfinished, { force: true });
  if (training.examine !== undefined) await writeEvaluation(folder.path, await training.examine());
  await writeReport(folder.path);
  return history;
}

/** Loss and metrics, of a Trainer that was made for this alone. */
export const evaluateOnce = <B extends object>(
  trainer: { evaluate(loader: Batches<B>): Promise<Figures>; dispose(): void },
  loader: Batches<B>,
): Promise<Figures> => trainer.evaluate(loader).finally(() => trainer.dispose());

/** What learns, in groups where its parts have rates of their own. @throws {OptionError} if weights have 8 bits */
function parametersOf(model: Module, { learningRate, rateFactors: factors }: TrainSettings): LearningParameters {
  if (model.modulesInside().some(({ isQuantized }) => isQuantized))
    throw new OptionError('fit', {
      given: 'a task with weights of 8 bits',
      expected: 'one whose weights can learn',
      fix: 'load it in f32 once more and train that; quantizeTask comes last',
    });
  return factors === undefined ? model.parameters() : groupsOf('fit', 'rateFactors', model, { learningRate, factors });
}

const adamW =
  ({ learningRate, weightDecay }: TrainSettings) =>
  (parameters: LearningParameters): Optimizer =>
    new AdamW(parameters, { learningRate, weightDecay });

const oneCycle = (optimizer: Optimizer, totalSteps: number): Schedule =>
  new OneCycleLR(optimizer, { maxLearningRate: optimizer.groups.map((group) => group.learningRate), totalSteps });

/** Often enough for so many steps, 10 times at least and 60 at most. */
const defaultEpochs = (batches: number, steps: number): number =>
  Math.min(Math.max(Math.ceil(steps / batches), 10), 60);

/** What keeps parts as they are, if something is to. @throws {OptionError} if one is not in the model */
function freezing(model: Module, { freezeParts: parts }: TrainSettings): TrainerCallback[] {
  if (parts === undefined) return [];
  partsToFreeze('fit', 'freezeParts', model, parts);
  return [new FreezeParts({ parts })];
}

/** What watches the validation, if something is to. */
function stopping({ patience, keep }: TrainSettings, epochs: number, validated: boolean): TrainerCallback[] {
  if (!validated || (patience === undefined && keep === 'last')) return [];
  return [new EarlyStopping({ patience: patience ?? epochs, restoreBest: keep === 'best' })];
}
