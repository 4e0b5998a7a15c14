import type { Metric } from '../metrics/metric';
import type { Module } from '../module/module';
import type { Optimizer } from '../optimizers/optimizer';
import type { Sequence } from '../tensor/padded-sequence';
import { keep, scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { checkLoader, countOf, isIterable, noBatch, type Batch, type Batches } from './batches';
import type { TrainingRun } from './callback';
import type { EpochRecord, Figures } from './epoch-record';
import { queued, walkEpoch } from './epoch-walk';
import { History } from './history';
import { inEvaluation, modesOf, trainingModes } from './modes';
import { makeProgress, silent, type Progress } from './progress';
import { RunningFigures } from './running-figures';
import { Steps } from './step';
import {
  checkFitOptions,
  checkTrainerOptions,
  refuseWhile,
  type CheckedFit,
  type FitOptions,
  type TrainerOptions,
} from './trainer-options';
import { trainEpoch } from './training-epoch';
import { checkParameters, oddValidation } from './training-error';

/**
 * Trains, evaluates and applies a model. Nothing is left to tidy: each step disposes of what it made, and at most two
 * steps are queued at a time, so memory stays flat and the event loop free.
 *
 * @throws {OptionError} if a part is missing or of the wrong kind, or an option is unknown
 */
export class Trainer implements TrainingRun {
  /** The model in training. */
  readonly model: Module;
  /** Its optimizer. */
  readonly optimizer: Optimizer;
  /** What is measured beside the loss. */
  readonly metrics: readonly Metric[];
  readonly #options: TrainerOptions;
  readonly #steps: Steps;
  readonly #fences: Promise<unknown>[] = [];
  #fitting = false;
  /**
   * Which of fit and evaluate uses the metrics, which they share; undefined between two epochs of fit, when a callback
   * may evaluate.
   */
  #counting: 'fit' | 'evaluate' | undefined;
  #stopping = false;
  #history = new History();

  constructor(options: TrainerOptions) {
    checkTrainerOptions('Trainer', options);
    const { model, optimizer, metrics = [], device } = options;
    if (device !== undefined) model.to(device);
    this.model = model;
    this.optimizer = optimizer;
    this.metrics = [...metrics];
    this.#options = { ...options };
    this.#steps = new Steps(this.#options);
  }

  /** Training steps so far. */
  get steps(): number {
    return this.#steps.count;
  }

  /** The epochs of the running `fit`, or of the last one, also where it was broken off. */
  get history(): History {
    return this.#history;
  }

  /**
   * Lets `fit` end after the running epoch; after the running step if the loader has no length, and may have no end.
   */
  stop(): void {
    this.#stopping = true;
  }

  /**
   * One training step: forward, loss, backward, clipping, update. Everything is queued, nothing awaited. `fence` after
   * it keeps the queue short. A loss or a gradient that is not finite changes no parameter.
   *
   * @returns the loss before the update; the caller's to dispose of
   * @throws {OptionError} if the batch is not { input, target } of tensors
   */
  step(batch: Batch): Tensor {
    return scope(() => this.#steps.train('Trainer.step', batch).loss);
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
   * gradient: freeze a part by `part.requiresGrad_(false).eval()`. A callback may call `predict`, and `onEpochEnd` also
   * `evaluate`.
   *
   * @param loader  gives batches { input, target }: a DataLoader, an array, or an iterable that can be walked once an
   * epoch
   * @throws {OptionError} if an option is unknown or out of range, a batch is not { input, target }, there is none, or
   * the trainer is busy
   * @throws {TrainingError} if a loss or a gradient is NaN or infinite, unless `nonFiniteLoss` says otherwise, or a
   * parameter or a running mean or variance is after an epoch; the epochs before stand in `history`
   * @throws {NativeError} if the device refuses a batch, as for a label out of range; the message names the batch
   */
  async fit(loader: Batches, options: FitOptions): Promise<History> {
    const op = 'Trainer.fit';
    const checked = checkFitOptions(op, options);
    checkLoader(op, loader);
    refuseWhile(this.#fitting ? 'fit' : this.#counting, 'fit');
    this.#fitting = true;
    try {
      return await this.#fit(loader, checked);
    } finally {
      this.#fitting = false;
    }
  }

  async #fit(loader: Batches, options: CheckedFit): Promise<History> {
    const { epochs, callbacks } = options;
    const progress = options.progress ? await makeProgress(epochs) : silent;
    const history = new History();
    this.#history = history;
    const restore = modesOf(this.model);
    const train = trainingModes(this.model);
    this.#stopping = false;
    try {
      for (let epoch = 1; epoch <= epochs && !this.#stopping; epoch++) {
        train();
        progress.start(epoch, countOf(loader));
        const record = await this.#alone('fit', () => this.#epoch(loader, epoch, options, progress));
        history.add(record);
        progress.end(record);
        for (const callback of callbacks) await callback.onEpochEnd?.(record, this);
      }
    } finally {
      progress.stop();
      restore();
    }
    return history;
  }

  async #epoch(loader: Batches, epoch: number, options: CheckedFit, progress: Progress): Promise<EpochRecord> {
    const started = performance.now();
    const strict = options.nonFiniteLoss === 'throw' && this.#options.precision !== 'f16';
    const { train, skipped } = await trainEpoch({
      epoch,
      loader,
      steps: this.#steps,
      options,
      progress,
      run: this,
      strict,
      stopping: () => this.#stopping,
    });
    await checkParameters(this.optimizer, this.model, epoch);
    const { learningRate } = this.#steps;
    const where = ` of the validation after epoch ${epoch}`;
    const validation = options.validation === undefined ? undefined : await this.#evaluate(options.validation, where);
    if (validation !== undefined && !Number.isFinite(validation.loss) && options.nonFiniteLoss === 'throw')
      throw oddValidation(validation.loss, epoch);
    if (this.#options.scheduleEvery !== 'step') this.#options.schedule?.step(validation?.loss ?? train.loss);
    const seconds = (performance.now() - started) / 1000;
    return {
      epoch,
      train,
      ...(validation === undefined ? {} : { validation }),
      ...(skipped > 0 ? { skipped } : {}),
      learningRate,
      seconds,
    };
  }

  /**
   * Loss and metrics over batches, in evaluation mode and under `noGrad`. The loss is that of all items, whatever
   * the batch size: see LossFunction.
   *
   * @param loader  gives batches { input, target }
   * @throws {OptionError} if a batch is not { input, target }, there is none, or an epoch of `fit` or another
   * `evaluate` is running
   */
  async evaluate(loader: Batches): Promise<Figures> {
    checkLoader('Trainer.evaluate', loader);
    return this.#alone('evaluate', () => this.#evaluate(loader));
  }

  async #evaluate(loader: Batches, where = ' of the evaluation'): Promise<Figures> {
    const figures = new RunningFigures(this.metrics);
    const batches = await walkEpoch(loader, {
      evaluating: this.model,
      place: (batch) => `batch ${batch}${where}`,
      step: (make) => ({ done: figures.add(this.#steps.measure('Trainer.evaluate', make()), false) }),
    });
    if (batches === 0) throw noBatch('Trainer.evaluate');
    return figures.values();
  }

  /**
   * What the model says, in evaluation mode and under `noGrad`.
   *
   * @param data  an input, a batch { input }, or a loader of either
   * @returns the output; one for each batch of a loader
   * @throws {OptionError} if it is something else
   */
  async predict(data: Sequence | { readonly input: Sequence }): Promise<Sequence>;
  async predict(data: Batches<Sequence | { readonly input: Sequence }>): Promise<Sequence[]>;
  async predict(data: unknown): Promise<Sequence | Sequence[]> {
    const one = (given: unknown): Sequence => this.#steps.predict('Trainer.predict', given);
    if (!isIterable(data)) return inEvaluation(this.model, () => scope(() => one(data)));
    const outputs: Sequence[] = [];
    await walkEpoch(data, {
      evaluating: this.model,
      step: (make) => {
        outputs.push(keep(one(make())));
        return { done: this.#steps.synchronize() };
      },
    });
    return outputs;
  }

  /** Runs `work` unless something else is counting. */
  async #alone<R>(name: 'fit' | 'evaluate', work: () => Promise<R>): Promise<R> {
    refuseWhile(this.#counting, name);
    this.#counting = name;
    try {
      return await work();
    } finally {
      this.#counting = undefined;
    }
  }
}
