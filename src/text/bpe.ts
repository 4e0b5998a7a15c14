import { OptionError } from '../tensor/errors';
import { describe, flag, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { checkTokens } from './check-list';
import { byteCharacters, Merges, mostTokens } from './bpe-merges';
import { learnMerges } from './bpe-training';
import { readHuggingFace, type HuggingFaceTokenizer } from './hugging-face';
import { checkText, localeTag, normalization, TextForm, type Normalization } from './text-form';
import { countStrings } from './token-counts';
import type { TextConfig, Tokenizer } from './tokenizer';

/** The form that texts are brought into before they are divided. */
export interface BPEFormOptions {
  /** Whether capital letters become small ones. Default false. */
  lowercase?: boolean;
  /** The form that Unicode characters are brought into. Default NFC. */
  normalize?: Normalization;
  /** Language of the texts, which decides how capital letters become small ones. Default: none in particular. */
  locale?: string | undefined;
}

/** Options of a BPETokenizer. */
export interface BPETokenizerOptions extends BPEFormOptions {
  /** The merges in the order in which they were learned, each as `left right`. */
  merges: readonly string[];
}

/** Options of `BPETokenizer.train`. */
export interface BPETrainingOptions extends BPEFormOptions {
  /** Number of tokens, the 256 bytes included; fewer if no more pairs are frequent. Default 8000. */
  vocabularySize?: number;
  /** How often a pair has to occur to become a token. Default 2. */
  minFrequency?: number;
}

/** Words with the blank before them, numbers, punctuation and blanks, as GPT-2 divides a text: all of it is in one. */
const words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** A regular expression cannot go through any length at once. */
const pieceUnits = 1 << 18;

/** The words of a text, taken from pieces of it that end where a word does: before a blank behind something else. */
function wordsOf(text: string): string[] {
  const found: string[] = [];
  for (let from = 0; from < text.length;) {
    let end = from + pieceUnits;
    while (end < text.length && end > from && !/^\S\s$/.test(text.slice(end - 1, end + 1))) end--;
    if (end === from) end = from + pieceUnits - Number(isHigh(text.charCodeAt(from + pieceUnits - 1))); // a huge word
    for (const word of text.slice(from, end).match(words) ?? []) found.push(word);
    from = end;
  }
  return found;
}

/** Whether a unit is the first half of a character. */
const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800;

/** So many words are remembered with their tokens. */
const mostRemembered = 1 << 16;

/**
 * Pieces of words, learned from texts: byte pair encoding. It begins with bytes, so that nothing is unknown, and
 * `join(tokenize(text))` is the text in the form of `normalize`, blanks included. A token is written as GPT-2 writes
 * it: Ġ is a blank.
 *
 *     const tokenizer = BPETokenizer.train(texts, { vocabularySize: 8000 });
 *     const text = TextVectorizer.fit(texts, { tokenizer });
 *
 * @throws {OptionError} if a merge is not of two tokens before it, or an option is unknown or has another value
 * @see Sennrich, Haddow and Birch, Neural Machine Translation of Rare Words with Subword Units, 2016
 */
export class BPETokenizer implements Tokenizer {
  /** The options with their defaults. */
  readonly options: Readonly<Required<BPETokenizerOptions>>;
  /** The 256 bytes, and what was merged of them, in the order in which it was learned. */
  readonly tokens: readonly string[];
  readonly #form: TextForm;
  readonly #merges: Merges;
  readonly #known = new Map<string, readonly string[]>();

  constructor(options: BPETokenizerOptions) {
    this.options = readOptions('BPETokenizer', options, { merges: mergeList, ...formReaders });
    this.#form = formOf(this.options);
    this.#merges = new Merges(this.options.merges);
    this.tokens = Object.freeze(this.#merges.tokens);
  }

  /**
   * Learns merges from texts.
   *
   * @param texts  an array or another iterable; one that is read asynchronously gives a promise
   * @throws {OptionError} if `vocabularySize` is not above 256, or an option is unknown or has another value
   */
  static train(texts: Iterable<string>, options?: BPETrainingOptions): BPETokenizer;
  static train(texts: AsyncIterable<string>, options?: BPETrainingOptions): Promise<BPETokenizer>;
  static train(
    texts: Iterable<string> | AsyncIterable<string>,
    options: BPETrainingOptions = {},
  ): BPETokenizer | Promise<BPETokenizer> {
    const { vocabularySize, minFrequency, ...form } = readOptions('BPETokenizer.train', options, {
      vocabularySize: sizeAboveBytes,
      minFrequency: withDefault(positiveInteger, 2),
      ...formReaders,
    });
    const textForm = formOf(form);
    const counts = new Map<string, number>();
    const count = (text: unknown): void => {
      checkText('BPETokenizer.train', text);
      countStrings(counts, wordsOf(textForm.of(text)));
    };
    const finish = (): BPETokenizer =>
      new BPETokenizer({ merges: learnMerges(new Merges(), counts, vocabularySize, minFrequency), ...form });
    if (typeof texts === 'object' && texts !== null && Symbol.asyncIterator in texts)
      return forEachOf(texts, count).then(finish);
    if (typeof texts !== 'object' || texts === null || !(Symbol.iterator in texts)) throw noTexts(texts);
    for (const text of texts) count(text);
    return finish();
  }

  /**
   * Reads a `tokenizer.json` of Hugging Face: BPE, WordPiece or Unigram, with its normaliser and all else it says, by
   * Hugging Face's own package. Its tokens keep their indices.
   *
   * @param path  the file, often beside the weights of a model
   * @throws {FormatError} if it is no such file
   * @throws {FileError} if it cannot be read; its code is the system's
   */
  static fromHuggingFace(path: string): Promise<HuggingFaceTokenizer> {
    return readHuggingFace(path);
  }

  /** The pieces of a text. @throws {OptionError} if it is no string */
  tokenize(text: string): string[] {
    checkText('BPETokenizer.tokenize', text);
    const found: string[] = [];
    for (const word of wordsOf(this.#form.of(text))) {
      let tokens = this.#known.get(word);
      if (tokens === undefined) {
        tokens = this.#merges.apply(Buffer.from(word, 'utf8'));
        if (this.#known.size >= mostRemembered) this.#known.clear();
        if (word.length < 64) this.#known.set(word, tokens);
      }
      for (const token of tokens) found.push(token);
    }
    return found;
  }

  /**
   * The text of `tokens`. U+FFFD stands for bytes that are no UTF-8; what is no token stays as it is.
   *
   * @throws {OptionError} if they are no strings
   */
  join(tokens: readonly string[]): string {
    checkTokens('BPETokenizer.join', tokens);
    return Buffer.from(this.bytes(tokens)).toString('utf8');
  }

  /**
   * The bytes that `tokens` write in UTF-8, of which one may be a part of a character; what is no token stays as it is.
   *
   * @throws {OptionError} if they are no strings
   */
  bytes(tokens: readonly string[]): Uint8Array {
    checkTokens('BPETokenizer.bytes', tokens);
    const bytes: number[] = [];
    for (const token of tokens) {
      if (this.#merges.idOf(token) === undefined) for (const byte of Buffer.from(token, 'utf8')) bytes.push(byte);
      else for (const character of token) bytes.push(this.#merges.idOf(character) ?? 0);
    }
    return Uint8Array.from(bytes);
  }

  /** Class and options. */
  config(): TextConfig {
    return { class: 'BPETokenizer', options: { ...this.options } };
  }
}

const formReaders = {
  lowercase: withDefault(flag, false),
  normalize: normalization,
  locale: optional(localeTag),
};

function formOf({ lowercase, normalize, locale }: Required<BPEFormOptions>): TextForm {
  return new TextForm({ lowercase, normalize, ...(locale === undefined ? {} : { locale }) });
}

async function forEachOf(texts: AsyncIterable<unknown>, use: (text: unknown) => void): Promise<void> {
  for await (const text of texts) use(text);
}

const mergeList: OptionReader<readonly string[]> = (op, name, value) => {
  if (Array.isArray(value) && value.every((merge) => typeof merge === 'string')) return Object.freeze([...value]);
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of merges, each two tokens with a blank between them',
    fix: 'train one: BPETokenizer.train(texts), or read one: BPETokenizer.fromHuggingFace(path)',
  });
};

const sizeAboveBytes: OptionReader<number> = (op, name, value) => {
  const size = positiveInteger(op, name, value ?? 8000);
  if (size > byteCharacters.length && size <= mostTokens) return size;
  throw new OptionError(op, {
    given: `${name}: ${size}`,
    expected: `more than the ${byteCharacters.length} bytes, and at most ${mostTokens}`,
    fix: `pass such as ${name}: 8000`,
  });
};

const noTexts = (given: unknown): OptionError =>
  new OptionError('BPETokenizer.train', {
    given: `${describe(given)} as texts`,
    expected: 'an array of texts',
    fix: typeof given === 'string' ? 'pass an array: [text]' : 'pass such as rows.map((row) => row.text)',
  });
