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

type Maker = (options: never) => Configured;

/** What a file may name. */
const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['WordTokenizer', (options) => new WordTokenizer(options)],
  ['CharacterTokenizer', (options) => new CharacterTokenizer(options)],
  ['ByteTokenizer', (options) => new ByteTokenizer(options)],
  ['BPETokenizer', (options) => new BPETokenizer(options)],
  ['HuggingFaceTokenizer', (options) => new HuggingFaceTokenizer(options)],
  ['Vocabulary', (options) => new Vocabulary(options)],
]);

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
  const make = makers.get(name);
  if (make !== undefined) return make(options as never);
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
