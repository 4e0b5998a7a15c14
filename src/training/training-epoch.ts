import { hasState } from '../io/checkpoint';
import { getRandomState, type RandomState } from '../tensor/generator';
import { keep } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { countOf, noBatch } from './batches';
import type { TrainingStep } from './callback';
import type { EpochRecord, Figures } from './epoch-record';
import { walkEpoch, type WalkStart } from './epoch-walk';
import type { Checkpoints } from './checkpoint-run';
import type { RunningEpoch } from './checkpoint-state';
import { tell, type FitRun } from './fit-run';
import type { Progress } from './progress';
import type { Odd } from './mean-loss';
import { RunningFigures } from './running-figures';
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
  const { epoch, loader, steps, options, progress, stopping, validations } = training;
  const { from, counts, random } = beginOf(training, figures);
  const show = showing(figures, progress);
  let odd: { step: Odd; place: Place } | undefined;
  const heard = options.callbacks.some((callback) => 'onStep' in callback);
  let loss: Tensor | undefined;
  const placeOf = (batch: number): Place => ({ epoch, batch, step: steps.count + 1 });
  const batches = await walkEpoch(loader, {
    from,
    place: (batch) => wordsOf(placeOf(batch)),
    step: (make, batch) => {
      const place = placeOf(batch);
      const outcome = steps.train('Trainer.fit', make(), options.onNaN);
      counts.examples += outcome.rows ?? 1;
      if (heard) loss = keep(outcome.loss.detach());
      const counted = figures.add(outcome, options.onNaN !== 'ignore', (step) => {
        if (step === undefined) {
          if (odd === undefined) steps.recent.forget(place.step);
          return;
        }
        counts.skipped++;
        odd ??= { step, place };
      });
      return { done: Promise.all([steps.computed(), counted]) };
    },
    after: async (batch, drain) => {
      if (options.onNaN === 'stop' && odd !== undefined) {
        loss?.dispose();
        return false;
      }
      if (loss !== undefined) await tellStep(training, { ...placeOf(batch), step: steps.count, loss });
      if (progress.step(batch)) show.begin();
      const stepped = performance.now();
      await validations.afterStep(epoch);
      counts.validating += performance.now() - stepped;
      if (training.checkpoints?.due() === true) {
        await drain();
        await figures.settle();
        if (options.onNaN === 'stop' && odd !== undefined) return false;
        await keepPlace(training, figures, { ...counts, random, batches: batch });
      }
      const when = stopping();
      return when === undefined || (when === 'after epoch' && countOf(loader) !== undefined);
    },
  });
  if (batches === 0) throw noBatch('Trainer.fit');
  await show.ended();
  await figures.settle();
  if (odd !== undefined && options.onNaN === 'stop') throw await oddStep(training, odd.step, odd.place);
  const { skipped, examples } = counts;
  if (figures.empty && skipped === 0) throw nothingCounts(epoch, batches);
  const train = await figures.values();
  const { gradientNorm } = figures;
  const seconds = (performance.now() - training.started - counts.validating) / 1000;
  return { train, gradientNorm, skipped, examples, seconds };
}

/** Where an epoch begins: at its first batch, or where a checkpoint was made in the middle of it. */
function beginOf(
  { checkpoints, steps, loader }: TrainingEpoch,
  figures: RunningFigures,
): { from: WalkStart | undefined; counts: { -readonly [Name in keyof Counts]: Counts[Name] }; random: RandomState } {
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
