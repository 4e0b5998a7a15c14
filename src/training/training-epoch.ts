import { hasState } from '../io/checkpoint';
import { getRandomState, type RandomState } from '../tensor/generator';
import { keep, scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { countOf, noBatch } from './batches';
import type { TrainingStep } from './callback';
import type { EpochRecord, Figures } from './epoch-record';
import { walkEpoch, type Maker, type WalkStart } from './epoch-walk';
import type { Checkpoints } from './checkpoint-run';
import type { RunningEpoch } from './checkpoint-state';
import { tell, type FitRun } from './fit-run';
import type { Progress } from './progress';
import type { Odd } from './mean-loss';
import { placing } from './faults';
import { RunningFigures } from './running-figures';
import type { StepOutcome } from './step';
import { nothingCounts, oddStep, wordsOf, type Place } from './training-error';
import type { Validations } from './validations';

/** What goes with a training from epoch to epoch. */
export interface Underway {
  readonly progress: Progress;
  readonly validations: Validations;
  readonly checkpoints: Checkpoints | undefined;
}

/** What an epoch of training needs. */
export interface TrainingEpoch extends FitRun, Underway {
  /** 1 for the first. */
  epoch: number;
  /** When it began, in milliseconds of `performance.now()`. */
  started: number;
}

/** What came of an epoch of training. */
export interface Trained {
  readonly train: Figures;
  /** Norm of the gradients over the steps, where something measures it. */
  readonly gradientNorm: EpochRecord['gradientNorm'];
  /** Steps that were left out because something was not finite. */
  readonly skipped: number;
  /** Rows of all batches. */
  readonly examples: number;
  /** How long it took, without validations. */
  readonly seconds: number;
}

/**
 * Trains on every batch of a loader.
 *
 * @throws {TrainingError} if a step is not finite, unless `onNaN` says otherwise, or nothing counts
 */
export async function trainEpoch(training: TrainingEpoch): Promise<Trained> {
  const figures = new RunningFigures(training.trainer.form, training.trainer.metrics);
  try {
    return await walk(training, figures);
  } finally {
    figures.dispose();
    training.steps.recent.forget();
  }
}

/** What is counted in an epoch beside the figures. */
type Counts = Pick<RunningEpoch, 'skipped' | 'examples' | 'validating'>;

async function walk(training: TrainingEpoch, figures: RunningFigures): Promise<Trained> {
  const { epoch, loader, steps, options } = training;
  const { from, counts, random } = beginOf(training, figures);
  const walked = new EpochSteps(training, figures, counts);
  const ended = from !== undefined && !goesOn(training); // with the step before the checkpoint
  const batches = ended
    ? from.batches
    : await walkEpoch(loader, {
        from,
        place: (batch) => wordsOf(walked.placeOf(batch)),
        step: (make, batch) => walked.step(make, batch),
        after: async (batch, drain) => walked.after(batch, random, drain),
      });
  if (batches === 0) throw noBatch('Trainer.fit');
  await walked.finish(batches, random);
  await walked.end();
  const { skipped, examples } = counts;
  const { empty } = figures;
  if (empty !== undefined && skipped === 0) throw nothingCounts(epoch, batches, empty);
  if (options.onNaN === 'stop') steps.recent.forget();
  const train = await figures.values();
  const { gradientNorm } = figures;
  const seconds = (performance.now() - training.started - counts.validating) / 1000;
  return { train, gradientNorm, skipped, examples, seconds };
}

/** The steps of an epoch, and what happens around each. */
class EpochSteps {
  readonly #training: TrainingEpoch;
  readonly #figures: RunningFigures;
  readonly #counts: Counting;
  readonly #show: { begin(): void; ended(): Promise<void> };
  readonly #heard: boolean;
  /** The first step that was not finite. */
  #odd: { step: Odd; place: Place } | undefined;
  #lastOdd = 0;
  /** Of the step that the last batch has completed, where callbacks want it. */
  #loss: Tensor | undefined;
  #stepped = false;

  constructor(training: TrainingEpoch, figures: RunningFigures, counts: Counting) {
    this.#training = training;
    this.#figures = figures;
    this.#counts = counts;
    this.#show = showing(figures, training.progress);
    this.#heard = training.options.callbacks.some((callback) => 'onStep' in callback);
  }

  /** Where a batch is, before its step. */
  placeOf(batch: number): Place {
    const { epoch, steps } = this.#training;
    return { epoch, batch, step: steps.count + 1 };
  }

  /** Trains on a batch. */
  step(make: Maker<unknown>, number: number): { done: Promise<unknown> } {
    const { steps, options } = this.#training;
    const place = this.placeOf(number);
    const { batch, step } = steps.train('Trainer.fit', make(), options.onNaN, make.places);
    this.#counts.examples += batch.rows ?? 1;
    const counted = this.#figures.add(batch, options.onNaN !== 'ignore', (odd) => this.#take(odd, place));
    return { done: Promise.all([steps.computed(), counted, this.#complete(step, place)]) };
  }

  #complete(step: StepOutcome | undefined, place: Place): Promise<unknown> | undefined {
    this.#stepped = step !== undefined;
    if (step === undefined) return undefined;
    if (this.#heard) this.#loss = keep(step.loss.detach());
    const counting = this.#training.options.onNaN !== 'ignore';
    return step.report && this.#figures.addStep(step.report, counting, (odd) => this.#take(odd, place));
  }

  /** Notes whether a step was finite, when that has been read. */
  #take(odd: Odd | undefined, place: Place): void {
    if (odd === undefined) {
      if (this.#odd === undefined) this.#training.steps.recent.forget(place.step - 1);
      return;
    }
    if (this.#lastOdd !== place.step) this.#counts.skipped++; // a step may have several batches
    this.#lastOdd = place.step;
    this.#odd ??= { step: odd, place };
  }

  get #stops(): boolean {
    return this.#training.options.onNaN === 'stop' && this.#odd !== undefined;
  }

  /** After a batch. @returns whether to go on */
  async after(batch: number, random: RandomState, drain: () => Promise<void>): Promise<boolean> {
    const { steps, progress, validations, checkpoints, epoch, run } = this.#training;
    if (this.#stops) {
      this.#loss?.dispose();
      return false;
    }
    if (progress.step(batch)) this.#show.begin();
    if (checkpoints?.metricsUnchecked === true) await this.#checkMetrics(checkpoints, drain);
    if (!this.#stepped) return true;
    const loss = this.#loss;
    if (loss !== undefined) await tellStep(this.#training, { epoch, batch, step: steps.count, loss });
    if (validations.due() || checkpoints?.due() === true) {
      await tell(this.#training, (callback) => callback.onMeasure?.(run));
      await this.#pause(batch, random, drain);
      await tell(this.#training, (callback) => callback.onTrain?.(run));
    }
    return !this.#stops && goesOn(this.#training);
  }

  /** Between two steps: validation and checkpoint, where it is the time for them. */
  async #pause(batch: number, random: RandomState, drain: () => Promise<void>): Promise<void> {
    const { validations, checkpoints, epoch } = this.#training;
    const stepped = performance.now();
    const validated = await validations.afterStep(epoch);
    this.#counts.validating += performance.now() - stepped;
    if (validated !== undefined) checkpoints?.validated(validated);
    if (checkpoints?.due() !== true) return;
    await drain();
    await this.#figures.settle();
    if (this.#stops) return;
    await keepPlace(this.#training, this.#figures, { ...this.#counts, random, batches: batch });
  }

  async #checkMetrics(checkpoints: Checkpoints, drain: () => Promise<void>): Promise<void> {
    try {
      await drain();
      checkpoints.checkMetrics((await this.#figures.state()).metrics);
    } catch (error) {
      this.#loss?.dispose();
      throw error;
    }
  }

  /** The step on the batches that are left where several are accumulated. */
  async finish(batches: number, random: RandomState): Promise<void> {
    const { steps, options } = this.#training;
    if (this.#stops) return;
    const place = this.placeOf(batches);
    const { done } = placing(wordsOf(place), () =>
      scope(() => {
        const read = this.#complete(steps.finish(options.onNaN), place);
        return { done: Promise.all([steps.computed(), read]) };
      }),
    );
    await done;
    if (this.#stepped) await this.after(batches, random, () => Promise.resolve());
  }

  /** @throws {TrainingError} if a step was not finite, and that ends the training */
  async end(): Promise<void> {
    await this.#show.ended();
    await this.#figures.settle();
    if (this.#odd !== undefined && this.#stops) throw await oddStep(this.#training, this.#odd.step, this.#odd.place);
  }
}

/** Whether an epoch has a further step, as far as stopping goes. Without a length it may have no end. */
function goesOn({ stopping, loader }: TrainingEpoch): boolean {
  const when = stopping();
  return when === undefined || (when === 'after epoch' && countOf(loader) !== undefined);
}

/** What is counted while an epoch is running. */
type Counting = { -readonly [Name in keyof Counts]: Counts[Name] };

/** Where an epoch begins: at its first batch, or where a checkpoint was made in the middle of it. */
function beginOf(
  { checkpoints, steps, loader }: TrainingEpoch,
  figures: RunningFigures,
): { from: WalkStart | undefined; counts: Counting; random: RandomState } {
  const running = checkpoints?.from?.running;
  const now = getRandomState();
  if (running === undefined) {
    steps.carried.reset();
    checkpoints?.taken();
    return { from: undefined, counts: { skipped: 0, examples: 0, validating: 0 }, random: now };
  }
  figures.loadState(running.figures);
  checkpoints?.taken();
  const { batches, skipped, examples, validating, random } = running;
  const from = { batches, random: { epoch: random, now }, placed: hasState(loader) };
  return { from, counts: { skipped, examples, validating }, random };
}

/** A checkpoint in the middle of an epoch. */
async function keepPlace(
  { checkpoints, epoch, started }: TrainingEpoch,
  figures: RunningFigures,
  counted: Omit<RunningEpoch, 'figures' | 'seconds'>,
): Promise<void> {
  const seconds = (performance.now() - started) / 1000;
  await checkpoints?.afterStep(epoch, { ...counted, seconds, figures: await figures.state() });
}

/** Calls `onStep` of each, and lets go of the loss. */
async function tellStep(training: TrainingEpoch, step: TrainingStep): Promise<void> {
  try {
    await tell(training, (callback) => callback.onStep?.(training.run, step));
  } finally {
    step.loss.dispose();
  }
}

/** Shows the figures so far, one reading at a time. */
function showing(figures: RunningFigures, progress: Progress): { begin(): void; ended(): Promise<void> } {
  let running: Promise<void> | undefined;
  return {
    begin() {
      running ??= figures
        .values()
        .then(
          (values) => progress.figures(values),
          () => undefined, // the same fault ends the walk
        )
        .finally(() => (running = undefined));
    },
    ended: async () => running,
  };
}
