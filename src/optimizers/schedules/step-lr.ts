import { nonNegativeNumber, positiveInteger } from '../../tensor/options';
import { withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** Options of StepLR. */
export interface StepLROptions {
  /** Steps between two changes. */
  stepSize: number;
  /** Factor at each change. Default 0.1. */
  gamma?: number;
}

/**
 * Multiplies the learning rate by `gamma` every `stepSize` steps.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.StepLR
 */
export class StepLR extends RateSchedule<StepLROptions> {
  constructor(optimizer: Optimizer, options: StepLROptions) {
    super('StepLR', optimizer, options, {
      stepSize: positiveInteger,
      gamma: withDefault(nonNegativeNumber, 0.1),
    });
  }

  protected override rate(steps: number, base: number, { stepSize, gamma }: Required<StepLROptions>): number {
    return base * gamma ** Math.floor(steps / stepSize);
  }
}
