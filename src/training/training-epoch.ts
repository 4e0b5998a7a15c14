import { keep } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import { countOf, noBatch } from './batches';
import type { TrainerCallback, TrainingRun, TrainingStep } from './callback';
import type { Figures } from './epoch-record';
import { walkEpoch } from './epoch-walk';
import type { FitRun } from './fit-run';
import type { Progress } from './progress';
import type { Odd } from './mean-loss';
import { RunningFigures } from './running-figures';
import { nothingCounts, oddStep, wordsOf, type Place } from './training-error';
import type { Validations } from './validations';

/** What goes with a training from epoch to epoch. */
export interface Underway {
  readonly progress: Progress;
  readonly validations: Validations;
}

/** What an epoch of training needs. */
export interface TrainingEpoch extends FitRun, Underway {
  /** 1 for the first. */
  epoch: number;
  /** Whether a step that is not finite ends the training, rather than an epoch of nothing but such steps. */
  strict: boolean;
}

/** What came of an epoch of training. */
export interface Trained {
  readonly train: Figures;
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
 * @throws {TrainingError} if steps are not finite, as far as the options mind it, or nothing counts
 */
export async function trainEpoch(training: TrainingEpoch): Promise<Trained> {
  const figures = new RunningFigures(training.trainer.form, training.trainer.metrics);
  try {
    return await walk(training, figures);
  } finally {
    figures.dispose();
  }
}

async function walk(training: TrainingEpoch, figures: RunningFigures): Promise<Trained> {
  const { epoch, loader, steps, options, progress, run, strict, stopping, validations } = training;
  const started = performance.now();
  let [examples, validating] = [0, 0];
  steps.carried.reset();
  const show = showing(figures, progress);
  let skipped = 0;
  let odd: { step: Odd; place: Place } | undefined;
  const heard = options.callbacks.some((callback) => 'onStep' in callback);
  let loss: Tensor | undefined;
  const placeOf = (batch: number): Place => ({ epoch, batch, step: steps.count + 1 });
  const batches = await walkEpoch(loader, {
    place: (batch) => wordsOf(placeOf(batch)),
    step: (make, batch) => {
      const place = placeOf(batch);
      const outcome = steps.train('Trainer.fit', make());
      examples += outcome.rows ?? 1;
      if (heard) loss = keep(outcome.loss.detach());
      const added = figures.add(outcome, true);
      const noted = added.then((step) => {
        if (step === undefined) return;
        skipped++;
        odd ??= { step, place };
      });
      return { done: noted };
    },
    after: async (batch) => {
      if (strict && odd !== undefined) {
        loss?.dispose();
        return false;
      }
      if (loss !== undefined) await tellStep(options.callbacks, run, { ...placeOf(batch), step: steps.count, loss });
      if (progress.step(batch)) show.begin();
      const stepped = performance.now();
      await validations.afterStep(epoch);
      validating += performance.now() - stepped;
      const when = stopping();
      return when === undefined || (when === 'after epoch' && countOf(loader) !== undefined);
    },
  });
  if (batches === 0) throw noBatch('Trainer.fit');
  await show.ended();
  if (odd !== undefined && (strict || (options.nonFiniteLoss === 'throw' && skipped === batches)))
    throw await oddStep(run.optimizer, run.model, odd.step, odd.place);
  if (figures.empty && skipped === 0) throw nothingCounts(epoch, batches);
  const train = await figures.values();
  return { train, skipped, examples, seconds: (performance.now() - started - validating) / 1000 };
}

/** Calls `onStep` of each, and lets go of the loss. */
async function tellStep(callbacks: readonly TrainerCallback[], run: TrainingRun, step: TrainingStep): Promise<void> {
  try {
    for (const callback of callbacks) await callback.onStep?.(run, step);
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
