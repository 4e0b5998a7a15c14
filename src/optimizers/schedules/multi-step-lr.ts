import { OptionError } from '../../tensor/errors';
import { describe, nonNegativeInteger, nonNegativeNumber } from '../../tensor/options';
import { withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** Options of MultiStepLR. */
export interface MultiStepLROptions {
  /** The steps at which the rate changes, in any order; one that stands twice counts twice. */
  milestones: readonly number[];
  /** Factor at each change. Default 0.1. */
  gamma?: number;
}

/**
 * Multiplies the learning rate by `gamma` at each of the milestones.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.MultiStepLR
 */
export class MultiStepLR extends RateSchedule<MultiStepLROptions> {
  constructor(optimizer: Optimizer, options: MultiStepLROptions) {
    super('MultiStepLR', optimizer, options, {
      milestones: stepNumbers,
      gamma: withDefault(nonNegativeNumber, 0.1),
    });
  }

  protected override rate(steps: number, base: number, { milestones, gamma }: Required<MultiStepLROptions>): number {
    return base * gamma ** milestones.filter((milestone) => milestone <= steps).length;
  }
}

function stepNumbers(op: string, name: string, given: unknown): number[] {
  if (Array.isArray(given)) return given.map((step) => nonNegativeInteger(op, name, step));
  throw new OptionError(op, {
    given: `${name}: ${describe(given)}`,
    expected: 'an array of step numbers',
    fix: `pass such as ${name}: [30, 80]`,
  });
}
