import { OptionError } from '../../tensor/errors';
import { finiteNumber, nonNegativeNumber, positiveInteger, probability } from '../../tensor/options';
import { choice, withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { RateSchedule } from './rate-schedule';

/** Options of OneCycleLR. */
export interface OneCycleLROptions {
  /** The highest learning rate; of several groups also one for each. */
  maxLearningRate: number | readonly number[];
  /** Steps of the whole cycle. */
  totalSteps: number;
  /** Part of the steps in which the rate rises, in [0, 1). Default 0.3. */
  pctStart?: number;
  /** How the rate rises and falls. Default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
  /** The first rate is maxLearningRate / divFactor. Default 25. */
  divFactor?: number;
  /** The last rate is the first / finalDivFactor. Default 1e4. */
  finalDivFactor?: number;
}

/**
 * One cycle: the learning rate rises to its maximum and falls far below where it began (Smith and Topin, 2018). To be
 * stepped after each training step. The momentum of the optimizer stays as it is.
 *
 * @throws {OptionError} if an option is unknown or out of range; at `step`, if the cycle is over
 * @see torch.optim.lr_scheduler.OneCycleLR with cycle_momentum=False
 */
export class OneCycleLR extends RateSchedule<OneCycleLROptions> {
  constructor(optimizer: Optimizer, options: OneCycleLROptions) {
    super('OneCycleLR', optimizer, options, {
      maxLearningRate: (op, name, value) => ratesOf(op, name, value, optimizer.groups.length),
      totalSteps: positiveInteger,
      pctStart: withDefault(probability, 0.3),
      annealStrategy: choice(['cos', 'linear']),
      divFactor: withDefault(positive, 25),
      finalDivFactor: withDefault(positive, 1e4),
    });
  }

  protected override rate(steps: number, _base: number, options: Required<OneCycleLROptions>, group: number): number {
    const { maxLearningRate: highest, totalSteps, pctStart, annealStrategy, divFactor, finalDivFactor } = options;
    const maxLearningRate = typeof highest === 'number' ? highest : (highest[group] ?? Number.NaN);
    if (steps > totalSteps)
      throw new OptionError('OneCycleLR', {
        given: `step ${steps}`,
        expected: `at most ${totalSteps}, totalSteps`,
        fix: 'pass as many totalSteps as there are training steps',
      });
    const first = maxLearningRate / divFactor;
    const between = (from: number, to: number, part: number): number =>
      annealStrategy === 'linear' ? from + (to - from) * part : to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2;
    const top = pctStart * totalSteps - 1;
    const end = totalSteps - 1;
    if (steps <= top) return between(first, maxLearningRate, top > 0 ? steps / top : 1);
    return between(maxLearningRate, first / finalDivFactor, Math.min((steps - top) / Math.max(end - top, 1), 1));
  }
}

function ratesOf(op: string, name: string, value: unknown, groups: number): number | readonly number[] {
  if (!Array.isArray(value)) return nonNegativeNumber(op, name, value);
  if (value.length === groups) return Object.freeze(value.map((rate) => nonNegativeNumber(op, name, rate)));
  throw new OptionError(op, {
    given: `${name}: ${value.length} learning rates`,
    expected: `a number, or ${groups} of them, one for each group of the optimizer`,
    fix: `pass ${name}: optimizer.groups.map((group) => group.learningRate)`,
  });
}

function positive(op: string, name: string, value: unknown): number {
  const number = finiteNumber(op, name, value);
  if (number > 0) return number;
  throw new OptionError(op, { given: `${name}: ${number}`, expected: 'a number above 0', fix: `leave ${name} out` });
}
