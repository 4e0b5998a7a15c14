import {
  finiteNumber,
  flag,
  nonNegativeInteger,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
} from '../../tensor/options';
import { asGiven, optional, readOptions, withDefault } from '../../tensor/read-options';
import type { Tensor } from '../../tensor/tensor';
import type { CallbackState, TrainerCallback, TrainingRun } from '../callback';
import { bestText, type EpochRecord, type ValidationRecord } from '../epoch-record';
import { checkFigure, figureOf, type WithFigures } from '../figure';
import { directionOf, isBetter, modeGiven, type Mode } from '../figure-direction';
import { counted } from '../../tensor/counted';

/** Options of EarlyStopping. */
export interface EarlyStoppingOptions {
  /** What to watch: `train.NAME` or `validation.NAME`. Default `validation.loss`. */
  figure?: string;
  /** Whether it should become small or large. Default: what its name says, as of a loss or an accuracy. */
  mode?: 'min' | 'max';
  /** After how many epochs, or validations within epochs, without progress to stop. Default 5. */
  patience?: number;
  /** By how much a value has to be better than the best one to count as progress. Default 0. */
  minDelta?: number;
  /**
   * Whether the model gets the weights and buffers of the best value back when the training ends; not beside
   * `checkpoints.restoreBest`. Default false.
   */
  restoreBest?: boolean;
}

type Settings = Required<Omit<EarlyStoppingOptions, 'mode'>> & { mode: Mode | undefined };

/** What it remembers between two looks. */
interface Progress {
  /** The best value; null before the first one that is a number. */
  best: number | null;
  bestEpoch: number;
  bestStep: number;
  /** Looks since the best one. */
  waited: number;
  /** The training step of the last look. */
  seen: number;
}

const fresh = (): Progress => ({ best: null, bestEpoch: 0, bestStep: 0, waited: 0, seen: 0 });

/**
 * Ends a training when a figure has not become better for `patience` epochs, or validations where `validateEvery` makes
 * some within epochs. NaN and infinity are no progress.
 *
 *     callbacks: [new EarlyStopping({ figure: 'validation.f1', patience: 3, restoreBest: true })]
 *
 * With `restoreBest` the best weights lie in memory a second time, and come back when the training ends, for whatever
 * reason but an error; the optimizer stays where it was.
 *
 * @throws {OptionError} if an option is unknown or out of range; from `fit`, before the first step, if the training has
 * no such figure, or its name does not tell the mode
 */
export class EarlyStopping implements TrainerCallback {
  readonly #options: Settings;
  #mode: Mode = 'min';
  #progress: Progress = fresh();
  #weights: Record<string, Tensor> = {};

  constructor(options: EarlyStoppingOptions = {}) {
    this.#options = readOptions<object, Settings>('EarlyStopping', options, {
      figure: withDefault<string>(asGiven, 'validation.loss'),
      mode: optional(modeGiven),
      patience: withDefault(positiveInteger, 5),
      minDelta: withDefault(nonNegativeNumber, 0),
      restoreBest: withDefault(flag, false),
    });
  }

  /** The best value so far; undefined before the first one. */
  get best(): number | undefined {
    return this.#progress.best ?? undefined;
  }

  /** The epoch of the best value; 0 before the first one. */
  get bestEpoch(): number {
    return this.#progress.bestEpoch;
  }

  /** Training steps before the best value. */
  get bestStep(): number {
    return this.#progress.bestStep;
  }

  /** Whether it gives the model its best weights back. @internal */
  get restoresBest(): boolean {
    return this.#options.restoreBest;
  }

  /** Begins anew. @throws {OptionError} if the training has no such figure, or its name does not tell the mode */
  onStart(run: TrainingRun): void {
    const { figure, mode } = this.#options;
    checkFigure('EarlyStopping', 'figure', figure, run.figures);
    this.#mode = mode ?? directionOf('EarlyStopping', figure);
    this.#progress = fresh();
    this.#forget();
  }

  onValidation(record: ValidationRecord, run: TrainingRun): void {
    if (this.#look(record, run)) run.stop({ after: 'step', reason: this.#reason });
  }

  onEpochEnd(record: EpochRecord, run: TrainingRun): void {
    if (this.#look(record, run)) run.stop({ reason: this.#reason });
  }

  get #reason(): string {
    const { figure, patience } = this.#options;
    const looks = figure.startsWith('validation.') ? 'validation' : 'epoch';
    return `${figure} has not become better for ${counted(patience, looks)}`;
  }

  /** Gives the model its best weights back, if it is to have them, and tells which these are. */
  onEnd(run: TrainingRun): void {
    const restored = Object.keys(this.#weights).length > 0;
    if (restored) run.model.loadStateDict(this.#weights);
    this.#forget();
    const { best, bestEpoch, bestStep } = this.#progress;
    if (best === null) return;
    const back = restored ? '; the weights are those of then' : '';
    run.note?.(
      `best ${bestText({ figure: this.#options.figure, value: best, epoch: bestEpoch, step: bestStep })}${back}`,
    );
  }

  onError(): void {
    this.#forget();
  }

  /** @returns whether the patience has come to its end */
  #look(record: WithFigures & { epoch: number; step: number }, { model }: TrainingRun): boolean {
    const { figure, minDelta, patience, restoreBest } = this.#options;
    const value = figureOf(record, figure);
    // A figure of the training is not there within an epoch; a validation after its last step comes twice.
    if (value === undefined || record.step === this.#progress.seen) return false;
    this.#progress.seen = record.step;
    if (!isBetter(value, this.best, this.#mode, minDelta)) return ++this.#progress.waited >= patience;
    this.#progress = { best: value, bestEpoch: record.epoch, bestStep: record.step, waited: 0, seen: record.step };
    if (restoreBest) this.#keep(model.stateDict({ copy: true }));
    return false;
  }

  #keep(weights: Record<string, Tensor>): void {
    this.#forget();
    this.#weights = weights;
  }

  #forget(): void {
    for (const weights of Object.values(this.#weights)) weights.dispose();
    this.#weights = {};
  }

  state(): CallbackState {
    const { figure } = this.#options;
    return { data: { figure, mode: this.#mode, ...this.#progress }, tensors: { ...this.#weights } };
  }

  /**
   * Goes on from there, or begins anew where that is the state of another figure or mode.
   *
   * @throws {OptionError} if it is the state of something else
   */
  loadState({ data, tensors = {} }: CallbackState): void {
    const { figure, mode, ...read } = readOptions<object, Progress & { figure: unknown; mode: Mode }>(
      'EarlyStopping.loadState',
      data,
      {
        best: (op, name, value) => (value === null ? null : finiteNumber(op, name, value)),
        bestEpoch: nonNegativeInteger,
        bestStep: nonNegativeInteger,
        waited: nonNegativeInteger,
        seen: nonNegativeInteger,
        figure: asGiven,
        mode: (op, name, value) => oneOf(op, name, value, ['min', 'max']),
      },
    );
    if (figure !== this.#options.figure || mode !== this.#mode) return;
    this.#progress = read;
    this.#keep(Object.fromEntries(Object.entries(tensors).map(([name, weights]) => [name, weights.clone()])));
  }
}
