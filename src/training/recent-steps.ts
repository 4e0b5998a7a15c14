import type { ItemPlaces } from '../data/item-places';
import type { Module } from '../module/module';
import type { RandomState } from '../tensor/generator';
import { markRowsLike } from '../tensor/batch-rows';
import { noGrad } from '../tensor/grad-mode';
import { mapTensors, tensorsIn } from '../tensor/nested-tensors';
import { clone, copy_ } from '../tensor/ops/elementwise';
import { keep } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';

/** Names of the running statistics of a BatchNorm1d, and of all its buffers. */
const STATISTICS = /(?:^|\.)running_(?:mean|var)$/;
const RUNNING = /(?:^|\.)(?:running_(?:mean|var)|num_batches_tracked)$/;

/** The running means and variances of a model, with their names. */
export const statisticsOf = (model: Module): [string, Tensor][] =>
  [...model.namedBuffers()].filter(([name]) => STATISTICS.test(name));

/** Running means and variances with the counts of their batches. */
export const runningOf = (model: Module): readonly Tensor[] =>
  [...model.namedBuffers()].flatMap(([name, buffer]) => (RUNNING.test(name) ? [buffer] : []));

/** Gives running means and variances back what they were before a step. */
export function restoreStatistics({ statistics }: RecentStep): void {
  noGrad(() => statistics.forEach(([buffer, before]) => void copy_(buffer, before)));
}

/** What a training step began with, so that it can be repeated. */
export interface RecentStep {
  /** The number of the step. */
  readonly number: number;
  readonly batch: object;
  /** Where its items come from, if that is known. */
  readonly places: ItemPlaces | undefined;
  /** Of the batch before, where state is carried: the further arguments of the step. */
  readonly state: readonly unknown[];
  readonly random: RandomState;
  /** Running means and variances, which forward changes even where the step is left out: each with a copy. */
  readonly statistics: readonly (readonly [buffer: Tensor, before: Tensor])[];
}

/** The steps of which it is not known yet whether they were finite. */
export class RecentSteps {
  #steps: RecentStep[] = [];
  #running: readonly Tensor[] = [];

  /** Begins anew, with the running means and variances that a model has now: to look for them takes time. */
  begin(model: Module): void {
    this.forget();
    this.#running = runningOf(model);
  }

  /** Takes its tensors out of the scope of the step; they share their bytes with those of the step. */
  add({ number, random, places, ...rest }: Omit<RecentStep, 'statistics'>): void {
    const { batch, state } = noGrad(() => keep(mapTensors(rest, (x) => markRowsLike(x, x.detach())))) as typeof rest;
    const statistics = this.#running.map((buffer) => [buffer, noGrad(() => keep(clone(buffer)))] as const);
    this.#steps.push({ number, random, places, batch, state, statistics });
  }

  /** What a step was made of: one batch, unless several are accumulated. */
  of(number: number): RecentStep[] {
    return this.#steps.filter((step) => step.number === number);
  }

  /** Lets go of the steps up to one, or of all. */
  forget(upTo = Number.POSITIVE_INFINITY): void {
    for (const { batch, state, statistics, number } of this.#steps)
      if (number <= upTo) for (const x of tensorsIn([batch, state, statistics.map(([, copy]) => copy)])) x.dispose();
    this.#steps = this.#steps.filter(({ number }) => number > upTo);
  }
}
