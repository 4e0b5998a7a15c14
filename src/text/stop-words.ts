import { createRequire } from 'node:module';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { OptionReader } from '../tensor/read-options';

/** Reads stop words: a list of them, or a language, whose list is taken. @internal */
export const stopWordList: OptionReader<readonly string[]> = (op, name, value) => {
  if (value === undefined) return [];
  if (typeof value === 'string') return languageList(op, name, value);
  const words: unknown[] | undefined = Array.isArray(value) ? value : undefined;
  if (words?.every((word) => typeof word === 'string') === true) return Object.freeze([...words]);
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of words, or the name of a language',
    fix: "pass such as ['the', 'a'], or 'en'",
  });
};

/** Tags for the lists whose names in the package are none. */
const namedOtherwise: Readonly<Record<string, string>> = { panGu: 'pa', porBr: 'pt-BR' };

/** Loaded when a language is named, so that require('stmnet') stays quick. */
function languageList(op: string, name: string, language: string): readonly string[] {
  const lists = createRequire(__filename)('stopword') as Readonly<Record<string, unknown>>;
  const names = new Intl.DisplayNames(['en'], { type: 'language' });
  const known: string[] = [];
  for (const [key, list] of Object.entries(lists)) {
    const tag = namedOtherwise[key] ?? (/^[a-z]{3}$/.test(key) ? Intl.getCanonicalLocales(key)[0] : undefined);
    if (tag === undefined || !Array.isArray(list)) continue;
    const words = list.filter((word): word is string => typeof word === 'string');
    if ([tag, names.of(tag) ?? '', key].some((one) => one.toLowerCase() === language.toLowerCase()))
      return Object.freeze(words);
    known.push(tag);
  }
  throw new OptionError(op, {
    given: `${name}: ${describe(language)}`,
    expected: `a language with a list of stop words: ${known.sort().join(', ')}`,
    fix: 'name one of these, or pass the words themselves',
  });
}
