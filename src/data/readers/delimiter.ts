import { OptionError } from '../../tensor/errors';
import { describe } from '../../tensor/options';

/** Reads the option that says what divides fields. */
export function delimiterText(op: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && !/["\r\n\ufeff]/.test(value)) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a character, or several, without quotes and ends of lines',
    fix: "pass delimiter: ',' or what divides the fields",
  });
}
