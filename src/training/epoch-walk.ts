import { DataLoader } from '../data/data-loader';
import type { Module } from '../module/module';
import { scope } from '../tensor/scope';
import type { Batches } from './batches';
import { placing } from './faults';
import { inEvaluation } from '../module/modes';

/** What a walk over the batches of an epoch does. */
export interface Walk<B> {
  /**
   * Queues the work on one batch, in a scope of its own.
   *
   * @param make  makes the batch
   * @param number  1 for the first
   * @returns what is settled once the device has done the work
   */
  step: (make: () => B, number: number) => { done: Promise<unknown> };
  /** The model, if it is in evaluation mode for each step. */
  evaluating?: Module;
  /** Where a batch is in the training, for the message of a fault. */
  place?: (number: number) => string;
  /** After each step. @returns whether to go on */
  after?: (number: number) => Promise<boolean>;
}

/**
 * Walks once over the batches of a loader. At most two steps are queued at a time, and none at the end.
 *
 * A scope owns the tensors that are made in it. A step therefore gets no batch but a function that makes it: what a
 * DataLoader makes is disposed of with the step, while batches of other iterables belong to whoever made them.
 *
 * @returns how many batches there were
 */
export async function walkEpoch<B>(loader: Batches<B>, { step, evaluating, place, after }: Walk<B>): Promise<number> {
  const fences: Promise<unknown>[] = [];
  let number = 0;
  for await (const make of makersOf(loader, evaluating === undefined)) {
    number++;
    const scoped = (): { done: Promise<unknown> } => scope(() => step(make, number));
    const work = (): { done: Promise<unknown> } =>
      evaluating === undefined ? scoped() : inEvaluation(evaluating, scoped);
    const { done } = place === undefined ? work() : placing(place(number), work);
    await queued(fences, done);
    if (after !== undefined && !(await after(number))) break;
  }
  for (const fence of fences) await fence;
  return number;
}

/** @param counted  whether the walk is an epoch of the loader; an evaluation is none */
async function* makersOf<B>(loader: Batches<B>, counted: boolean): AsyncGenerator<() => B> {
  if (loader instanceof DataLoader) yield* loader.batchMakers({ counted });
  else for await (const batch of loader) yield () => batch;
}

/** Steps that may be queued before a walk waits. */
const STEPS_AHEAD = 2;

/** Puts `work` behind what is queued already, and waits until little is left. */
export async function queued(fences: Promise<unknown>[], work: Promise<unknown>): Promise<void> {
  work.catch(() => undefined); // awaited later; until then it is no unhandled rejection
  fences.push(work);
  while (fences.length > STEPS_AHEAD) await fences.shift();
}
