// What callbacks may be typed for; compiled, never run.
import type { Trainer, TrainerCallback, TrainingRun } from 'stmnet';

export const forRun: TrainerCallback = {
  onEpochEnd(record, run: TrainingRun): void {
    if (record.train.loss < 0.1 || run.history.epochs.length > 5) run.stop();
  },
};

export const forTrainer: TrainerCallback = {
  onStep(trainer: Trainer): void {
    if (trainer.steps === 10) trainer.stop();
  },
};

export const beginsNothing: TrainerCallback = {
  // @ts-expect-error -- a callback cannot begin a training within one
  onStep: async (run) => void (await run.fit([], { epochs: 1 })),
};
