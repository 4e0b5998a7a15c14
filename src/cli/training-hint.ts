import type { History } from '../training/history';
import { fourDigits } from './output';

/** Of a training of fewer epochs nothing is to be saved. */
const FEWEST = 6;

/** The epoch of the smallest validation loss; undefined without a validation. */
export const bestEpoch = (history: History): number | undefined =>
  history.last?.validation === undefined ? undefined : history.best('validation.loss')?.epoch;

/**
 * What to try the next time, once a training has ended: a smaller learning rate where its loss has grown, and patience
 * where the validation was best in the first third of the epochs.
 *
 * @param patience  what it had; undefined for none
 * @returns undefined if there is nothing to say
 */
export function trainingHint(history: History, patience: unknown): string | undefined {
  const [first, last] = [history.epochs[0]?.train.loss ?? 0, history.last?.train.loss ?? 0];
  if (last > first)
    return (
      `the loss grew from ${fourDigits(first)} to ${fourDigits(last)}: ` +
      'a smaller --learning-rate keeps a training from that'
    );
  const [best, epochs] = [bestEpoch(history), history.epochs.length];
  if (best === undefined || patience !== undefined || epochs < FEWEST || best > epochs / 3) return undefined;
  return (
    `the validation was best in epoch ${best} of ${epochs}: ` +
    '--patience N stops once it has not become better for N epochs'
  );
}
