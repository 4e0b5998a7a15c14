import { flag } from '../tensor/options';
import { choice, optional, readOptions, withDefault } from '../tensor/read-options';
import { checkTokens } from './check-list';
import { UNSPACED, CharacterClasses } from './character-class';
import { stopWordList } from './stop-words';
import { checkText, localeTag, normalization, TextForm, type Normalization } from './text-form';
import { TokenTable } from './token-table';
import type { Spans, TextConfig, Tokenizer } from './tokenizer';
import { WordScanner, type Numbers, type Punctuation } from './word-scanner';

/** Options of a WordTokenizer. */
export interface WordTokenizerOptions {
  /** Whether capital letters become small ones. Default true. */
  lowercase?: boolean;
  /** The form that Unicode characters are brought into. Default NFC. */
  normalize?: Normalization;
  /**
   * `split`: each character of punctuation is a token; `keep`: it stays with the word it touches, so that spaces alone
   * divide; `drop`: it is left out, pictures such as emoji stay. Default split.
   */
  punctuation?: Punctuation;
  /** Numbers: `keep` them; `mask` makes 0 of each digit, also in words; `drop` them. Default keep. */
  numbers?: Numbers;
  /** Words to leave out: a list, or a language by its tag or English name. Default none. */
  stopWords?: readonly string[] | string;
  /** Language of the texts, which decides how capital letters become small ones. Default: none in particular. */
  locale?: string | undefined;
}

interface Settings {
  lowercase: boolean;
  normalize: Normalization;
  punctuation: Punctuation;
  numbers: Numbers;
  stopWords: readonly string[];
  locale: string | undefined;
}

/**
 * Words of a text. Letters and digits in a row are a word, an apostrophe between two letters belongs to it, and a point
 * or comma between two digits to a number: `don't`, `3.50`. A picture is a token with all that belongs to it. Scripts
 * that are written without spaces, Chinese, Japanese, Thai, Lao, Khmer and Burmese, are divided by the dictionaries of
 * `Intl.Segmenter`, wherever they stand in a text.
 *
 *     new WordTokenizer().tokenize("Don't call 3.50!")     // ["don't", 'call', '3.50', '!']
 *     new WordTokenizer().tokenize('我喜欢学习')              // ['我', '喜欢', '学习']
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class WordTokenizer implements Tokenizer {
  /** The options with their defaults; stop words as the list they are, also where a language was named. */
  readonly options: Readonly<Required<WordTokenizerOptions>>;
  readonly #form: TextForm;
  readonly #scanner: WordScanner;
  readonly #classes = new CharacterClasses();

  constructor(options: WordTokenizerOptions = {}) {
    const settings = readOptions<WordTokenizerOptions, Settings>('WordTokenizer', options, {
      lowercase: withDefault(flag, true),
      normalize: normalization,
      punctuation: choice(['split', 'keep', 'drop']),
      numbers: choice(['keep', 'mask', 'drop']),
      stopWords: stopWordList,
      locale: optional(localeTag),
    });
    this.options = settings;
    const { locale, stopWords, ...rest } = settings;
    this.#form = new TextForm({ ...rest, ...(locale === undefined ? {} : { locale }) });
    const stops = new TokenTable(stopWords.map((word) => this.#form.of(word)));
    const isStopWord =
      stops.size === 0
        ? () => false
        : (units: Uint16Array, begin: number, end: number) => stops.find(units, begin, end) >= 0;
    this.#scanner = new WordScanner({ ...rest, locale, isStopWord });
  }

  /** The words of a text. @throws {OptionError} if it is no string */
  tokenize(text: string): string[] {
    const { units, bounds, count } = this.spans(text, Number.POSITIVE_INFINITY);
    const all = Buffer.from(units.buffer, 0, 2 * (bounds[2 * count - 1] ?? 0)).toString('utf16le');
    return Array.from({ length: count }, (_, i) => all.slice(bounds[2 * i], bounds[2 * i + 1]));
  }

  /**
   * Where the words of a text are, `most` of them at most. What is returned is overwritten by the next call.
   *
   * @internal
   */
  spans(text: string, most: number): Spans {
    checkText('WordTokenizer.tokenize', text);
    const { units, length, isRaw } = this.#form.units(text);
    return this.#scanner.scan(units, length, isRaw, most);
  }

  /**
   * The words of `tokens` with a space between them, but none where both sides belong to a script without spaces.
   *
   * @throws {OptionError} if they are no strings
   */
  join(tokens: readonly string[]): string {
    checkTokens('WordTokenizer.join', tokens);
    let text = '';
    let before = false;
    tokens.forEach((token, index) => {
      const isUnspaced = this.#classes.of(token.codePointAt(0) ?? 0) === UNSPACED;
      text += index === 0 || (before && isUnspaced) ? token : ` ${token}`;
      before = isUnspaced;
    });
    return text;
  }

  /** Class and options. */
  config(): TextConfig {
    return { class: 'WordTokenizer', options: { ...this.options } };
  }
}

/**
 * Whether a tokenizer can tell where its tokens are without making strings of them. A class that is derived of one
 * that can, and divides texts in its own way, cannot.
 *
 * @internal
 */
export const hasSpans = (tokenizer: Tokenizer): tokenizer is WordTokenizer =>
  tokenizer instanceof WordTokenizer && tokenizer.tokenize === WordTokenizer.prototype.tokenize;
