import { OptionError } from '../tensor/errors';
import { collectExamples, wrongExample } from './examples';
import { describe } from '../tensor/options';
import type { Examples } from './task';

/** What a language model learns from: one text, or several, such as documents, each of which has an end. */
export type LanguageTexts = string | Examples<string>;

/**
 * All texts as an array.
 *
 * @throws {OptionError} if there is none, one is no text, or all are empty
 */
export async function collectTexts(op: string, given: LanguageTexts): Promise<string[]> {
  const form = "'Once upon a time …'";
  const texts =
    typeof given === 'string'
      ? [given]
      : await collectExamples(op, given, form, (text, place) => {
          if (typeof text === 'string') return text;
          throw wrongExample(op, place, describe(text), form);
        });
  if (texts.some((text) => text !== '')) return texts;
  throw new OptionError(op, {
    given: typeof given === 'string' ? 'an empty text' : `${texts.length} empty texts`,
    expected: 'a text with something in it',
    fix: 'look at where it comes from',
  });
}

/** @throws {OptionError} if tokens are too few to read one and to say what comes after it */
export function checkTokenCount(op: string, name: string, tokens: Int32Array): void {
  if (tokens.length >= 2) return;
  throw new OptionError(op, {
    given: `${name} of ${tokens.length === 1 ? 'one token' : 'no token'}`,
    expected: 'at least two: one to read, and what comes after it',
    fix: 'pass a longer text',
  });
}
