import { nonNegativeNumber, positiveInteger } from '../../tensor/options';
import { withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** Options of LinearLR. */
export interface LinearLROptions {
  /** Factor of the first learning rate, above 0. Default 1/3. */
  startFactor?: number;
  /** Factor from step `totalIters` on. Default 1. */
  endFactor?: number;
  /** Steps from the one to the other. Default 5. */
  totalIters?: number;
}

/**
 * Warm-up: takes the factor of the learning rate from `startFactor` to `endFactor` in equal parts.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.LinearLR
 */
export class LinearLR extends RateSchedule<LinearLROptions> {
  constructor(optimizer: Optimizer, options: LinearLROptions = {}) {
    super('LinearLR', optimizer, options, {
      startFactor: withDefault(nonNegativeNumber, 1 / 3),
      endFactor: withDefault(nonNegativeNumber, 1),
      totalIters: withDefault(positiveInteger, 5),
    });
  }

  protected override rate(
    steps: number,
    base: number,
    { startFactor, endFactor, totalIters }: Required<LinearLROptions>,
  ): number {
    const part = Math.min(steps, totalIters) / totalIters;
    return base * (startFactor + (endFactor - startFactor) * part);
  }
}
