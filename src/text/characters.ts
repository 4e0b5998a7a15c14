import { flag } from '../tensor/options';
import { choice, optional, readOptions, withDefault } from '../tensor/read-options';
import { checkText, localeTag, normalization, TextForm, type Normalization } from './text-form';
import type { TextConfig, Tokenizer } from './tokenizer';

/** Options of a CharacterTokenizer. */
export interface CharacterTokenizerOptions {
  /**
   * `grapheme`: what a reader takes for one character, such as é however it is written, or a family of emoji;
   * `codePoint`: each code point of Unicode. Default grapheme.
   */
  unit?: 'grapheme' | 'codePoint';
  /** Whether capital letters become small ones. Default false. */
  lowercase?: boolean;
  /** The form that Unicode characters are brought into. Default NFC. */
  normalize?: Normalization;
  /** Language of the texts, which decides how capital letters become small ones. Default: none in particular. */
  locale?: string | undefined;
}

/**
 * Characters of a text, blanks included.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class CharacterTokenizer implements Tokenizer {
  /** The options with their defaults. */
  readonly options: Readonly<Required<CharacterTokenizerOptions>>;
  readonly #form: TextForm;
  #segmenter: Intl.Segmenter | undefined;

  constructor(options: CharacterTokenizerOptions = {}) {
    this.options = readOptions('CharacterTokenizer', options, {
      unit: choice(['grapheme', 'codePoint']),
      lowercase: withDefault(flag, false),
      normalize: normalization,
      locale: optional(localeTag),
    });
    const { locale, ...rest } = this.options;
    this.#form = new TextForm({ ...rest, ...(locale === undefined ? {} : { locale }) });
  }

  /** The characters of a text. @throws {OptionError} if it is no string */
  tokenize(text: string): string[] {
    checkText('CharacterTokenizer.tokenize', text);
    const form = this.#form.of(text);
    return this.options.unit === 'codePoint' ? Array.from(form) : this.#graphemes(form);
  }

  /** The `tokens` behind each other. */
  join(tokens: readonly string[]): string {
    return tokens.join('');
  }

  /** Class and options. */
  config(): TextConfig {
    return { class: 'CharacterTokenizer', options: { ...this.options } };
  }

  /** Below U+0300 every unit is a character of its own, but for CR LF; above, it may join with its neighbours. */
  #graphemes(text: string): string[] {
    const found: string[] = [];
    let from = 0;
    for (const { index, 0: run } of text.matchAll(/(?:[^\0-\u02ff]+[©®]?|[\0-\u02ff](?=[^\0-\u02ff])|\r\n)+/gu)) {
      for (; from < index; from++) found.push(text.charAt(from));
      this.#segmenter ??= new Intl.Segmenter(this.options.locale, { granularity: 'grapheme' });
      for (const { segment } of this.#segmenter.segment(run)) found.push(segment);
      from = index + run.length;
    }
    for (; from < text.length; from++) found.push(text.charAt(from));
    return found;
  }
}
