/** How long a batch waits for more while it has something, in milliseconds. */
const PATIENCE = 5;

/**
 * Items that come one after another, some at a time: as many as are there, so that neither a pipe of any length waits
 * for its end, nor somebody who types for the next line. What came before an error of the source is given, too.
 *
 * @param most  items of a batch at most
 * @throws what the source throws, behind the batch of what it gave before
 */
export async function* batchesOf<T>(items: AsyncIterable<T>, most: number): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]();
  let batch: T[] = [];
  for (let next = comeOf(iterator); ;) {
    const come = batch.length === 0 ? await next : await Promise.race([next, pause()]);
    if (come === undefined || 'error' in come || come.done === true) {
      if (batch.length > 0) yield batch;
      batch = [];
      if (come === undefined) continue;
      if ('error' in come) throw come.error;
      return;
    }
    batch.push(come.value);
    next = comeOf(iterator);
    if (batch.length < most) continue;
    yield batch;
    batch = [];
  }
}

/** What comes next, or why nothing does: nobody may be waiting for it at the time. */
const comeOf = <T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T> | { readonly error: unknown }> =>
  iterator.next().catch((error: unknown) => ({ error }));

const pause = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, PATIENCE, undefined));
