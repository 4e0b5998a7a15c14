import { DataLoader } from '../data/data-loader';
import { itemsInWords, type ItemPlaces } from '../data/item-places';
import type { Module } from '../module/module';
import { setRandomState, type RandomState } from '../tensor/generator';
import { scope } from '../tensor/scope';
import type { Batches } from './batches';
import { placed } from './faults';
import { oddItem } from './odd-item';
import { inEvaluation } from '../module/modes';

/** Makes a batch; that of a DataLoader says of which items. */
export type Maker<B> = (() => B) & { readonly places?: ItemPlaces | undefined };

/** What a walk over the batches of an epoch does. */
export interface Walk<B> {
  /**
   * Queues the work on one batch, in a scope of its own.
   *
   * @param make  makes the batch
   * @param number  1 for the first
   * @returns what is settled once the device has done the work
   */
  step: (make: Maker<B>, number: number) => { done: Promise<unknown> };
  /** The model, if it is in evaluation mode for each step. */
  evaluating?: Module;
  /** Where a batch is in the training, for the message of a fault. */
  place?: (number: number) => string;
  /**
   * After each step.
   *
   * @param drain  waits until all steps are done
   * @returns whether to go on
   */
  after?: (number: number, drain: () => Promise<void>) => Promise<boolean>;
  /** Where a walk goes on that was left. Default: at the first batch. */
  from?: WalkStart | undefined;
}

/** Where a walk was left. */
export interface WalkStart {
  /** Batches before. */
  readonly batches: number;
  /** Where the generator of random numbers stood when the walk began, and where it stood after those batches. */
  readonly random: { readonly epoch: RandomState; readonly now: RandomState };
  /** Whether the loader finds its place itself. */
  readonly placed: boolean;
}

/**
 * Walks once over the batches of a loader. At most two steps are queued at a time, and none at the end.
 *
 * A scope owns the tensors that are made in it. A step therefore gets no batch but a function that makes it: what a
 * DataLoader makes is disposed of with the step, while batches of other iterables belong to whoever made them.
 *
 * @returns how many batches there were
 */
export async function walkEpoch<B>(loader: Batches<B>, walk: Walk<B>): Promise<number> {
  const { step, evaluating, place, after, from } = walk;
  const fences: Promise<unknown>[] = [];
  const drain = async (): Promise<void> => {
    for (const fence of fences) await fence;
  };
  let number = from?.batches ?? 0;
  for await (const make of from === undefined ? makersOf(loader, evaluating === undefined) : makersFrom(loader, from)) {
    number++;
    const where = place?.(number);
    const looking = new Looking(make);
    const scoped = (): { done: Promise<unknown> } => scope(() => looking.into((watched) => step(watched, number)));
    const work = (): { done: Promise<unknown> } =>
      evaluating === undefined ? scoped() : inEvaluation(evaluating, scoped);
    const { done } = where === undefined ? work() : await placingItem(where, looking, work);
    await queued(fences, done);
    if (after !== undefined && !(await after(number, drain))) break;
  }
  await drain();
  return number;
}

/** Looks into a batch whose step has failed, before its scope lets go of it. */
class Looking<B> {
  readonly #make: Maker<B>;
  /** The item at fault, in words. */
  odd: Promise<string | undefined> | undefined;

  constructor(make: Maker<B>) {
    this.#make = make;
  }

  /** All items in words. */
  get items(): string | undefined {
    const { places } = this.#make;
    return places && itemsInWords(places);
  }

  into<R>(step: (make: Maker<B>) => R): R {
    let batch: B | undefined;
    const { places } = this.#make;
    const noting = Object.assign(() => (batch = this.#make()), { places });
    try {
      return step(noting);
    } catch (error) {
      this.odd = oddItem(error, batch, places);
      this.odd.catch(() => undefined); // awaited later; until then it is no unhandled rejection
      throw error;
    }
  }
}

/** Begins the work on a batch. A fault is told with its place, and with its items or the one at fault. */
async function placingItem<B>(
  where: string,
  looking: Looking<B>,
  work: () => { done: Promise<unknown> },
): Promise<{ done: Promise<unknown> }> {
  const withItems = (items = looking.items): string => (items === undefined ? where : `${where}, with ${items}`);
  try {
    const { done } = work();
    return {
      done: done.catch((error: unknown) => {
        throw placed(error, withItems());
      }),
    };
  } catch (error) {
    throw placed(error, withItems(await looking.odd));
  }
}

/** @param counted  whether the walk is an epoch of the loader; an evaluation is none */
async function* makersOf<B>(loader: Batches<B>, counted: boolean): AsyncGenerator<Maker<B>> {
  if (loader instanceof DataLoader) yield* loader.batchMakers({ counted });
  else for await (const batch of loader) yield () => batch;
}

/** The batches after those that a walk gave before. */
async function* makersFrom<B>(loader: Batches<B>, { batches, random, placed }: WalkStart): AsyncGenerator<Maker<B>> {
  if (!placed) setRandomState(random.epoch); // so that an order that is drawn as the walk begins is that of before
  let left = placed ? 0 : batches;
  const makers = makersOf(loader, true)[Symbol.asyncIterator]();
  try {
    for (; left > 0; left--) if ((await makers.next()).done === true) return;
    setRandomState(random.now);
    for (let next = await makers.next(); next.done !== true; next = await makers.next()) yield next.value;
  } finally {
    await makers.return?.(undefined);
  }
}

/** Steps that may be queued before a walk waits. */
const STEPS_AHEAD = 2;

/** Puts `work` behind what is queued already, and waits until little is left. */
export async function queued(fences: Promise<unknown>[], work: Promise<unknown>): Promise<void> {
  work.catch(() => undefined); // awaited later; until then it is no unhandled rejection
  fences.push(work);
  while (fences.length > STEPS_AHEAD) await fences.shift();
}
