import { OptionError } from '../../tensor/errors';
import { describe } from '../../tensor/options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** A factor of the learning rate after so many steps, 0 or more. */
export type RateFactor = (steps: number) => number;

/** Options of LambdaLR. */
export interface LambdaLROptions {
  /** Factor of the first learning rate after `steps` steps; an array has one for each parameter group. */
  lambda: RateFactor | readonly RateFactor[];
}

/**
 * Multiplies the first learning rate by a factor that a function gives. The function is not in `stateDict`.
 *
 *     new LambdaLR(optimizer, { lambda: (steps) => 1 / Math.sqrt(1 + steps) })
 *
 * @throws {OptionError} if an option is unknown, or there are not as many functions as parameter groups; here and at
 * `step`, if a function returns something else than a finite number of at least 0
 * @see torch.optim.lr_scheduler.LambdaLR
 */
export class LambdaLR extends RateSchedule<LambdaLROptions> {
  constructor(optimizer: Optimizer, options: LambdaLROptions) {
    super('LambdaLR', optimizer, options, {
      lambda: (op, name, value) => factorsOf(op, name, value, optimizer.groups.length),
    });
  }

  protected override rate(steps: number, base: number, { lambda }: Required<LambdaLROptions>, group: number): number {
    const factorAt = typeof lambda === 'function' ? lambda : lambda[group];
    const factor: unknown = factorAt?.(steps);
    if (typeof factor === 'number' && Number.isFinite(factor) && factor >= 0) return base * factor;
    throw new OptionError('LambdaLR', {
      given: `${describe(factor)} from lambda(${steps})`,
      expected: 'a finite number of at least 0',
      fix: 'return the factor of the first learning rate',
    });
  }
}

function factorsOf(op: string, name: string, value: unknown, groups: number): LambdaLROptions['lambda'] {
  if (typeof value === 'function') return value as RateFactor;
  const isFunctions = Array.isArray(value) && value.every((item) => typeof item === 'function');
  if (isFunctions && value.length === groups) return [...(value as RateFactor[])];
  throw new OptionError(op, {
    given: `${name}: ${isFunctions ? `${value.length} functions for ${groups} parameter groups` : describe(value)}`,
    expected: 'a function (steps) => factor, or one for each parameter group',
    fix: `pass such as ${name}: (steps) => 0.95 ** steps`,
  });
}
