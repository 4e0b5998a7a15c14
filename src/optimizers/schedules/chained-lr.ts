import { asGiven, readOptions } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';
import { takeParts, type OfSchedules } from './schedule-parts';

/** Options of ChainedLR. */
export type ChainedLROptions = OfSchedules;

/** With the schedules that have been looked at. */
interface Chained {
  schedules: readonly RateSchedule<object>[];
}

/**
 * Several schedules at a time: the learning rate is the first one times the factors of all, as where a warm-up goes on
 * top of a decay. Only the chain is stepped.
 *
 *     new ChainedLR(optimizer, {
 *       schedules: [new LinearLR(optimizer, { totalIters: 100 }), new ExponentialLR(optimizer, { gamma: 0.999 })],
 *     })
 *
 * @throws {OptionError} if an option is unknown, or a schedule is none whose rate follows from its steps, or that of
 * another optimizer
 * @see torch.optim.lr_scheduler.ChainedScheduler
 */
export class ChainedLR extends RateSchedule<Chained> {
  constructor(optimizer: Optimizer, options: ChainedLROptions) {
    const { schedules } = readOptions('ChainedLR', options, { schedules: asGiven });
    super('ChainedLR', optimizer, { schedules: takeParts('ChainedLR', optimizer, schedules) }, { schedules: asGiven });
  }

  protected override rate(steps: number, base: number, { schedules }: Chained, group: number): number {
    if (base === 0) return 0;
    return schedules.reduce((rate, schedule) => rate * (schedule.rateAt(steps, base, group) / base), base);
  }
}
