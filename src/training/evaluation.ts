import { noBatch, type Batches } from './batches';
import { CarriedState } from './carried-state';
import type { CheckedTrainer } from './check-trainer-options';
import type { Figures } from './epoch-record';
import { walkEpoch } from './epoch-walk';
import { RunningFigures } from './running-figures';
import type { Steps } from './step';

/** What an evaluation needs. */
export interface Evaluation {
  readonly trainer: CheckedTrainer;
  readonly steps: Steps;
}

/**
 * Loss and metrics over batches, in evaluation mode and under `noGrad`.
 *
 * @param where  for the message of a fault
 * @throws {OptionError} if a batch is not what the Trainer takes, or there is none
 */
export async function evaluateBatches(
  { trainer, steps }: Evaluation,
  loader: Batches<unknown>,
  where = ' of the evaluation',
): Promise<Figures> {
  const figures = new RunningFigures(trainer.form, trainer.metrics);
  const carried = new CarriedState();
  try {
    const batches = await walkEpoch(loader, {
      evaluating: trainer.model,
      place: (batch) => `batch ${batch}${where}`,
      step: (make) => {
        const counted = figures.add(steps.measure('Trainer.evaluate', make(), carried), false);
        return { done: Promise.all([steps.computed(), counted]) };
      },
    });
    if (batches === 0) throw noBatch('Trainer.evaluate');
    if (trainer.optimizer === undefined) steps.tellUnread();
    return await figures.values();
  } finally {
    figures.dispose();
    carried.reset();
  }
}
