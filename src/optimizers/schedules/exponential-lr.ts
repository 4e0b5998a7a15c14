import { nonNegativeNumber } from '../../tensor/options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** Options of ExponentialLR. */
export interface ExponentialLROptions {
  /** Factor at each step. */
  gamma: number;
}

/**
 * Multiplies the learning rate by `gamma` at each step.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.ExponentialLR
 */
export class ExponentialLR extends RateSchedule<ExponentialLROptions> {
  constructor(optimizer: Optimizer, options: ExponentialLROptions) {
    super('ExponentialLR', optimizer, options, {
      gamma: nonNegativeNumber,
    });
  }

  protected override rate(steps: number, base: number, { gamma }: Required<ExponentialLROptions>): number {
    return base * gamma ** steps;
  }
}
