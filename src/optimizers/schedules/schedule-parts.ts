import { OptionError } from '../../tensor/errors';
import { describe } from '../../tensor/options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';
import type { Schedule } from './schedule';

/**
 * Checks the schedules that another one is made of, and puts the learning rates back to what they were before the first
 * of them was made.
 *
 * @throws {OptionError} if there is none, or one is no schedule of this optimizer whose rate follows from its steps
 */
export function takeParts(
  op: string,
  optimizer: Optimizer,
  schedules: unknown,
): readonly [RateSchedule<object>, ...RateSchedule<object>[]] {
  const wanted = 'schedules of this optimizer whose rate follows from the number of steps';
  if (!Array.isArray(schedules)) throw noParts(op, describe(schedules), wanted);
  const parts = schedules.map((schedule: unknown, place) => {
    if (!(schedule instanceof RateSchedule)) throw noParts(op, `${describe(schedule)} as schedule ${place}`, wanted);
    if (schedule.optimizer === optimizer) return schedule as RateSchedule<object>;
    throw noParts(op, `schedule ${place} of another optimizer`, wanted);
  });
  const [first, ...others] = parts;
  if (first === undefined) throw noParts(op, '[]', wanted);
  optimizer.groups.forEach((group, index) => (group.learningRate = first.base[index] ?? group.learningRate));
  return [first, ...others];
}

/** The learning rate that one of the schedules that were taken has after so many steps of its own. */
export const rateOf = (part: Schedule | undefined, steps: number, base: number, group: number): number =>
  part instanceof RateSchedule ? part.rateAt(steps, base, group) : base;

const noParts = (op: string, given: string, expected: string): OptionError =>
  new OptionError(op, {
    given: `schedules: ${given}`,
    expected,
    fix: `pass such as schedules: [new LinearLR(optimizer), new ExponentialLR(optimizer, { gamma: 0.9 })]`,
  });

/** What schedules of schedules have in common. */
export interface OfSchedules {
  /** At least one, made for the same optimizer, in this order. None that watches a figure. They are not stepped. */
  schedules: readonly Schedule[];
}
