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
  const refuse = (given: string): OptionError =>
    new OptionError(op, {
      given: `schedules: ${given}`,
      expected: 'schedules of this optimizer whose rate follows from the number of steps',
      fix: 'pass such as schedules: [new LinearLR(optimizer), new ExponentialLR(optimizer, { gamma: 0.9 })]',
    });
  if (!Array.isArray(schedules)) throw refuse(describe(schedules));
  const parts = schedules.map((schedule: unknown, place) => {
    if (!(schedule instanceof RateSchedule)) throw refuse(`${describe(schedule)} as schedule ${place}`);
    if (schedule.optimizer === optimizer) return schedule as RateSchedule<object>;
    throw refuse(`schedule ${place} of another optimizer`);
  });
  const [first, ...others] = parts;
  if (first === undefined) throw refuse('[]');
  putBack(optimizer, first);
  return [first, ...others];
}

/**
 * The same for the one schedule that another one begins with.
 *
 * @throws {OptionError} if it is no schedule of this optimizer whose rate follows from its steps
 */
export function takePart(op: string, optimizer: Optimizer, schedule: unknown): void {
  if (schedule instanceof RateSchedule && schedule.optimizer === optimizer) {
    putBack(optimizer, schedule);
    return;
  }
  const other = schedule instanceof RateSchedule ? ' of another optimizer' : '';
  throw new OptionError(op, {
    given: `schedule: ${describe(schedule)}${other}`,
    expected: 'a schedule of this optimizer whose rate follows from the number of steps',
    fix: 'pass such as schedule: new CosineAnnealingLR(optimizer, { tMax: 40 })',
  });
}

/** Gives the optimizer the learning rates of before a schedule was made. */
function putBack({ groups }: Optimizer, { base }: RateSchedule<object>): void {
  groups.forEach((group, index) => (group.learningRate = base[index] ?? group.learningRate));
}

/** The learning rate that one of the schedules that were taken has after so many steps of its own. */
export const rateOf = (part: Schedule | undefined, steps: number, base: number, group: number): number =>
  part instanceof RateSchedule ? part.rateAt(steps, base, group) : base;

/** What schedules of schedules have in common. */
export interface OfSchedules {
  /** At least one, made for the same optimizer, in this order. None that watches a figure. They are not stepped. */
  schedules: readonly Schedule[];
}
