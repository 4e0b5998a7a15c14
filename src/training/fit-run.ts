import type { Optimizer } from '../optimizers/optimizer';
import type { Batches } from './batches';
import type { TrainerCallback, TrainingRun } from './callback';
import type { CheckedFit, CheckedTrainer } from './check-trainer-options';
import type { History } from './history';
import type { Progress } from './progress';
import type { Steps } from './step';

/** When a training that is to stop ends; undefined while it goes on. */
export type Stopping = 'after step' | 'after epoch' | undefined;

/** What `fit` of a Trainer is given. */
export interface FitRun {
  readonly trainer: CheckedTrainer;
  readonly optimizer: Optimizer;
  /** The options of its groups when the Trainer was made. */
  readonly begun: readonly Readonly<Record<string, unknown>>[];
  readonly steps: Steps;
  readonly loader: Batches<unknown>;
  readonly options: CheckedFit;
  /** Takes the records of the epochs. */
  readonly history: History;
  /** What callbacks see. */
  readonly run: TrainingRun;
  readonly stopping: () => Stopping;
  /** Why it is to stop. */
  readonly reason: () => string | undefined;
  /** Where lines are shown, once it has begun. */
  readonly shown: { progress: Progress };
  /** What a callback has asked for, which belongs to the training as its options do. */
  readonly decided: { stopping: Stopping };
}

/** Calls one method of each callback, in their order. */
export async function tell(fit: FitRun, call: (callback: TrainerCallback) => void | Promise<void>): Promise<void> {
  const before = fit.stopping();
  for (const callback of fit.options.callbacks) await call(callback);
  if (fit.stopping() !== before) fit.decided.stopping = fit.stopping();
}
