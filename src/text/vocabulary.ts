import { OptionError } from '../tensor/errors';
import { describe, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { checkIndices, checkTokens } from './check-list';
import { countStrings } from './token-counts';
import { TokenTable } from './token-table';
import type { Configured, TextConfig } from './tokenizer';
import { counted } from '../tensor/counted';

/** Options of a Vocabulary. */
export interface VocabularyOptions {
  /** The tokens in the order of their indices, each once. */
  tokens: readonly string[];
  /** The one of them that stands for all that are not there. Default: none, and a token that is not there an error. */
  unknown?: string | undefined;
}

/** Options of `Vocabulary.fit`. */
export interface VocabularyFitOptions {
  /** How often a token has to occur. Default 1. */
  minFrequency?: number;
  /** Number of tokens at most, special ones included. Default: no limit. */
  maxTokens?: number | undefined;
  /** Tokens that come first, whether they occur or not. Default none. */
  specials?: readonly string[];
  /** The special token that stands for all others; the first one if it is not in `specials`. Default none. */
  unknown?: string | undefined;
}

/** Reads a token. @internal */
export const tokenText: OptionReader<string> = (op, name, value) => {
  if (typeof value === 'string' && value !== '') return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a token, a string that is not empty',
    fix: `pass such as ${name}: '<${name}>'`,
  });
};

/**
 * Tokens and their indices.
 *
 * @throws {OptionError} if there is no token, or one is there twice, or `unknown` is none of them
 */
export class Vocabulary implements Configured {
  /** The tokens in the order of their indices. */
  readonly tokens: readonly string[];
  /** The token that stands for all that are not there; undefined if none does. */
  readonly unknown: string | undefined;
  readonly #indices: ReadonlyMap<string, number>;
  #table: TokenTable | undefined;

  constructor(options: VocabularyOptions) {
    const { tokens, unknown } = readOptions('Vocabulary', options, {
      tokens: tokenList,
      unknown: optional(tokenText),
    });
    const indices = new Map<string, number>();
    for (const one of tokens) {
      if (indices.has(one)) throw twice(one);
      indices.set(one, indices.size);
    }
    if (unknown !== undefined && !indices.has(unknown)) {
      throw new OptionError('Vocabulary', {
        given: `unknown: ${describe(unknown)}`,
        expected: 'one of the tokens',
        fix: 'put it among them',
      });
    }
    this.tokens = tokens;
    this.unknown = unknown;
    this.#indices = indices;
  }

  /**
   * The vocabulary of texts that are tokens already, such as the words or the tags of sentences.
   *
   * Special tokens come first; the others by how often they occur, and as JavaScript compares strings where that is
   * equal: the order of the texts makes no difference.
   *
   * @throws {OptionError} if nothing occurs often enough, or there is no room beside the special tokens
   */
  static fit(texts: Iterable<Iterable<string>>, options: VocabularyFitOptions = {}): Vocabulary {
    const counts = new Map<string, number>();
    let number = 0;
    if (!isIterable(texts)) throw notDivided(texts);
    for (const text of texts) {
      if (!isIterable(text)) throw notDivided(text);
      countStrings(counts, text);
      number++;
    }
    return Vocabulary.ofCounts(counts, options, counted(number, 'text'));
  }

  /**
   * The vocabulary of tokens that were counted.
   *
   * @param counts  how often each occurs
   * @param source  what was counted, for the message
   * @throws as `fit`
   */
  static ofCounts(
    counts: ReadonlyMap<string, number>,
    options: VocabularyFitOptions = {},
    source?: string,
  ): Vocabulary {
    checkCounts(counts);
    const { minFrequency, maxTokens, specials, unknown } = readOptions<VocabularyFitOptions, FitSettings>(
      'Vocabulary.fit',
      options,
      {
        minFrequency: withDefault(positiveInteger, 1),
        maxTokens: withDefault(positiveInteger, Number.MAX_SAFE_INTEGER),
        specials: withDefault(specialTokens, []),
        unknown: optional(tokenText),
      },
    );
    const first = new Set([...(unknown === undefined || specials.includes(unknown) ? [] : [unknown]), ...specials]);
    if (first.size >= maxTokens) {
      throw new OptionError('Vocabulary.fit', {
        given: `maxTokens: ${maxTokens}`,
        expected: `more than the ${first.size} special tokens`,
        fix: 'leave it out, or raise it',
      });
    }
    const learned = [...counts].filter(([one, count]) => count >= minFrequency && !first.has(one));
    if (learned.length === 0) throw nothingLearned(source ?? counted(counts.size, 'token'), counts, minFrequency);
    learned.sort(([a, many], [b, others]) => others - many || (a < b ? -1 : 1));
    const tokens = [...first, ...learned.slice(0, maxTokens - first.size).map(([one]) => one)];
    return new Vocabulary({ tokens, unknown });
  }

  /** Number of tokens: `numEmbeddings` of an Embedding, or the number of classes. */
  get size(): number {
    return this.tokens.length;
  }

  /** Whether a token is there. */
  has(token: string): boolean {
    return this.#indices.has(token);
  }

  /**
   * The index of a token; that of `unknown` if it is not there.
   *
   * @throws {OptionError} if it is not there and no token stands for it
   */
  indexOf(token: string): number {
    const index = this.#indices.get(token) ?? this.unknownIndex;
    if (index >= 0) return index;
    throw new OptionError('Vocabulary.indexOf', {
      given: describe(token),
      expected: `one of the ${this.size} tokens, none of which stands for the others`,
      fix: "learn from texts that have it, or name a token for the others: unknown: '<unk>'",
    });
  }

  /** The index of the token that stands for the others; -1 if none does. @internal */
  get unknownIndex(): number {
    return this.unknown === undefined ? -1 : (this.#indices.get(this.unknown) ?? -1);
  }

  /** The token of an index. @throws {OptionError} if there is none */
  at(index: number): string {
    const found = typeof index === 'number' ? this.tokens[index] : undefined;
    if (found !== undefined) return found;
    throw new OptionError('Vocabulary.at', {
      given: `index ${describe(index)}`,
      expected: `a whole number in 0..${this.size - 1}`,
      fix:
        typeof index === 'string' ? 'ask indexOf(token) for the index of a token' : 'take indices of this vocabulary',
    });
  }

  /** The indices of tokens. @throws {OptionError} as `indexOf`, or if they are no array of strings */
  encode(tokens: readonly string[]): Int32Array {
    checkTokens('Vocabulary.encode', tokens);
    return Int32Array.from(tokens, (one) => this.indexOf(one));
  }

  /** The tokens of indices. @throws {OptionError} as `at`, or if they are no array */
  decode(indices: ArrayLike<number>): string[] {
    checkIndices('Vocabulary.decode', indices);
    return Array.from(indices, (index) => this.at(index));
  }

  /** The tokens in the form that is quick to search by pieces of a text. @internal */
  get table(): TokenTable {
    return (this.#table ??= new TokenTable(this.tokens));
  }

  /** Class and options. */
  config(): TextConfig {
    const unknown = this.unknown === undefined ? {} : { unknown: this.unknown };
    return { class: 'Vocabulary', options: { tokens: this.tokens, ...unknown } };
  }
}

type FitSettings = Required<VocabularyFitOptions> & { maxTokens: number };

const tokenList: OptionReader<readonly string[]> = (op, name, value) => {
  const tokens: unknown[] = Array.isArray(value) ? value : [];
  if (tokens.length > 0 && tokens.every((one) => typeof one === 'string')) return Object.freeze([...tokens]);
  const odd = tokens.findIndex((one) => typeof one !== 'string');
  throw new OptionError(op, {
    given: odd < 0 ? `${name}: ${describe(value)}` : `${describe(tokens[odd])} as token ${odd}`,
    expected: 'an array of strings, one at least',
    fix: 'learn it from texts: Vocabulary.fit(texts)',
  });
};

const specialTokens: OptionReader<readonly string[]> = (op, name, value) => {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '')) return value as string[];
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of strings that are not empty',
    fix: `pass such as ${name}: ['<pad>', '<unk>']`,
  });
};

/** @throws {OptionError} if they are no Map of numbers by tokens */
function checkCounts(counts: unknown): void {
  let odd: unknown = counts;
  if (Object.prototype.toString.call(counts) === '[object Map]') {
    odd = undefined;
    for (const [one, count] of counts as Map<unknown, unknown>)
      if (typeof one !== 'string' || typeof count !== 'number') odd ??= [one, count];
    if (odd === undefined) return;
  }
  throw new OptionError('Vocabulary.ofCounts', {
    given: describe(odd),
    expected: 'a Map of tokens and how often each occurs',
    fix: "pass new Map([['a', 3], ['b', 1]]), or learn from texts: Vocabulary.fit(texts)",
  });
}

const twice = (one: string): OptionError =>
  new OptionError('Vocabulary', {
    given: `the token ${describe(one)} twice`,
    expected: 'each token once',
    fix: 'make it of a set: [...new Set(tokens)]',
  });

/** Whether a value holds others one by one; a text does too, but means the whole. */
const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

const notDivided = (given: unknown): OptionError =>
  new OptionError('Vocabulary.fit', {
    given: typeof given === 'string' ? `the text ${describe(given.slice(0, 40))}` : describe(given),
    expected: 'the tokens of each text',
    fix: 'divide texts first: tokenizer.tokenize(text); TextVectorizer.fit(texts) does both',
  });

function nothingLearned(source: string, counts: ReadonlyMap<string, number>, minFrequency: number): OptionError {
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b), 0);
  return new OptionError('Vocabulary.fit', {
    given: `${source} with ${counted(counts.size, 'token')}, none of which occurs more than ${counted(most, 'time')}`,
    expected: `one at least that occurs ${counted(minFrequency, 'time')}`,
    fix: counts.size === 0 ? 'look whether the texts are those that were meant' : 'lower minFrequency',
  });
}
