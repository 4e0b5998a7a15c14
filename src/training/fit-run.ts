import type { Optimizer } from '../optimizers/optimizer';
import type { Batches } from './batches';
import type { TrainingRun } from './callback';
import type { CheckedFit, CheckedTrainer } from './check-trainer-options';
import type { History } from './history';
import type { Steps } from './step';

/** When a training that is to stop ends; undefined while it goes on. */
export type Stopping = 'after step' | 'after epoch' | undefined;

/** What `fit` of a Trainer is given. */
export interface FitRun {
  readonly trainer: CheckedTrainer;
  readonly optimizer: Optimizer;
  readonly steps: Steps;
  readonly loader: Batches<unknown>;
  readonly options: CheckedFit;
  /** Takes the records of the epochs. */
  readonly history: History;
  /** What callbacks see. */
  readonly run: TrainingRun;
  readonly stopping: () => Stopping;
}
