import { OptionError } from '../../tensor/errors';
import { describe } from '../../tensor/options';
import { asGiven, readOptions } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';
import { rateOf, takeParts, type OfSchedules } from './schedule-parts';

/** Options of SequentialLR. */
export interface SequentialLROptions extends OfSchedules {
  /** The steps at which the next schedule takes over, ascending; one fewer than there are schedules. */
  milestones: readonly number[];
}

/**
 * Several schedules one after another, each from the first learning rate and its own step 0 on. Only the sequence is
 * stepped.
 *
 *     new SequentialLR(optimizer, {
 *       schedules: [new LinearLR(optimizer, { totalIters: 100 }), new CosineAnnealingLR(optimizer, { tMax: 900 })],
 *       milestones: [100],
 *     })
 *
 * @throws {OptionError} if an option is unknown or out of range, or a schedule is none whose rate follows from its
 * steps, or that of another optimizer
 * @see torch.optim.lr_scheduler.SequentialLR
 */
export class SequentialLR extends RateSchedule<SequentialLROptions> {
  constructor(optimizer: Optimizer, options: SequentialLROptions) {
    const op = 'SequentialLR';
    const given = readOptions(op, options, { schedules: asGiven, milestones: asGiven });
    const schedules = takeParts(op, optimizer, given.schedules);
    super(
      op,
      optimizer,
      { schedules, milestones: given.milestones },
      {
        schedules: asGiven,
        milestones: (caller, name, value) => ascending(caller, name, value, schedules.length - 1),
      },
    );
  }

  protected override rate(steps: number, base: number, options: SequentialLROptions, group: number): number {
    const { schedules, milestones } = options;
    const place = milestones.filter((milestone) => milestone <= steps).length;
    return rateOf(schedules[place], steps - (milestones[place - 1] ?? 0), base, group);
  }
}

function ascending(op: string, name: string, value: unknown, count: number): number[] {
  const isSteps = (step: unknown, place: number, all: unknown[]): boolean =>
    typeof step === 'number' && Number.isSafeInteger(step) && step > (place === 0 ? 0 : Number(all[place - 1]));
  if (Array.isArray(value) && value.length === count && value.every(isSteps)) return value as number[];
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `${count} ascending ${count === 1 ? 'step number' : 'step numbers'} above 0, one fewer than schedules`,
    fix: 'say at which step each schedule but the first begins',
  });
}
