import { resolve } from 'node:path';

const last = new Map<string, Promise<unknown>>(); // per environment: each worker loads a copy of this module

/**
 * Runs jobs on one file in the order in which they were asked for: of two saves that run at once, the later one's
 * values stay.
 *
 * @returns what `job` returns, whatever became of the jobs before it
 */
export async function inTurn<T>(path: string, job: (path: string) => Promise<T>): Promise<T> {
  const key = resolve(path); // one file, however its path is spelled
  const before = last.get(key) ?? Promise.resolve();
  const own = before.then(
    () => job(path),
    () => job(path),
  );
  last.set(key, own);
  try {
    return await own;
  } finally {
    if (last.get(key) === own) last.delete(key);
  }
}
