import { asGiven, readOptions } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';
import { rateOf, takeParts, type OfSchedules } from './schedule-parts';

/** Options of ChainedLR. */
export type ChainedLROptions = OfSchedules;

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
export class ChainedLR extends RateSchedule<ChainedLROptions> {
  constructor(optimizer: Optimizer, options: ChainedLROptions) {
    const { schedules } = readOptions('ChainedLR', options, { schedules: asGiven });
    super('ChainedLR', optimizer, { schedules: takeParts('ChainedLR', optimizer, schedules) }, { schedules: asGiven });
  }

  protected override rate(steps: number, base: number, { schedules }: ChainedLROptions, group: number): number {
    if (base === 0) return 0;
    return schedules.reduce((rate, schedule) => rate * (rateOf(schedule, steps, base, group) / base), base);
  }
}
