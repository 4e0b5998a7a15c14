import { packTree } from '../io/checkpoint-tree';
import { OptionError } from '../tensor/errors';

/**
 * Refuses a state that no checkpoint can keep, before hours of a training depend on it.
 *
 * @param whose  for the message: 'the metric f1'
 * @param fix    what to change
 * @throws {OptionError} if it holds something else than plain data, tensors and typed arrays
 */
export function checkKeepable(op: string, whose: string, state: unknown, fix: string): void {
  try {
    packTree(op, { state });
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const what = /: got (.*), expected /s.exec(error.message)?.[1] ?? 'something else';
    const told = new OptionError(op, {
      given: `${whose}, with ${what}, and checkpoints`,
      expected: 'a state of numbers, strings, booleans, tensors, typed arrays, and arrays and plain objects of these',
      fix,
    });
    told.cause = error;
    throw told;
  }
}
