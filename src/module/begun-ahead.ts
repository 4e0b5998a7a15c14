/** Work for the next step, of the stream whose step is running now. */
let begun: (() => void)[] | undefined;

/**
 * Runs a step of a stream, during which modules say by `beginAhead` what the next step needs of them.
 *
 * @returns what the step gives, and that work, to be done once the reading of the step's result is queued
 */
export function runBeforeAhead<Result>(step: () => Result): { result: Result; ahead: readonly (() => void)[] } {
  const before = begun;
  const ahead: (() => void)[] = [];
  begun = ahead;
  try {
    return { result: step(), ahead };
  } finally {
    begun = before;
  }
}

/**
 * Queues work for the next step behind the result of this one, if a stream runs it: whoever waits for the result does
 * not wait for that work, which is done while the next input is on its way.
 */
export function beginAhead(work: () => void): void {
  begun?.push(work);
}
