import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { checkPath } from '../files/check-path';
import { fileError } from '../files/file-error';
import { FormatError, OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { readOptions, type OptionReader } from '../tensor/read-options';
import { checkText } from './text-form';
import type { TextConfig, Tokenizer } from './tokenizer';

/** Options of a HuggingFaceTokenizer. */
export interface HuggingFaceTokenizerOptions {
  /** What a `tokenizer.json` holds. */
  definition: Readonly<Record<string, unknown>>;
}

/** What is used of the package. */
interface Package {
  Tokenizer: new (
    definition: object,
    settings: object,
  ) => {
    tokenize(text: string, options: { add_special_tokens: boolean }): string[];
    decode(ids: number[], options: { skip_special_tokens: boolean }): string;
    token_to_id(token: string): number | undefined;
    get_vocab(withAddedTokens: boolean): Map<string, number>;
  };
}

/**
 * A tokenizer that Hugging Face's package runs, as its `tokenizer.json` says; `BPETokenizer.fromHuggingFace(path)`
 * reads one. Special tokens that its models want around a text are not put there: `begin` and `end` of a
 * TextVectorizer do that.
 *
 *     const tokenizer = await BPETokenizer.fromHuggingFace('tokenizer.json');
 *     const text = TextVectorizer.fit(texts, { tokenizer, padding: '[PAD]', unknown: '[UNK]', begin: '[CLS]' });
 *
 * @throws {OptionError} if `definition` is none
 */
export class HuggingFaceTokenizer implements Tokenizer {
  /** All tokens in the order of their indices, those of gaps named `[unused N]`. */
  readonly tokens: readonly string[];
  readonly #definition: Readonly<Record<string, unknown>>;
  readonly #inner: InstanceType<Package['Tokenizer']>;

  constructor(options: HuggingFaceTokenizerOptions) {
    const { definition } = readOptions('HuggingFaceTokenizer', options, { definition: plainObject });
    this.#definition = definition;
    try {
      checkDefinition(definition);
      // Loaded with the first tokenizer, so that require('stmnet') stays quick.
      const { Tokenizer: Inner } = createRequire(__filename)('@huggingface/tokenizers') as Package;
      this.#inner = new Inner(structuredClone(definition), {});
      this.tokens = tokensOf(this.#inner.get_vocab(true));
    } catch (error) {
      throw refused(error);
    }
  }

  /** The tokens of a text. @throws {OptionError} if it is no string */
  tokenize(text: string): string[] {
    checkText('HuggingFaceTokenizer.tokenize', text);
    return text === '' ? [] : this.#inner.tokenize(text, { add_special_tokens: false });
  }

  /** The text of `tokens`, special ones included; those it does not know are left out. */
  join(tokens: readonly string[]): string {
    const ids = tokens.flatMap((token) => this.#inner.token_to_id(token) ?? []);
    return ids.length === 0 ? '' : this.#inner.decode(ids, { skip_special_tokens: false });
  }

  /** Class and options: all of the definition. */
  config(): TextConfig {
    return { class: 'HuggingFaceTokenizer', options: { definition: this.#definition } };
  }
}

/** Reads a `tokenizer.json`. @throws as `BPETokenizer.fromHuggingFace` @internal */
export async function readHuggingFace(path: string): Promise<HuggingFaceTokenizer> {
  const op = 'BPETokenizer.fromHuggingFace';
  checkPath(op, path, `${op}(path)`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(op, path, 'read', error);
  }
  try {
    return new HuggingFaceTokenizer({ definition: JSON.parse(text) as Record<string, unknown> });
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    const wrong = new FormatError(op, {
      given: `${path}, which cannot be used (${why.replace(/\.$/, '')})`,
      expected: 'a tokenizer.json of Hugging Face',
      fix: 'give the tokenizer.json; where there is none, transformers makes it: tokenizer.save_pretrained(folder)',
    });
    wrong.cause = error;
    throw wrong;
  }
}

const modelTypes = ['BPE', 'WordPiece', 'WordLevel', 'Unigram'];

/**
 * What the package takes for granted: a file could name an index that no array holds.
 *
 * @throws {Error} saying what is wrong
 */
function checkDefinition({ model, added_tokens: added }: Readonly<Record<string, unknown>>): void {
  const { type, vocab }: Record<string, unknown> = isPlainObject(model) ? model : {};
  if (type !== undefined && !modelTypes.some((known) => known === type))
    throw new Error(`a model of type ${describe(type)}`);
  const own: [unknown, unknown][] = isPlainObject(vocab)
    ? Object.entries(vocab)
    : Array.from(Array.isArray(vocab) ? vocab : [], (entry: unknown, id) => [
        Array.isArray(entry) ? entry[0] : entry,
        id,
      ]);
  const more = Array.from(Array.isArray(added) ? added : [], (one: unknown): [unknown, unknown] => [
    isPlainObject(one) ? one['content'] : undefined,
    isPlainObject(one) ? one['id'] : undefined,
  ]);
  const contents = new Map<number, string>();
  const limit = 2 * (own.length + more.length) + 1024;
  for (const [token, id] of [...own, ...more]) {
    if (typeof token !== 'string' || typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= limit)
      throw new Error(`the token ${describe(token)} of index ${describe(id)}`);
    if ((contents.get(id) ?? token) !== token) throw new Error(`two tokens of index ${id}`);
    contents.set(id, token);
  }
  if (own.length === 0) throw new Error('no tokens');
}

function tokensOf(vocabulary: ReadonlyMap<string, number>): readonly string[] {
  const tokens = new Map(Array.from(vocabulary, ([token, id]) => [id, token]));
  const last = [...tokens.keys()].reduce((a, b) => Math.max(a, b), -1);
  return Object.freeze(Array.from({ length: last + 1 }, (_, id) => tokens.get(id) ?? `[unused ${id}]`));
}

function refused(error: unknown): OptionError {
  const why = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
  const wrong = new OptionError('HuggingFaceTokenizer', {
    given: `a definition that cannot be used (${why.slice(0, 200)})`,
    expected: 'what a tokenizer.json holds',
    fix: 'read the file: BPETokenizer.fromHuggingFace(path)',
  });
  wrong.cause = error;
  return wrong;
}

const plainObject: OptionReader<Readonly<Record<string, unknown>>> = (op, name, value) => {
  if (isPlainObject(value)) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'what a tokenizer.json holds, an object',
    fix: 'read the file: BPETokenizer.fromHuggingFace(path)',
  });
};
