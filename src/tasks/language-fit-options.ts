import { LambdaLR } from '../optimizers/schedules/lambda-lr';
import { CosineAnnealingLR } from '../optimizers/schedules/cosine-annealing-lr';
import type { Schedule } from '../optimizers/schedules';
import { AdamW } from '../optimizers/adam';
import type { Optimizer } from '../optimizers/optimizer';
import { SGD } from '../optimizers/sgd';
import { OptionError } from '../tensor/errors';
import { positiveInteger, positivePart } from '../tensor/options';
import { choice, optional, type Readers } from '../tensor/read-options';
import type { TrainerCallback } from '../training/callback';
import { AveragedWeights } from '../training/callbacks/averaged-weights';
import type { LanguageTexts } from './language-texts';
import { ROWS } from './language-model-options';
import { readTrainOptions, trainReaders, type TrainSettings, type TrainTaskOptions } from './train-options';
import type { LearningParameters } from './train-task';

/** How a language model is trained: AdamW, SGD, or SGD whose weights are averaged once validations ask for it. */
export type LanguageOptimizer = 'adamw' | 'sgd' | 'nt-asgd';

/** Options of a LanguageModel's `fit`. */
export interface LanguageFitOptions extends TrainTaskOptions {
  /** A text, or several, to evaluate on after each epoch; also decides which weights were the best. Default: none. */
  validation?: LanguageTexts | undefined;
  /**
   * `adamw`; `sgd`; or `nt-asgd`, SGD whose weights are averaged from the validation on whose loss is above the
   * smallest of those more than `nonMonotoneInterval` validations back (Merity et al., 2017). Default adamw. With the
   * others `learningRate` is 20 by default, `clipGradNorm` 0.25, `weightDecay`, which is then part of the gradients, 0.
   */
  optimizer?: LanguageOptimizer;
  /**
   * n of `nt-asgd`, in validations: epochs, or with `validateEvery` more often. Where there is `patience`, which counts
   * them too, it is to be n + 2 at least: the training would stop before it averages. Default 5.
   */
  nonMonotoneInterval?: number | undefined;
  /**
   * By which factor in (0, 1] the learning rate is multiplied after each epoch. Default: with `adamw` it falls along
   * half a cosine in place of that, else 1.
   */
  learningRateDecay?: number | undefined;
  /** Epochs at the full learning rate before it is multiplied by `learningRateDecay`. Default 1. */
  decayAfter?: number | undefined;
}

/** The options with their defaults. */
export interface LanguageTrainSettings extends TrainSettings {
  readonly optimizer: LanguageOptimizer;
  readonly nonMonotoneInterval?: number | undefined;
  readonly learningRateDecay?: number | undefined;
  readonly decayAfter?: number | undefined;
}

/** Readers of the options of `fit`. */
export const languageTrainReaders: Readers<LanguageTrainSettings> = {
  ...trainReaders({ batchSize: ROWS, learningRate: 4e-3 }),
  optimizer: choice<LanguageOptimizer>(['adamw', 'sgd', 'nt-asgd']),
  nonMonotoneInterval: optional(positiveInteger),
  learningRateDecay: optional(positivePart),
  decayAfter: optional(positiveInteger),
};

/** What SGD begins with where nothing is said: gradients are those of a mean over tokens. */
const OF_SGD = { learningRate: 20, clipGradNorm: 0.25, weightDecay: 0 };
const INTERVAL = 5;

/**
 * Reads the options of `fit`.
 *
 * @param ofClass  the options of the constructor
 * @throws {OptionError} if one is unknown or out of range, or two do not go together
 */
export function readLanguageFitOptions(
  options: LanguageFitOptions,
  ofClass: Parameters<typeof readTrainOptions>[3],
): LanguageTrainSettings {
  const op = 'LanguageModel.fit';
  const read = readTrainOptions(op, options, languageTrainReaders, ofClass);
  const { optimizer, nonMonotoneInterval, learningRateDecay, decayAfter, validation } = read;
  if (optimizer === 'nt-asgd' && validation === undefined)
    throw new OptionError(op, {
      given: "optimizer: 'nt-asgd' without validation",
      expected: 'a text whose loss tells when to begin to average',
      fix: "pass it: fit(text, { validation, optimizer: 'nt-asgd' }), or pass optimizer: 'sgd'",
    });
  if (optimizer !== 'nt-asgd' && nonMonotoneInterval !== undefined)
    throw new OptionError(op, {
      given: `nonMonotoneInterval: ${nonMonotoneInterval} with optimizer: '${optimizer}'`,
      expected: "it beside optimizer: 'nt-asgd' alone, which averages",
      fix: "leave it out, or pass optimizer: 'nt-asgd'",
    });
  if (optimizer === 'nt-asgd') checkPatience(op, read);
  if (decayAfter !== undefined && learningRateDecay === undefined)
    throw new OptionError(op, {
      given: `decayAfter: ${decayAfter} without learningRateDecay`,
      expected: 'the factor by which the learning rate is multiplied from then on',
      fix: 'pass such as learningRateDecay: 0.5, or leave decayAfter out',
    });
  if (optimizer === 'adamw') return read;
  const given = Object.entries(OF_SGD).map(([name, value]) => [name, Reflect.get(options, name) ?? value] as const);
  const interval = optimizer === 'nt-asgd' ? { nonMonotoneInterval: nonMonotoneInterval ?? INTERVAL } : {};
  return { ...read, ...(Object.fromEntries(given) as typeof OF_SGD), ...interval };
}

/** @throws {OptionError} if the training would stop, once the loss no longer becomes better, before it averages */
function checkPatience(op: string, { patience, nonMonotoneInterval: n = INTERVAL }: LanguageTrainSettings): void {
  if (patience === undefined || patience > n + 1) return;
  throw new OptionError(op, {
    given: `patience: ${patience} with optimizer: 'nt-asgd' and nonMonotoneInterval: ${n}`,
    expected: `patience of at least ${n + 2}: averaging begins ${n + 1} validations behind the best one`,
    fix: `pass patience: ${n + 2}, a smaller nonMonotoneInterval, or leave patience out`,
  });
}

/** The optimizer that the options ask for. */
export const languageOptimizer = (parameters: LearningParameters, settings: LanguageTrainSettings): Optimizer => {
  const { optimizer, learningRate, weightDecay } = settings;
  const Kind = optimizer === 'adamw' ? AdamW : SGD;
  return new Kind(parameters, { learningRate, weightDecay });
};

/**
 * How the learning rate goes.
 *
 * @param steps  of the training
 * @param steps.epoch  those of one epoch
 * @param steps.total  all
 */
export function languageSchedule(
  optimizer: Optimizer,
  { learningRateDecay, decayAfter = 1, optimizer: kind }: LanguageTrainSettings,
  steps: { readonly epoch: number; readonly total: number },
): Schedule {
  if (learningRateDecay === undefined && kind === 'adamw')
    return new CosineAnnealingLR(optimizer, { tMax: steps.total });
  const factor = learningRateDecay ?? 1;
  const lambda = (done: number): number => factor ** Math.max(0, Math.floor(done / steps.epoch) + 1 - decayAfter);
  return new LambdaLR(optimizer, { lambda });
}

/** What averages the weights, if something is to. */
export const languageAveraging = ({ nonMonotoneInterval }: LanguageTrainSettings): TrainerCallback[] =>
  nonMonotoneInterval === undefined ? [] : [new AveragedWeights({ nonMonotoneInterval })];
