import { OptionError } from '../../tensor/errors';
import { describe, nonNegativeInteger, nonNegativeNumber } from '../../tensor/options';
import { readOptions, type Readers } from '../../tensor/read-options';
import type { Optimizer } from '../optimizer';
import { Schedule, type ScheduleState } from './schedule';

/** What a schedule of this kind remembers. */
interface RateState {
  schedule: string;
  steps: number;
  base: readonly number[];
}

/** A schedule whose rate is a function of the number of steps. */
export abstract class RateSchedule<O extends object> extends Schedule {
  readonly #name: string;
  readonly #options: Readonly<Required<O>>;
  #base: readonly number[];
  #steps = 0;

  /** @throws {OptionError} if `optimizer` is none, or an option is unknown or out of range */
  protected constructor(name: string, optimizer: Optimizer, options: O, readers: Readers<O>) {
    super(optimizer);
    this.#name = name;
    this.#base = optimizer.groups.map((group) => group.learningRate);
    this.#options = readOptions(name, options, readers);
    this.#apply();
  }

  /**
   * Learning rate after `steps` steps of a group that began with `base`.
   *
   * @param group  its number, 0 for the first
   * @throws {OptionError} if the schedule has an end, and `steps` lies past it
   */
  protected abstract rate(steps: number, base: number, options: Readonly<Required<O>>, group: number): number;

  /** Sets the rates of the present step. */
  #apply(): void {
    this.optimizer.groups.forEach((group, index) => {
      group.learningRate = this.rateAt(this.#steps, this.#base[index] ?? group.learningRate, index);
    });
  }

  /** The learning rates before its first step, of each group. @internal */
  get base(): readonly number[] {
    return this.#base;
  }

  /** The rate of a group after so many steps, had it begun with `base`: for schedules made of others. @internal */
  rateAt(steps: number, base: number, group: number): number {
    return this.rate(steps, base, this.#options, group);
  }

  override step(): void {
    this.#steps++;
    this.#apply();
  }

  override stateDict(): ScheduleState {
    return { schedule: this.#name, steps: this.#steps, base: [...this.#base] };
  }

  override loadStateDict(state: ScheduleState): void {
    const { steps, base } = readOptions<object, RateState>(`${this.#name}.loadStateDict`, state, {
      schedule: (op, _, value) => this.#ownName(op, value),
      steps: nonNegativeInteger,
      base: (op, name, value) => this.#asManyRates(op, name, value),
    });
    this.#steps = steps;
    this.#base = base;
    this.#apply();
  }

  #ownName(op: string, schedule: unknown = this.#name): string {
    if (schedule === this.#name) return this.#name;
    throw new OptionError(op, {
      given: `the state of ${describe(schedule)}`,
      expected: `that of ${this.#name}`,
      fix: 'build the schedule that was saved',
    });
  }

  #asManyRates(op: string, name: string, base: unknown): number[] {
    if (Array.isArray(base) && base.length === this.#base.length)
      return base.map((value) => nonNegativeNumber(op, name, value));
    throw new OptionError(op, {
      given: `${name}: ${describe(base)}`,
      expected: `${this.#base.length} learning rates`,
      fix: 'load a state of a schedule with as many parameter groups',
    });
  }
}
