import { OptionError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { describe, positiveInteger } from '../tensor/options';
import { PaddedSequence } from '../tensor/padded-sequence';
import { asGiven, choice, optional, readOptions, type OptionReader } from '../tensor/read-options';
import { checkIndices, checkTextAt } from './check-list';
import { TokenCounts } from './token-counts';
import { longer } from './token-table';
import type { Configured, TextConfig, Tokenizer } from './tokenizer';
import { tokenText, Vocabulary } from './vocabulary';
import { hasSpans, WordTokenizer } from './words';
import { counted } from '../tensor/counted';

/** Which end of a text is cut when it is too long. */
export type Truncate = 'end' | 'start';

/** Options of a TextVectorizer. */
export interface TextVectorizerOptions {
  /** What divides the texts. */
  tokenizer: Tokenizer;
  /** The tokens and their indices. */
  vocabulary: Vocabulary;
  /** Number of tokens of a text at most, `begin` and `end` included. Default: no limit. */
  maxLength?: number | undefined;
  /** Which end of a longer text is cut off. Default end. */
  truncate?: Truncate;
  /** The token of the vocabulary that fills a batch behind the end of a text. Default none: index 0 does. */
  padding?: string | undefined;
  /** The token of the vocabulary before each text. Default none. */
  begin?: string | undefined;
  /** The token of the vocabulary behind each text, also one that was cut. Default none. */
  end?: string | undefined;
}

/** Options of `TextVectorizer.fit`. */
export interface TextVectorizerFitOptions {
  /** What divides the texts. Default: a WordTokenizer with its defaults. */
  tokenizer?: Tokenizer;
  /** How often a token has to occur to get an index. Default 1. */
  minFrequency?: number;
  /** Number of tokens in the vocabulary at most, special ones included. Default: no limit. */
  maxTokens?: number | undefined;
  /** Number of tokens of a text at most, `begin` and `end` included. Default: no limit. */
  maxLength?: number | undefined;
  /** Which end of a longer text is cut off. Default end. */
  truncate?: Truncate;
  /** The token that stands for those without an index; null for none, and such a token is an error. Default `<unk>`. */
  unknown?: string | null;
  /** The token that fills a batch behind the end of a text, of index 0; null for none. Default `<pad>`. */
  padding?: string | null;
  /** The token before each text, such as `<s>`. Default none. */
  begin?: string | undefined;
  /** The token behind each text, such as `</s>`. Default none. */
  end?: string | undefined;
}

/** How `encodeBatch` builds a batch. */
export interface EncodeBatchOptions {
  /** Where the indices go. Default: the default device. */
  device?: string | undefined;
}

/**
 * Turns texts into indices and back: a tokenizer, a vocabulary, and how long a text may be. Plain data, which
 * `save(model, path, { extras: { text } })` puts into the file of the model.
 *
 *     const text = TextVectorizer.fit(texts, { minFrequency: 2, maxLength: 200 });
 *     text.decode(text.encode('Call now!'))      // 'call now !'
 *     model.forward(text.encodeBatch(texts))     // i32 [N, T] with lengths
 *
 * Special tokens that are written out in a text, as `<unk>` is in some corpora, get their own index where the tokenizer
 * leaves them whole.
 *
 * @throws {OptionError} if an option is unknown or has another value, a special token is not in the vocabulary, or
 *   `maxLength` leaves no room beside `begin` and `end`
 */
export class TextVectorizer implements Configured {
  /** What divides the texts. */
  readonly tokenizer: Tokenizer;
  /** The tokens and their indices; its size is `numEmbeddings` of an Embedding. */
  readonly vocabulary: Vocabulary;
  /** The options beside them. */
  readonly options: Readonly<Omit<Required<TextVectorizerOptions>, 'tokenizer' | 'vocabulary'>>;
  /** Index that fills a batch: `paddingIdx` of an Embedding; undefined if no token is for that. */
  readonly paddingIdx: number | undefined;
  readonly #begin: number;
  readonly #end: number;
  /** Tokens of a text at most, without `begin` and `end`. */
  readonly #most: number;

  constructor(options: TextVectorizerOptions) {
    const { tokenizer, vocabulary, ...rest } = readOptions('TextVectorizer', options, {
      tokenizer: tokenizerOf,
      vocabulary: vocabularyOf,
      maxLength: optional(positiveInteger),
      truncate: choice(['end', 'start']),
      padding: optional(tokenText),
      begin: optional(tokenText),
      end: optional(tokenText),
    });
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
    this.options = Object.freeze(rest);
    const indexOf = (name: 'padding' | 'begin' | 'end'): number => specialIndex(vocabulary, name, rest[name]);
    const padding = indexOf('padding');
    this.paddingIdx = padding < 0 ? undefined : padding;
    this.#begin = indexOf('begin');
    this.#end = indexOf('end');
    this.#most = (rest.maxLength ?? Number.POSITIVE_INFINITY) - Number(this.#begin >= 0) - Number(this.#end >= 0);
    if (this.#most >= 1) return;
    throw new OptionError('TextVectorizer', {
      given: `maxLength: ${rest.maxLength}`,
      expected: 'room for a token beside begin and end',
      fix: 'raise it, or leave it out',
    });
  }

  /**
   * Learns the vocabulary of texts. Its order is that of `Vocabulary.fit`; special tokens come first: padding, unknown,
   * begin, end. A tokenizer that has its tokens already, such as a BPETokenizer, keeps them and their indices, special
   * tokens that it lacks come behind them, and nothing is counted.
   *
   * @param texts  an array or another iterable; one that is read asynchronously gives a promise
   * @throws {OptionError} if nothing occurs often enough, or an option is unknown or has another value
   */
  static fit(texts: Iterable<string>, options?: TextVectorizerFitOptions): TextVectorizer;
  static fit(texts: AsyncIterable<string>, options?: TextVectorizerFitOptions): Promise<TextVectorizer>;
  static fit(
    texts: Iterable<string> | AsyncIterable<string>,
    options: TextVectorizerFitOptions = {},
  ): TextVectorizer | Promise<TextVectorizer> {
    const plan = fitPlan(options);
    if (plan.tokenizer.tokens !== undefined) return ofFixedTokens(plan.tokenizer.tokens, plan, options);
    const counts = new TokenCounts(plan.tokenizer);
    const finish = (): TextVectorizer => ofCounts(counts, plan, options);
    if (typeof texts !== 'object' || texts === null) throw noTexts(texts);
    if (isAsync(texts)) return countAll(texts, counts).then(finish);
    if (!(Symbol.iterator in texts)) throw noTexts(texts);
    for (const text of texts) counts.add(text);
    return finish();
  }

  /** The indices of a text. @throws {OptionError} if it is no string, or has an unknown token that none stands for */
  encode(text: string): Int32Array {
    const ids = new IndexBuffer();
    this.#append(text, ids);
    return ids.values.slice(0, ids.length);
  }

  /**
   * The indices of texts as one batch: i32 [N, T], T the length of the longest.
   *
   * @throws {OptionError} as `encode`, or if `texts` is no array of at least one text
   */
  encodeBatch(texts: readonly string[], options: EncodeBatchOptions = {}): PaddedSequence {
    const { device } = readOptions('TextVectorizer.encodeBatch', options, { device: asGiven });
    if (!Array.isArray(texts) || texts.length === 0) throw noTexts(texts);
    const ids = new IndexBuffer();
    const ends = texts.map((text, place) => {
      checkTextAt('TextVectorizer.encodeBatch', text, place);
      return this.#append(text, ids);
    });
    const lengths = ends.map((end, row) => end - (row === 0 ? 0 : (ends[row - 1] ?? 0)));
    const steps = lengths.reduce((a, b) => Math.max(a, b), 0);
    const fill = this.paddingIdx ?? 0;
    const data = new Int32Array(texts.length * steps);
    if (fill !== 0) data.fill(fill);
    lengths.forEach((length, row) => data.set(ids.values.subarray((ends[row] ?? 0) - length, ends[row]), row * steps));
    const values = tensor({ data, shape: [texts.length, steps] }, device === undefined ? {} : { device });
    return fill === 0 ? PaddedSequence.zeroPadded(values, lengths) : new PaddedSequence(values, lengths);
  }

  /**
   * The text of indices, as the tokenizer joins tokens. Padding, `begin` and `end` are left out.
   *
   * @throws {OptionError} if it is no array, or an index is none of the vocabulary
   */
  decode(indices: ArrayLike<number>): string {
    checkIndices('TextVectorizer.decode', indices);
    const tokens: string[] = [];
    for (const index of Array.from(indices)) {
      const isSpecial = index === this.paddingIdx || index === this.#begin || index === this.#end;
      // -1 and undefined, which stand for special tokens that are not there, are no indices.
      if (!isSpecial || !(index >= 0)) tokens.push(this.vocabulary.at(index));
    }
    return this.tokenizer.join(tokens);
  }

  /** Class and options, those of tokenizer and vocabulary among them. */
  config(): TextConfig {
    const { tokenizer, vocabulary, options } = this;
    return {
      class: 'TextVectorizer',
      options: { tokenizer: tokenizer.config(), vocabulary: vocabulary.config(), ...options },
    };
  }

  /** Puts the indices of a text behind those that are there. @returns where they end */
  #append(text: string, ids: IndexBuffer): number {
    if (this.#begin >= 0) ids.push(this.#begin);
    const start = ids.length;
    if (hasSpans(this.tokenizer)) {
      const cutsEnd = this.options.truncate === 'end';
      const spans = this.tokenizer.spans(text, cutsEnd ? this.#most : Number.POSITIVE_INFINITY);
      this.vocabulary.table.findAll(spans, this.vocabulary.unknownIndex, ids.room(spans.count), start);
      const lost =
        this.vocabulary.unknown === undefined ? ids.values.subarray(0, start + spans.count).indexOf(-1, start) : -1;
      if (lost >= 0) this.vocabulary.indexOf(this.tokenizer.tokenize(text)[lost - start] ?? '');
      ids.length = start + spans.count;
    } else {
      for (const one of this.tokenizer.tokenize(text)) ids.push(this.vocabulary.indexOf(one));
    }
    if (ids.length - start > this.#most) this.#cut(ids, start);
    if (this.#end >= 0) ids.push(this.#end);
    return ids.length;
  }

  #cut(ids: IndexBuffer, start: number): void {
    if (this.options.truncate === 'start') ids.values.copyWithin(start, ids.length - this.#most, ids.length);
    ids.length = start + this.#most;
  }
}

/** Indices behind each other. */
class IndexBuffer {
  values = new Int32Array(256);
  length = 0;

  push(index: number): void {
    this.room(1)[this.length++] = index;
  }

  /** The array, with room for so many more. */
  room(more: number): Int32Array {
    if (this.length + more > this.values.length) this.values = longer(this.values, this.length + more);
    return this.values;
  }
}

interface FitPlan {
  readonly tokenizer: Tokenizer;
  readonly specials: readonly string[];
  readonly unknown: string | undefined;
  readonly rest: Omit<TextVectorizerOptions, 'tokenizer' | 'vocabulary'>;
}

const orNone = (name: string): OptionReader<string | null> => {
  const otherwise = `<${name}>`;
  return (op, option, value) => (value === null ? null : tokenText(op, option, value ?? otherwise));
};

/** The options of `fit`, looked at before the texts are read. */
function fitPlan(options: TextVectorizerFitOptions): FitPlan {
  const read = readOptions<TextVectorizerFitOptions, Required<TextVectorizerFitOptions>>(
    'TextVectorizer.fit',
    options,
    {
      tokenizer: (op, name, value) => (value === undefined ? new WordTokenizer() : tokenizerOf(op, name, value)),
      minFrequency: asGiven,
      maxTokens: asGiven,
      maxLength: optional(positiveInteger),
      truncate: choice(['end', 'start']),
      unknown: orNone('unk'),
      padding: orNone('pad'),
      begin: optional(tokenText),
      end: optional(tokenText),
    },
  );
  const { tokenizer, unknown, padding, begin, end, maxLength, truncate } = read;
  const named = [padding, unknown, begin, end].filter((one) => typeof one === 'string');
  const rest = { maxLength, truncate, padding: padding ?? undefined, begin, end };
  return { tokenizer, specials: [...new Set(named)], unknown: unknown ?? undefined, rest };
}

function ofCounts(counts: TokenCounts, plan: FitPlan, { minFrequency, maxTokens }: TextVectorizerFitOptions) {
  const { tokenizer, specials, unknown, rest } = plan;
  const options = { minFrequency: minFrequency ?? 1, maxTokens, specials, unknown };
  const vocabulary = Vocabulary.ofCounts(counts.counts(), options, counted(counts.texts, 'text'));
  return new TextVectorizer({ tokenizer, vocabulary, ...rest });
}

function ofFixedTokens(
  tokens: readonly string[],
  { tokenizer, specials, unknown, rest }: FitPlan,
  { minFrequency, maxTokens }: TextVectorizerFitOptions,
): TextVectorizer {
  const odd = Object.entries({ minFrequency, maxTokens }).find(([, value]) => value !== undefined);
  if (odd !== undefined) {
    throw new OptionError('TextVectorizer.fit', {
      given: `${odd[0]}: ${describe(odd[1])}`,
      expected: `neither minFrequency nor maxTokens: the tokenizer has ${tokens.length} tokens`,
      fix: 'leave it out',
    });
  }
  const vocabulary = new Vocabulary({ tokens: [...new Set([...tokens, ...specials])], unknown });
  return new TextVectorizer({ tokenizer, vocabulary, ...rest });
}

async function countAll(texts: AsyncIterable<string>, counts: TokenCounts): Promise<void> {
  for await (const text of texts) counts.add(text);
}

const isAsync = (texts: object): texts is AsyncIterable<string> =>
  typeof texts === 'object' && texts !== null && Symbol.asyncIterator in texts;

const noTexts = (given: unknown): OptionError =>
  new OptionError('TextVectorizer', {
    given: `${describe(given)} as texts`,
    expected: 'an array of texts, one at least',
    fix: typeof given === 'string' ? 'pass an array: [text]' : 'pass such as rows.map((row) => row.text)',
  });

const tokenizerOf: OptionReader<Tokenizer> = (op, name, value) => {
  const { tokenize, join, config }: Partial<Tokenizer> = typeof value === 'object' && value !== null ? value : {};
  if ([tokenize, join, config].every((method) => typeof method === 'function')) return value as Tokenizer;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a tokenizer, with tokenize(text), join(tokens) and config()',
    fix: 'pass such as new WordTokenizer()',
  });
};

const vocabularyOf: OptionReader<Vocabulary> = (op, name, value) => {
  if (value instanceof Vocabulary) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a Vocabulary',
    fix: 'learn one: TextVectorizer.fit(texts)',
  });
};

function specialIndex(vocabulary: Vocabulary, name: string, value: string | undefined): number {
  if (value === undefined) return -1;
  if (vocabulary.has(value)) return vocabulary.indexOf(value);
  throw new OptionError('TextVectorizer', {
    given: `${name}: ${describe(value)}`,
    expected: 'a token of the vocabulary',
    fix: `put it among the specials of the vocabulary, or leave ${name} out`,
  });
}
