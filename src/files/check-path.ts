import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';

/**
 * Refuses a path that is none, as when two arguments were swapped.
 *
 * @param call  how the function is called, for the message: `save(model, path)`
 * @throws {OptionError} if `path` is not a string with at least one character, or holds the character NUL, which no
 *   file name can
 */
export function checkPath(op: string, path: unknown, call: string): asserts path is string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return;
  if (typeof path === 'string' && path !== '') {
    throw new OptionError(op, {
      given: `${JSON.stringify(path)} as path`,
      expected: 'a name without the character NUL',
      fix: 'take it out, as by path.replaceAll("\\0", "")',
    });
  }
  throw new OptionError(op, {
    given: `${describe(path)} as path`,
    expected: 'the name of a file, a string',
    fix: path instanceof URL ? 'pass fileURLToPath(url)' : `call ${call}`,
  });
}
