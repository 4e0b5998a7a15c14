import { markClass } from '../tensor/copies';
import { OptionError } from '../tensor/errors';
import {
  checkOptions,
  describe,
  finiteNumber,
  nonNegativeInteger,
  nonNegativeNumber,
  positiveInteger,
  probability,
} from '../tensor/options';
import { choice, readOptions, withDefault } from '../tensor/read-options';
import { checkOptimizer, type Optimizer } from './optimizer';

/** What a schedule remembers: plain data. */
export type ScheduleState = Record<string, unknown>;

/**
 * Base of all schedules: sets the learning rates of an optimizer's groups, from those they have when the schedule is
 * made. Call `step` after the optimizer's steps that belong together: after each one, or after each epoch.
 */
export abstract class Schedule {
  static {
    markClass(this.prototype, 'Schedule');
  }

  /** The optimizer whose learning rates change. */
  readonly optimizer: Optimizer;

  /** @throws {OptionError} if `optimizer` is something else */
  protected constructor(optimizer: Optimizer) {
    const op = new.target.name;
    checkOptimizer(op, optimizer, `pass the optimizer first, then the options: new ${op}(optimizer, { … })`);
    this.optimizer = optimizer;
  }

  /**
   * Moves on by one step.
   *
   * @param metric  what ReduceLROnPlateau watches; the others ignore it
   */
  abstract step(metric?: number): void;

  /** What `loadStateDict` needs to go on from here. The learning rates themselves are in the optimizer's state. */
  abstract stateDict(): ScheduleState;

  /** @throws {OptionError} if the state is of another kind of schedule */
  abstract loadStateDict(state: ScheduleState): void;
}

/** A schedule whose rate is a function of the number of steps. */
abstract class RateSchedule extends Schedule {
  #base: readonly number[];
  #steps = 0;
  readonly #name: string;

  protected constructor(name: string, optimizer: Optimizer) {
    super(optimizer);
    this.#name = name;
    this.#base = optimizer.groups.map((group) => group.learningRate);
  }

  /** Learning rate after `steps` steps of a group that began with `base`. */
  protected abstract rate(steps: number, base: number): number;

  /** Sets the rates of the present step. To be called at the end of a constructor. */
  protected apply(): void {
    this.optimizer.groups.forEach((group, index) => {
      group.learningRate = this.rate(this.#steps, this.#base[index] ?? group.learningRate);
    });
  }

  override step(): void {
    this.#steps++;
    this.apply();
  }

  override stateDict(): ScheduleState {
    return { schedule: this.#name, steps: this.#steps, base: [...this.#base] };
  }

  override loadStateDict(state: ScheduleState): void {
    const op = `${this.#name}.loadStateDict`;
    checkOptions(op, state, ['schedule', 'steps', 'base']);
    const { schedule = this.#name, base } = state;
    if (schedule !== this.#name) {
      throw new OptionError(op, {
        given: `the state of ${describe(schedule)}`,
        expected: `that of ${this.#name}`,
        fix: 'build the schedule that was saved',
      });
    }
    if (!Array.isArray(base) || base.length !== this.#base.length) {
      throw new OptionError(op, {
        given: `base: ${describe(base)}`,
        expected: `${this.#base.length} learning rates`,
        fix: 'load a state of a schedule with as many parameter groups',
      });
    }
    const rates = base.map((value) => nonNegativeNumber(op, 'base', value));
    this.#steps = nonNegativeInteger(op, 'steps', state['steps']);
    this.#base = rates;
    this.apply();
  }
}

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
export class StepLR extends RateSchedule {
  readonly #options: Required<StepLROptions>;

  constructor(optimizer: Optimizer, options: StepLROptions) {
    super('StepLR', optimizer);
    this.#options = readOptions('StepLR', options, {
      stepSize: positiveInteger,
      gamma: withDefault(nonNegativeNumber, 0.1),
    });
    this.apply();
  }

  protected override rate(steps: number, base: number): number {
    const { stepSize, gamma } = this.#options;
    return base * gamma ** Math.floor(steps / stepSize);
  }
}

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
export class MultiStepLR extends RateSchedule {
  readonly #options: Required<MultiStepLROptions>;

  constructor(optimizer: Optimizer, options: MultiStepLROptions) {
    super('MultiStepLR', optimizer);
    this.#options = readOptions('MultiStepLR', options, {
      milestones: stepNumbers,
      gamma: withDefault(nonNegativeNumber, 0.1),
    });
    this.apply();
  }

  protected override rate(steps: number, base: number): number {
    const { milestones, gamma } = this.#options;
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

/** Options of ExponentialLR. */
export interface ExponentialLROptions {
  /** Factor at each step. */
  gamma: number;
}

/**
 * Multiplies the learning rate by `gamma` at each step.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.ExponentialLR
 */
export class ExponentialLR extends RateSchedule {
  readonly #options: Required<ExponentialLROptions>;

  constructor(optimizer: Optimizer, options: ExponentialLROptions) {
    super('ExponentialLR', optimizer);
    this.#options = readOptions('ExponentialLR', options, {
      gamma: nonNegativeNumber,
    });
    this.apply();
  }

  protected override rate(steps: number, base: number): number {
    return base * this.#options.gamma ** steps;
  }
}

/** Options of CosineAnnealingLR. */
export interface CosineAnnealingLROptions {
  /** Steps from the first learning rate down to `etaMin`. */
  tMax: number;
  /** The least learning rate. Default 0. */
  etaMin?: number;
}

/**
 * Lets the learning rate fall along half a cosine to `etaMin` in `tMax` steps (Loshchilov and Hutter, 2017), and rise
 * again after that.
 *
 *   etaMin + (base - etaMin) · (1 + cos(π · steps / tMax)) / 2
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.CosineAnnealingLR
 */
export class CosineAnnealingLR extends RateSchedule {
  readonly #options: Required<CosineAnnealingLROptions>;

  constructor(optimizer: Optimizer, options: CosineAnnealingLROptions) {
    super('CosineAnnealingLR', optimizer);
    this.#options = readOptions('CosineAnnealingLR', options, {
      tMax: positiveInteger,
      etaMin: withDefault(nonNegativeNumber, 0),
    });
    this.apply();
  }

  protected override rate(steps: number, base: number): number {
    const { tMax, etaMin } = this.#options;
    return etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * steps) / tMax))) / 2;
  }
}

/** Options of LinearLR. */
export interface LinearLROptions {
  /** Factor of the first learning rate, above 0. Default 1/3. */
  startFactor?: number;
  /** Factor from step `totalIters` on. Default 1. */
  endFactor?: number;
  /** Steps from the one to the other. Default 5. */
  totalIters?: number;
}

/**
 * Warm-up: takes the factor of the learning rate from `startFactor` to `endFactor` in equal parts.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.LinearLR
 */
export class LinearLR extends RateSchedule {
  readonly #options: Required<LinearLROptions>;

  constructor(optimizer: Optimizer, options: LinearLROptions = {}) {
    super('LinearLR', optimizer);
    this.#options = readOptions('LinearLR', options, {
      startFactor: withDefault(nonNegativeNumber, 1 / 3),
      endFactor: withDefault(nonNegativeNumber, 1),
      totalIters: withDefault(positiveInteger, 5),
    });
    this.apply();
  }

  protected override rate(steps: number, base: number): number {
    const { startFactor, endFactor, totalIters } = this.#options;
    const part = Math.min(steps, totalIters) / totalIters;
    return base * (startFactor + (endFactor - startFactor) * part);
  }
}

/** Options of OneCycleLR. */
export interface OneCycleLROptions {
  /** The highest learning rate. */
  maxLearningRate: number;
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
export class OneCycleLR extends RateSchedule {
  readonly #options: Required<OneCycleLROptions>;

  constructor(optimizer: Optimizer, options: OneCycleLROptions) {
    super('OneCycleLR', optimizer);
    this.#options = readOptions('OneCycleLR', options, {
      maxLearningRate: nonNegativeNumber,
      totalSteps: positiveInteger,
      pctStart: withDefault(probability, 0.3),
      annealStrategy: choice(['cos', 'linear']),
      divFactor: withDefault(positive, 25),
      finalDivFactor: withDefault(positive, 1e4),
    });
    this.apply();
  }

  protected override rate(steps: number): number {
    const { maxLearningRate, totalSteps, pctStart, annealStrategy, divFactor, finalDivFactor } = this.#options;
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

function positive(op: string, name: string, value: unknown): number {
  const number = finiteNumber(op, name, value);
  if (number > 0) return number;
  throw new OptionError(op, { given: `${name}: ${number}`, expected: 'a number above 0', fix: `leave ${name} out` });
}
