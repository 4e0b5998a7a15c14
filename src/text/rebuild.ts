import { OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { BPETokenizer } from './bpe';
import { ByteTokenizer } from './bytes';
import { CharacterTokenizer } from './characters';
import { HuggingFaceTokenizer } from './hugging-face';
import { TextVectorizer } from './text-vectorizer';
import type { Configured, Tokenizer } from './tokenizer';
import { Vocabulary } from './vocabulary';
import { WordTokenizer } from './words';

/** Classes of the user's by name, as `{ Syllables }`, whose constructors take their options as one argument. */
export type TextClasses = Readonly<Record<string, new (options: never) => Tokenizer>>;

type TextClass = new (options: never) => Configured;

/** What a file may name, besides a TextVectorizer, which has two others in it. */
const packaged: ReadonlyMap<string, TextClass> = new Map<string, TextClass>([
  ['WordTokenizer', WordTokenizer],
  ['CharacterTokenizer', CharacterTokenizer],
  ['ByteTokenizer', ByteTokenizer],
  ['BPETokenizer', BPETokenizer],
  ['HuggingFaceTokenizer', HuggingFaceTokenizer],
  ['Vocabulary', Vocabulary],
]);

/**
 * Refuses a text object whose `config()` names another class than its own, as one has that is inherited: `rebuildText`
 * would make an object of the class above it.
 *
 * @param path  where it stands, for the message
 * @throws {OptionError} for such a one, a tokenizer or vocabulary within a vectorizer too
 * @internal
 */
export function checkTextClass(op: string, path: string, value: Configured): void {
  const { class: name } = value.config();
  const made = name === 'TextVectorizer' ? TextVectorizer : packaged.get(name);
  // A class of the package is known by itself, for a bundler may have renamed it.
  if (value.constructor !== made && value.constructor.name !== name) throw otherClass(op, path, value, name);
  if (!(value instanceof TextVectorizer)) return;
  checkTextClass(op, `${path}.tokenizer`, value.tokenizer);
  checkTextClass(op, `${path}.vocabulary`, value.vocabulary);
}

function otherClass(op: string, path: string, value: Configured, given: string): OptionError {
  const own = value.constructor.name;
  const isTokenizer = !(value instanceof TextVectorizer || value instanceof Vocabulary);
  return new OptionError(op, {
    given: `${path}: ${own} whose config() names the class ${describe(given)}`,
    expected: `the class of the object, ${describe(own)}, for load would make another one`,
    fix: isTokenizer
      ? `let config() of ${own} return { class: '${own}', options }, and pass classes: { ${own} } to loadExtras`
      : `save an object of ${given} itself`,
  });
}

/**
 * Builds a text object again of what its `config()` gave, which is taken for hostile.
 *
 * @param classes  of the user's
 * @throws {OptionError} if it is no such thing, or names a class that is not known
 * @internal
 */
export function rebuildText(config: unknown, classes: TextClasses): Configured {
  const { class: name, options } = parts(config);
  if (name !== 'TextVectorizer' || Object.hasOwn(classes, name)) return rebuildPart(config, classes);
  const { tokenizer, vocabulary, ...rest } = options;
  const given = { ...rest, tokenizer: rebuildPart(tokenizer, classes), vocabulary: rebuildPart(vocabulary, classes) };
  return new TextVectorizer(given as never); // which looks at each of its options
}

function rebuildPart(config: unknown, classes: TextClasses): Configured {
  const { class: name, options } = parts(config);
  const own = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (own !== undefined) return new own(options as never);
  const made = packaged.get(name);
  if (made !== undefined) return new made(options as never);
  throw new OptionError('rebuildText', {
    given: `the class ${JSON.stringify(name.slice(0, 80))}`,
    expected: `a class of the package, or one in classes: ${describe(Object.keys(classes))}`,
    fix: `pass classes: { ${/^\w{1,80}$/.test(name) ? name : '…'} }`,
  });
}

function parts(config: unknown): { class: string; options: Record<string, unknown> } {
  if (isPlainObject(config) && Object.keys(config).length === 2) {
    const { class: name, options } = config;
    if (typeof name === 'string' && isPlainObject(options)) return { class: name, options };
  }
  throw new OptionError('rebuildText', {
    given: describe(config),
    expected: '{ class, options } of a tokenizer, vocabulary or vectorizer',
    fix: 'pass what config() gave',
  });
}
