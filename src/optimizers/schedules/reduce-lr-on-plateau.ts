import { OptionError } from '../../tensor/errors';
import { describe, nonNegativeInteger, nonNegativeNumber } from '../../tensor/options';
import { choice, readOptions, withDefault } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { Schedule, type ScheduleState } from './schedule';

/** Options of ReduceLROnPlateau. */
export interface ReduceLROnPlateauOptions {
  /**
   * What a Trainer passes to `step`: `train.NAME` or `validation.NAME`, NAME being `loss` or that of a metric. Default:
   * the validation loss, or the training loss without validation.
   */
  figure?: string;
  /** Whether the metric should become small or large. Default 'min'. */
  mode?: 'min' | 'max';
  /** Factor of the learning rate, in [0, 1). Default 0.1. */
  factor?: number;
  /** Steps without progress that are borne. Default 10. */
  patience?: number;
  /** How much better counts as progress. Default 1e-4. */
  threshold?: number;
  /** Whether the threshold is a part of the best value so far or a difference to it. Default 'rel'. */
  thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction in which nothing is counted. Default 0. */
  cooldown?: number;
  /** The least learning rate. Default 0. */
  minLearningRate?: number;
}

/** What it remembers: the best metric, null before the first one, and what it counts. */
interface PlateauState {
  best: number | null;
  badSteps: number;
  cooldownLeft: number;
}

/**
 * Multiplies the learning rate by `factor` when a metric has not become better for more than `patience` steps. `step`
 * wants the metric.
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.optim.lr_scheduler.ReduceLROnPlateau
 */
export class ReduceLROnPlateau extends Schedule {
  readonly #options: Required<ReduceLROnPlateauOptions>;
  #best: number;
  #badSteps = 0;
  #cooldownLeft = 0;

  constructor(optimizer: Optimizer, options: ReduceLROnPlateauOptions = {}) {
    super(optimizer);
    this.#options = readOptions('ReduceLROnPlateau', options, {
      figure: withDefault(figureName, 'loss'),
      mode: choice(['min', 'max']),
      factor: withDefault(reduction, 0.1),
      patience: withDefault(nonNegativeInteger, 10),
      threshold: withDefault(nonNegativeNumber, 1e-4),
      thresholdMode: choice(['rel', 'abs']),
      cooldown: withDefault(nonNegativeInteger, 0),
      minLearningRate: withDefault(nonNegativeNumber, 0),
    });
    this.#best = this.#worst;
  }

  override get figure(): string {
    return this.#options.figure;
  }

  /** What every metric is better than. */
  get #worst(): number {
    return this.#options.mode === 'min' ? Infinity : -Infinity;
  }

  /**
   * @param metric  NaN counts as no progress
   * @throws {OptionError} if it is no number
   */
  override step(metric?: number): void {
    if (typeof metric !== 'number') {
      throw new OptionError('ReduceLROnPlateau.step', {
        given: describe(metric),
        expected: 'the metric to watch, a number',
        fix: 'pass such as the validation loss: schedule.step(loss)',
      });
    }
    if (this.#isBetter(metric)) {
      this.#best = metric;
      this.#badSteps = 0;
    } else {
      this.#badSteps++;
    }
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft--;
      this.#badSteps = 0;
    }
    if (this.#badSteps <= this.#options.patience) return;
    for (const group of this.optimizer.groups)
      group.learningRate = Math.max(
        group.learningRate * this.#options.factor,
        Math.min(this.#options.minLearningRate, group.learningRate),
      );
    this.#cooldownLeft = this.#options.cooldown;
    this.#badSteps = 0;
  }

  #isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    if (!Number.isFinite(this.#best)) return mode === 'min' ? metric < this.#best : metric > this.#best;
    const margin = thresholdMode === 'abs' ? threshold : threshold * this.#best;
    return mode === 'min' ? metric < this.#best - margin : metric > this.#best + margin;
  }

  override stateDict(): ScheduleState {
    return {
      best: Number.isFinite(this.#best) ? this.#best : null,
      badSteps: this.#badSteps,
      cooldownLeft: this.#cooldownLeft,
    };
  }

  override loadStateDict(state: ScheduleState): void {
    const read = readOptions<object, PlateauState>('ReduceLROnPlateau.loadStateDict', state, {
      best: bestSoFar,
      badSteps: nonNegativeInteger,
      cooldownLeft: nonNegativeInteger,
    });
    this.#best = read.best ?? this.#worst;
    this.#badSteps = read.badSteps;
    this.#cooldownLeft = read.cooldownLeft;
  }
}

function figureName(op: string, name: string, value: unknown): string {
  if (value === 'loss' || (typeof value === 'string' && /^(?:train|validation)\../u.test(value))) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'train.NAME or validation.NAME',
    fix: `leave it out for the loss, or pass such as ${name}: 'validation.accuracy'`,
  });
}

function reduction(op: string, name: string, value: unknown): number {
  const factor = nonNegativeNumber(op, name, value);
  if (factor < 1) return factor;
  throw new OptionError(op, {
    given: `${name}: ${factor}`,
    expected: 'a number in [0, 1)',
    fix: `pass such as ${name}: 0.1`,
  });
}

function bestSoFar(op: string, name: string, value: unknown): number | null {
  if (typeof value === 'number' || value === null) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a number or null',
    fix: 'load a state of a ReduceLROnPlateau',
  });
}
