import { markClass } from '../../tensor/package-copies';
import { checkOptimizer, type Optimizer } from '../optimizer';

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

  /**
   * The figure that `step` wants from a Trainer, `train.NAME` or `validation.NAME`; `loss` for that of the validation,
   * or of the training where there is none. Undefined if it wants none.
   */
  get figure(): string | undefined {
    return undefined;
  }

  /** What `loadStateDict` needs to go on from here. The learning rates themselves are in the optimizer's state. */
  abstract stateDict(): ScheduleState;

  /** @throws {OptionError} if the state is of another kind of schedule */
  abstract loadStateDict(state: ScheduleState): void;
}
