import { orAllowed, unusable } from './request-error';

/**
 * Refuses an input in which a text or an array is too long, however deep it lies.
 *
 * @param input  as JSON gives it
 * @param most   characters of a text, elements of an array
 * @param name   of the input, for the message
 * @throws {RequestError} 422
 */
export function checkLength(op: string, input: unknown, most: number, name: string): void {
  const found = tooLong(input, most);
  if (found === undefined) return;
  throw unusable(op, {
    given: `${name} with ${typeof found === 'string' ? 'a text' : 'an array'} of ${found.length}`,
    expected: `${most} characters or elements at most`,
    fix: `send a shorter one, ${orAllowed('maxLength')}`,
  });
}

/** Walks without recursion: a client chooses how deep its input is. */
function tooLong(input: unknown, most: number): string | readonly unknown[] | undefined {
  const left = [input];
  while (left.length > 0) {
    const value = left.pop();
    if ((typeof value === 'string' || Array.isArray(value)) && value.length > most) return value;
    if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) left.push(part);
  }
  return undefined;
}
