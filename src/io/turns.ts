const last = new Map<string, Promise<unknown>>();  // per environment: each worker loads a copy of this module

/**
 * Runs jobs on one file in the order in which they were asked for: of two saves that run at once, the later one's
 * values stay.
 *
 * @returns what `job` returns, whatever became of the jobs before it
 */
export async function inTurn<T>(path: string, job: (path: string) => Promise<T>): Promise<T> {
  const before = last.get(path) ?? Promise.resolve();
  const own = before.then(() => job(path), () => job(path));
  last.set(path, own);
  try {
    return await own;
  } finally {
    if (last.get(path) === own) last.delete(path);
  }
}
