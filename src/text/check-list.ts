import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { isPromise, remedy } from '../tensor/package-copies';
import { Tensor } from '../tensor/tensor';

/** Whether a value holds others one by one; a text does too, but means the whole. */
const isList = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (('length' in value && typeof value.length === 'number') || Symbol.iterator in value);

/**
 * Refuses what are no indices, one by one.
 *
 * @throws {OptionError} if it is no array
 */
export function checkIndices(op: string, indices: unknown): void {
  if (isList(indices) && !(indices instanceof Tensor)) return;
  const fix = indices instanceof Tensor ? 'read them first: await x.data()' : 'put them into an array: [3, 0, 7]';
  throw new OptionError(op, {
    given: describe(indices),
    expected: 'an array of indices',
    fix: isPromise(indices) ? 'await them first' : remedy(indices, fix),
  });
}

/**
 * Refuses what are no tokens, one by one.
 *
 * @throws {OptionError} if it is no array of strings
 */
export function checkTokens(op: string, tokens: unknown): void {
  if (!isList(tokens))
    throw new OptionError(op, {
      given: describe(typeof tokens === 'string' ? tokens.slice(0, 40) : tokens),
      expected: 'an array of tokens',
      fix:
        typeof tokens === 'string'
          ? 'divide a text first: tokenizer.tokenize(text); put one token into brackets: [token]'
          : "put the tokens into an array: ['a', 'b']",
    });
  let place = 0;
  for (const token of Array.isArray(tokens) ? (tokens as unknown[]) : Array.from(tokens as ArrayLike<unknown>)) {
    if (typeof token !== 'string')
      throw new OptionError(op, {
        given: `${describe(token)} as token ${place}`,
        expected: 'strings',
        fix: 'make texts of other values: String(x); of indices by vocabulary.decode(indices)',
      });
    place++;
  }
}

/**
 * Refuses what is no text among texts.
 *
 * @param place  of it, 0 for the first
 * @throws {OptionError} if it is no string
 */
export function checkTextAt(op: string, text: unknown, place: number): void {
  if (typeof text === 'string') return;
  const isGap = text === null || text === undefined;
  throw new OptionError(op, {
    given: `${describe(text)} as text ${place}`,
    expected: 'a string',
    fix: isGap ? "leave it out, or put '' in its place" : 'pass the text itself, as in rows.map((row) => row.text)',
  });
}
