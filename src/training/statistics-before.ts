import type { Module } from '../module/module';
import { noGrad } from '../tensor/grad-mode';
import { clone, copy_, eq, where } from '../tensor/ops/elementwise';
import type { Tensor } from '../tensor/tensor';
import { runningOf } from './recent-steps';

/** Running statistics, each with a copy of what it was before a step. */
export type StatisticsBefore = readonly (readonly [buffer: Tensor, before: Tensor])[];

/** The running means and variances of a model, which forward changes even where the step is left out. */
export class RunningStatistics {
  readonly #model: Module;
  #buffers: readonly Tensor[] | undefined;

  constructor(model: Module) {
    this.#model = model;
  }

  /** Looks for them anew at the next step. */
  begin(): void {
    this.#buffers = undefined;
  }

  /** Copies of them as they are before forward. */
  copies(): StatisticsBefore {
    this.#buffers ??= runningOf(this.#model);
    return noGrad(() => (this.#buffers ?? []).map((buffer) => [buffer, clone(buffer)] as const));
  }
}

/**
 * Gives statistics back what they were before a step, if the optimizer leaves it out. The device decides. They are
 * given back too where it refuses to compute `odd`: the command that would undo it is then refused with it.
 *
 * @param odd  of the step: 0, f32 [], or NaN
 */
export function putBack(statistics: StatisticsBefore, odd: Tensor): void {
  noGrad(() => {
    for (const [buffer, before] of statistics) {
      const after = clone(buffer);
      copy_(buffer, before);
      copy_(buffer, where(eq(odd.to(buffer.device), 0), after, before));
    }
  });
}
