import { OptionError } from '../tensor/errors';
import { checkOptions, describe, isPlainObject } from '../tensor/options';

/**
 * Refuses options where there are none, as a second argument of `predict`: they would be ignored.
 *
 * @throws {OptionError} if something was given, an empty object aside
 */
export function refuseOptions(op: string, given: unknown): void {
  if (given === undefined) return;
  if (isPlainObject(given)) return checkOptions(op, given, []);
  throw new OptionError(op, {
    given: `${describe(given)} behind what is asked about`,
    expected: 'nothing there',
    fix: 'leave it out; put several inputs into an array',
  });
}
