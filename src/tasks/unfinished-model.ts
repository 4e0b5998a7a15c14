import type { TrainerCallback, TrainingRun } from '../training/callback';
import type { EpochRecord } from '../training/epoch-record';

/** Writes a task after the best epoch so far, so that a training that is interrupted leaves what it has learned. */
export class UnfinishedModel implements TrainerCallback {
  readonly #save: () => Promise<void>;
  readonly #keep: 'best' | 'last';

  /**
   * @param save  writes the task
   * @param keep  as in `fit`: the epoch with the best validation loss, or the last one
   */
  constructor(save: () => Promise<void>, keep: 'best' | 'last') {
    this.#save = save;
    this.#keep = keep;
  }

  async onEpochEnd({ epoch, validation }: EpochRecord, { history }: TrainingRun): Promise<void> {
    const before = history.epochs.filter((record) => record.epoch < epoch);
    const isAsGood = (other: EpochRecord): boolean =>
      validation !== undefined && other.validation !== undefined && other.validation.loss <= validation.loss;
    if (this.#keep === 'best' && before.some(isAsGood)) return;
    await this.#save();
  }
}
