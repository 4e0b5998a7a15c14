import { flag } from '../tensor/options';
import { choice, optional, readOptions, withDefault } from '../tensor/read-options';
import { checkTokens } from './check-list';
import { segmentEnds } from './segmenter';
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

  /** The `tokens` behind each other. @throws {OptionError} if they are none */
  join(tokens: readonly string[]): string {
    checkTokens('CharacterTokenizer.join', tokens);
    return tokens.join('');
  }

  /** Class and options. */
  config(): TextConfig {
    return { class: 'CharacterTokenizer', options: { ...this.options } };
  }

  /** Below U+0300 every unit is a character of its own, but for CR LF; above, it may join with its neighbours. */
  #graphemes(text: string): string[] {
    const found: string[] = [];
    for (let at = 0; at < text.length;) {
      const end = joinedEnd(text, at);
      if (end > at) {
        this.#segmenter ??= new Intl.Segmenter(this.options.locale, { granularity: 'grapheme' });
        let begin = at;
        for (const place of segmentEnds(this.#segmenter, text.slice(at, end))) {
          found.push(text.slice(begin, at + place));
          begin = at + place;
        }
        at = end;
      } else {
        const width = text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10 ? 2 : 1;
        found.push(text.slice(at, at + width));
        at += width;
      }
    }
    return found;
  }
}

/** Where the units from a place on end that may join with a neighbour; the place itself if that unit does not. */
function joinedEnd(text: string, start: number): number {
  let end = start;
  for (; end < text.length; end++) {
    const [unit, next] = [text.charCodeAt(end), text.charCodeAt(end + 1)];
    if (unit < 0x300 && !(next >= 0x300)) break; // there may be no next one
    // © and ® are pictures, and join with what joins pictures.
    if (unit >= 0x300 && (next === 0xa9 || next === 0xae)) end++;
  }
  return Math.min(end, text.length);
}
