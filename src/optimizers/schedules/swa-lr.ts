import { OptionError } from '../../tensor/errors';
import { describe, nonNegativeInteger, nonNegativeNumber, positiveInteger } from '../../tensor/options';
import { asGiven, choice, optional, readOptions, withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';
import type { Schedule } from './schedule';
import { rateOf, takePart } from './schedule-parts';

/** Options of SWALR. */
export interface SWALROptions {
  /** The learning rate while weights are averaged; an array has one for each parameter group. */
  swaLearningRate: number | readonly number[];
  /** Steps before the rate leaves what it was. Default 0. */
  start?: number;
  /** Steps in which it goes over to `swaLearningRate`. Default 10. */
  annealSteps?: number;
  /** How it goes over. Default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
  /** By what the rate goes until `start`: a schedule of the optimizer, which is not stepped. Default: constant. */
  schedule?: Schedule | undefined;
}

/**
 * Goes over to a constant learning rate, at which weights are averaged (Izmailov et al., 2018; see AveragedWeights).
 *
 *   rate · (1 - α) + swaLearningRate · α      rate: that after `start` steps
 *   α = (1 - cos(π · part)) / 2               or part, if linear, which goes from 0 to 1 in `annealSteps` steps
 *
 *     new SWALR(optimizer, {
 *       swaLearningRate: 0.05,
 *       start: 20,
 *       schedule: new CosineAnnealingLR(optimizer, { tMax: 40 }),
 *     })
 *
 * @throws {OptionError} if an option is unknown or out of range, there are not as many rates as parameter groups, or
 * `schedule` is none whose rate follows from its steps, or that of another optimizer
 * @see torch.optim.swa_utils.SWALR, stepped in place of the other schedule after `start` steps
 */
export class SWALR extends RateSchedule<SWALROptions> {
  constructor(optimizer: Optimizer, options: SWALROptions) {
    const op = 'SWALR';
    const read = readOptions<object, Required<SWALROptions>>(op, options, {
      swaLearningRate: (caller, name, value) => ratesOf(caller, name, value, optimizer),
      start: withDefault(nonNegativeInteger, 0),
      annealSteps: withDefault(positiveInteger, 10),
      annealStrategy: choice(['cos', 'linear']),
      schedule: optional<Schedule>(asGiven),
    });
    if (read.schedule !== undefined) takePart(op, optimizer, read.schedule);
    super(op, optimizer, read, {
      swaLearningRate: asGiven,
      start: asGiven,
      annealSteps: asGiven,
      annealStrategy: asGiven,
      schedule: asGiven,
    });
  }

  protected override rate(
    steps: number,
    base: number,
    { swaLearningRate, start, annealSteps, annealStrategy, schedule }: Required<SWALROptions>,
    group: number,
  ): number {
    const before = rateOf(schedule, Math.min(steps, start), base, group);
    if (steps <= start) return before;
    const part = Math.min((steps - start) / annealSteps, 1);
    const alpha = annealStrategy === 'linear' ? part : (1 - Math.cos(Math.PI * part)) / 2;
    const rate = typeof swaLearningRate === 'number' ? swaLearningRate : (swaLearningRate[group] ?? base);
    return rate * alpha + before * (1 - alpha);
  }
}

function ratesOf(op: string, name: string, value: unknown, { groups }: Optimizer): number | readonly number[] {
  if (!Array.isArray(value)) return nonNegativeNumber(op, name, value);
  if (value.length === groups.length) return value.map((rate: unknown) => nonNegativeNumber(op, name, rate));
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}, ${value.length} for ${groups.length} parameter groups`,
    expected: 'a learning rate, or one for each parameter group',
    fix: `pass such as ${name}: 0.05`,
  });
}
