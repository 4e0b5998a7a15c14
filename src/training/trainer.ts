import { detach } from '../module/detach';
import type { Module } from '../module/module';
import type { Metric } from '../metrics/metric';
import type { Optimizer } from '../optimizers/optimizer';
import { optionsOf } from '../optimizers/optimizer-state';
import type { MathMode } from '../tensor/math-mode';
import type { Sequence } from '../tensor/padded-sequence';
import { keep, scope } from '../tensor/scope';
import { OptionError } from '../tensor/errors';
import { checkOptions, describe, flag } from '../tensor/options';
import { choice, readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import type { Batch, BatchField } from './batch';
import { checkLoader, isIterable, noBatch, type Batches } from './batches';
import type { StopOptions, TrainingRun } from './callback';
import { CarriedState } from './carried-state';
import {
  checkFitOptions,
  checkTrainerOptions,
  refuseFit,
  refuseWithout,
  refuseWithoutLoss,
  type CheckedFit,
  type CheckedTrainer,
} from './check-trainer-options';
import type { Figures } from './epoch-record';
import { queued, walkEpoch } from './epoch-walk';
import { evaluateBatches } from './evaluation';
import { figureNames } from './figure';
import { fitEpochs } from './fit';
import type { Stopping } from './fit-run';
import { History } from './history';
import { checkOrder, joinOutputs } from './join-outputs';
import { inEvaluation } from '../module/modes';
import { searchLearningRate, type LearningRateCurve, type LearningRateSearchOptions } from './learning-rate-search';
import { silent } from './progress';
import { Steps } from './step';
import type { AnyBatch, CustomTrainerOptions, FitOptions, OutputOf, TrainerOptions } from './trainer-options';
import { updateBatchNorm } from './update-batch-norm';

/** Options of `predict`. */
export interface PredictOptions {
  /**
   * Whether the outputs of all batches become one, rows behind each other; a PaddedSequence where their steps differ.
   * Default false: one for each batch.
   */
  join?: boolean;
}

/** What `predict` takes of one batch: its input, or a batch of which the rest is not read. */
export type PredictInput<B> =
  B extends Pick<Batch<BatchField, BatchField>, 'input'>
    ? Sequence | Pick<Batch<BatchField, BatchField>, 'input'>
    : Partial<B>;

/** What `Trainer` makes; its name is given to users by the type and the constant below. */
class TrainerOf<M extends Module, B extends object, Output, Name extends string> {
  static {
    Object.defineProperty(this, 'name', { value: 'Trainer' });
  }

  /** The model in training. */
  readonly model: M;
  readonly #trainer: CheckedTrainer;
  readonly #steps: Steps;
  readonly #begun: readonly Readonly<Record<string, unknown>>[];
  readonly #fences: Promise<unknown>[] = [];
  #fitting = false;
  #stopping: Stopping;
  #reason: string | undefined;
  #shown = { progress: silent };
  #history = new History();
  #figures: readonly string[];

  /** @throws {OptionError} if a part is missing or of the wrong kind, or an option is unknown */
  constructor(options: object) {
    this.#trainer = checkTrainerOptions('Trainer', options);
    const { model, device } = this.#trainer;
    if (device !== undefined) model.to(device);
    this.model = model as M;
    this.#steps = new Steps(this.#trainer);
    this.#begun = this.#trainer.optimizer?.groups.map(optionsOf) ?? [];
    this.#figures = figureNames(this.#trainer.metrics, false);
  }

  /** Its optimizer. @throws {OptionError} if it has none */
  get optimizer(): Optimizer {
    return this.#trainer.optimizer ?? refuseWithout('Trainer.optimizer');
  }

  /** What is measured beside the loss. */
  get metrics(): readonly Metric[] {
    return this.#trainer.metrics.map(({ metric }) => metric);
  }

  /** Training steps so far. */
  get steps(): number {
    return this.#steps.count;
  }

  /** How many batches make a training step. */
  get accumulate(): number {
    return this.#trainer.accumulate;
  }

  /** What the model's products are computed in; undefined: what `autocast` says. */
  get precision(): MathMode | undefined {
    return this.#trainer.precision;
  }

  /** The epochs of the running `fit`, or of the last one, also where it was broken off. */
  get history(): History {
    return this.#history;
  }

  /**
   * The figures of each epoch of the running `fit`, or of the last one: `train.loss`, `train.NAME` of each metric, and
   * the same of `validation` if it has one.
   */
  get figures(): readonly string[] {
    return this.#figures;
  }

  /**
   * Lets `fit` end after the running epoch; after the running step if the loader has no length, and may have no end.
   *
   * @param options.reason  why, for the progress and the history
   * @param options.after  `step` not to wait for the end of the epoch, whose record then has the steps so far. Default
   * `epoch`.
   * @throws {OptionError} if an option is unknown or is something else
   */
  stop(options: StopOptions = {}): void {
    const { after, reason } = readOptions<StopOptions, { after: 'epoch' | 'step'; reason: string }>(
      'Trainer.stop',
      options,
      { after: choice(['epoch', 'step']), reason: withDefault(text, 'stop() was called') },
    );
    if (this.#stopping === undefined) this.#reason = reason;
    if (this.#stopping !== 'after step') this.#stopping = `after ${after}`;
  }

  /**
   * Shows a line beside the progress of the running `fit`, unless that was told to show none. A bar on a terminal stays
   * whole.
   *
   * @param line  without an end of line
   * @throws {OptionError} if it is no text
   */
  note(line: string): void {
    this.#shown.progress.note(text('Trainer.note', 'line', line));
  }

  /**
   * One training step: forward, loss, backward, clipping, update. Everything is queued, nothing awaited. `fence` after
   * it keeps the queue short. With `accumulate` the update comes at the last batch of each group. A loss or a gradient
   * that is not finite changes no parameter.
   *
   * @returns the loss before the update; the caller's to dispose of
   * @throws {OptionError} if the batch is not what the Trainer takes, or there is no optimizer
   */
  step(batch: B): Tensor {
    this.#checkLoss('Trainer.step');
    return scope(() => this.#steps.train('Trainer.step', batch, 'skip').batch.loss);
  }

  /** With `carryState`: lets the next `step` begin from no state, as each epoch of `fit` does. */
  resetState(): void {
    this.#steps.carried.reset();
  }

  /**
   * Lets go of what it keeps from step to step, its optimizer of its state and its metrics of what they counted: for a
   * Trainer that is used no more, and has these parts for itself.
   *
   * @internal
   */
  dispose(): void {
    this.#steps.dispose();
    for (const { metric } of this.#trainer.metrics) metric.reset();
    this.#trainer.optimizer?.dispose();
  }

  /**
   * Waits until the device is at most two steps behind; not at all if it is.
   *
   * @throws the first fault of the device that no read has reported
   */
  async fence(): Promise<void> {
    await queued(this.#fences, this.#steps.synchronize());
  }

  /**
   * Trains for some epochs. The model is in training mode meanwhile, and afterwards as it was before. Modules in
   * evaluation mode within a model in training mode stay so, and in any model those of which no parameter requires a
   * gradient: freeze a part by `part.requiresGrad_(false).eval()`. A callback may call `predict` and `evaluate`.
   *
   * @param loader  gives batches: a DataLoader, an array, or an iterable that can be walked once an epoch
   * @throws {OptionError} if an option is unknown or out of range, a batch is not what the Trainer takes, there is
   * none, there is no optimizer, or the Trainer is fitting already; if the training that is to be taken up again is
   * another one, or there are checkpoints and it is not to be
   * @throws {TrainingError} if a loss or a gradient is NaN or infinite, unless `onNaN` says otherwise, or a
   * parameter or a running mean or variance is after an epoch; the epochs before stand in `history`. After Ctrl-C with
   * checkpoints, where the program has a handler of its own, with the code ERR_STM_INTERRUPTED
   * @throws {FileError} if a checkpoint cannot be written, or the folder is in use, with the code EBUSY
   * @throws {FormatError} if all checkpoints to go on from are damaged
   * @throws {NativeError} if the device refuses a batch, as for a label out of range; the message names the batch
   */
  async fit(loader: Batches<B>, options: FitOptions<B>): Promise<History> {
    const op = 'Trainer.fit';
    const checked = checkFitOptions(op, options);
    checkLoader(op, loader);
    if (this.#fitting) refuseFit();
    const optimizer = this.#trainer.optimizer ?? refuseWithout(op);
    this.#checkLoss(op);
    this.#fitting = true;
    try {
      return await this.#fit(loader, checked, optimizer);
    } finally {
      this.#fitting = false;
    }
  }

  async #fit(loader: Batches<B>, options: CheckedFit, optimizer: Optimizer): Promise<History> {
    const history = new History();
    this.#history = history;
    this.#figures = figureNames(this.#trainer.metrics, options.validation !== undefined);
    [this.#stopping, this.#reason] = [undefined, undefined];
    this.#shown = { progress: silent };
    this.#steps.begin();
    await fitEpochs({
      trainer: this.#trainer,
      optimizer,
      begun: this.#begun,
      steps: this.#steps,
      loader,
      options,
      history,
      run: this as TrainingRun,
      stopping: () => this.#stopping,
      reason: () => this.#reason,
      shown: this.#shown,
      decided: { stopping: undefined },
    });
    return history;
  }

  /**
   * Tries learning rates: trains for some steps with a rate that rises from one to the next in equal factors, until the
   * loss grows away. Weights, buffers, optimizer, schedule, counters and random numbers are afterwards as before.
   *
   *     const { suggestion } = await trainer.findLearningRate(loader);
   *     trainer.optimizer.learningRate = suggestion ?? 1e-3;
   *
   * A schedule goes by the rates that it was made with: make it afterwards. See Smith, 2017.
   *
   * @param loader  gives batches, as often as needed
   * @throws {OptionError} as `fit` does, or if an option is unknown or out of range
   */
  async findLearningRate(loader: Batches<B>, options: LearningRateSearchOptions = {}): Promise<LearningRateCurve> {
    const op = 'Trainer.findLearningRate';
    checkLoader(op, loader);
    if (this.#fitting) refuseFit(op);
    const optimizer = this.#trainer.optimizer ?? refuseWithout(op);
    this.#checkLoss(op);
    this.#fitting = true;
    try {
      return await searchLearningRate({ trainer: this.#trainer, optimizer, steps: this.#steps }, loader, options);
    } finally {
      this.#fitting = false;
    }
  }

  /**
   * Measures the running means and variances of each BatchNorm1d anew: the mean over batches of what each batch has, in
   * the modes of a training, dropout included. For weights that were not trained step by step, as averages are. A
   * BatchNorm1d that stays in evaluation mode in `fit`, or whose momentum is 0, keeps its own; where there is none
   * nothing changes.
   *
   *     await trainer.fit(loader, { epochs, callbacks: [new AveragedWeights({ start: 2000 })] });
   *     await trainer.updateBatchNorm(loader);
   *
   * @param loader  gives batches, of which only what `forward` reads needs to be there
   * @throws {OptionError} if a batch is not what the Trainer takes, there is none, or the Trainer is fitting; all
   * statistics are then as before
   * @see torch.optim.swa_utils.update_bn
   */
  async updateBatchNorm(loader: Batches<PredictInput<B>>): Promise<void> {
    const op = 'Trainer.updateBatchNorm';
    checkLoader(op, loader);
    if (this.#fitting) refuseFit(op);
    this.#fitting = true;
    try {
      await updateBatchNorm({ trainer: this.#trainer, steps: this.#steps }, loader);
    } finally {
      this.#fitting = false;
    }
  }

  /**
   * Loss and metrics over batches, in evaluation mode and under `noGrad`. The loss is that of all items, whatever
   * the batch size: see LossFunction. It needs no optimizer, and may be called while `fit` is running, as by a
   * callback.
   *
   * @param loader  gives batches
   * @throws {OptionError} if a batch is not what the Trainer takes, or there is none
   */
  async evaluate(loader: Batches<B>): Promise<Figures<Name>> {
    checkLoader('Trainer.evaluate', loader);
    this.#checkLoss('Trainer.evaluate');
    return evaluateBatches({ trainer: this.#trainer, steps: this.#steps }, loader) as Promise<Figures<Name>>;
  }

  /**
   * What the model says, in evaluation mode and under `noGrad`.
   *
   * @param data  an input, a batch, or a loader of either; of a batch only what `forward` reads needs to be there
   * @returns the output; of a loader one for each batch, or with `join: true` one for all, rows behind each other
   * @throws {OptionError} if it is something else, or outputs cannot be joined, or are not those of all items in order
   */
  async predict(data: PredictInput<B>): Promise<Output>;
  async predict(data: Batches<PredictInput<B>>, options: PredictOptions & { join: true }): Promise<Output>;
  async predict(data: Batches<PredictInput<B>>, options?: PredictOptions): Promise<Output[]>;
  async predict(data: unknown, options: PredictOptions = {}): Promise<unknown> {
    const op = 'Trainer.predict';
    checkOptions(op, options, ['join']);
    const join = flag(op, 'join', options.join ?? false);
    const carried = new CarriedState();
    const outputs: unknown[] = [];
    try {
      if (!isIterable(data)) return inEvaluation(this.model, () => scope(() => this.#steps.predict(op, data, carried)));
      if (join) checkOrder(op, data);
      await walkEpoch(data, {
        evaluating: this.model,
        step: (make) => {
          const output = this.#steps.predict(op, make(), carried);
          outputs.push(keep(join ? detach(output) : output));
          return { done: this.#steps.synchronize() };
        },
      });
    } finally {
      carried.reset();
    }
    if (!join) return outputs;
    if (outputs.length === 0) throw noBatch(op);
    return joinOutputs(outputs);
  }

  readonly #checkLoss = (op: string): unknown => this.#trainer.loss ?? refuseWithoutLoss(op);
}

function text(op: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new OptionError(op, { given: `${name}: ${describe(value)}`, expected: 'a text', fix: 'write it in quotes' });
}

/** A Trainer of a model, of batches B, whose model gives `Output` and whose metrics have these names. */
export type Trainer<
  M extends Module = Module,
  B extends object = Batch<BatchField, BatchField>,
  Output = Sequence,
  Name extends string = string,
> = TrainerOf<M, B, Output, Name>;

/** The class of Trainers. */
export interface TrainerConstructor {
  /** @param options  for batches of any fields, which `forward` and `loss` read */
  new <
    M extends Module,
    B extends object = AnyBatch,
    Returned = unknown,
    const Name extends string = never,
    Carries extends boolean = false,
  >(
    options: CustomTrainerOptions<M, B, Returned, Name, Carries>,
  ): Trainer<M, AnyBatch extends B ? object : B, OutputOf<Returned, Carries>, Name>;
  /** @param options  for batches { input, target }, perhaps with a weight of the examples or steps */
  new <M extends Module, Target = Sequence, const Name extends string = never, Carries extends boolean = false>(
    options: TrainerOptions<M, Target, Name, Carries>,
  ): Trainer<M, Batch<BatchField, BatchField>, OutputOf<ReturnType<M['forward']>, Carries>, Name>;
}

/**
 * Trains, evaluates and applies a model. Nothing is left to tidy: each step disposes of what it made, and at most two
 * steps are queued at a time, so memory stays flat and the event loop free.
 *
 * Batches are { input, target }, and the loss is of output and target. Or they are any objects, which functions of
 * one's own read:
 *
 *     new Trainer({
 *       model,
 *       optimizer,
 *       forward: (model, batch) => model.forward(batch.source, batch.previous),
 *       loss: (output, batch) => crossEntropy(output, batch.next),
 *       metrics: [{ metric: new Accuracy(), from: (output, batch) => [output, batch.next] }],
 *     });
 *
 * @class
 */
export const Trainer: TrainerConstructor = TrainerOf;
