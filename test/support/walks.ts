import { setImmediate as turn } from 'node:timers/promises';

/** All that an asynchronous walk gives. */
export async function allOf<T>(walk: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const one of walk) read.push(one);
  return read;
}

/** Lets the event loop go around so many times. */
export async function turns(many: number): Promise<void> {
  for (let i = 0; i < many; i++) await turn();
}
