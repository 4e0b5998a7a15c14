import { nonNegativeNumber, positiveInteger } from '../../tensor/options';
import { withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** Options of CosineAnnealingLR. */
export interface CosineAnnealingLROptions {
  /** Steps from the first learning rate down to `etaMin`. */
  tMax: number;
  /** The least learning rate. Default 0. */
  etaMin?: number;
}

/**
 * Lets the learning rate fall along half a cosine to `etaMin` in `tMax` steps (Loshchilov and Hutter, 2017), and rise
 * again after that.
 *
 *   etaMin + (base - etaMin) · (1 + cos(π · steps / tMax)) / 2
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.CosineAnnealingLR
 */
export class CosineAnnealingLR extends RateSchedule<CosineAnnealingLROptions> {
  constructor(optimizer: Optimizer, options: CosineAnnealingLROptions) {
    super('CosineAnnealingLR', optimizer, options, {
      tMax: positiveInteger,
      etaMin: withDefault(nonNegativeNumber, 0),
    });
  }

  protected override rate(steps: number, base: number, { tMax, etaMin }: Required<CosineAnnealingLROptions>): number {
    return etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * steps) / tMax))) / 2;
  }
}
