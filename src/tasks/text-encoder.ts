import type { Tokenizer } from '../text/tokenizer';
import { CharacterTokenizer } from '../text/characters';
import { WordTokenizer } from '../text/words';
import { LanguageText } from './language-text';
import type { TextClassifierSettings, TextTokens } from './text-classifier-options';
import { TokenEncoder, type EncodedTokens, type TokenEncoderParts } from './token-encoder';
import { frequencyFor } from './token-options';

/** Stand at both ends of a text that is read as characters. */
const [BEGIN, END] = ['<s>', '</s>'];

/** How texts become numbers, as it stands in the file of a model. */
export interface TextEncoderParts extends TokenEncoderParts {
  readonly tokenizer: Tokenizer;
  /** Tokens of a text at most. */
  readonly maxLength: number;
  /** Where they are the tokens of a language model: what that reads before a text, see `LanguageTextParts`. */
  readonly begin?: number | undefined;
}

/** Turns texts into the indices of their tokens. */
export class TextEncoder {
  readonly parts: TextEncoderParts;
  readonly #tokens: TokenEncoder;
  readonly #language: LanguageText | undefined;

  constructor(parts: TextEncoderParts) {
    this.parts = parts;
    this.#tokens = new TokenEncoder(parts);
    const { tokenizer, words: vocabulary, begin } = parts;
    this.#language = begin === undefined ? undefined : new LanguageText({ tokenizer, vocabulary, begin });
  }

  /** Learns tokens and vocabularies of the texts of training. */
  static fit(texts: readonly string[], settings: TextClassifierSettings): TextEncoder {
    const { lowercase, maxLength } = settings;
    const words = new WordTokenizer({ lowercase: false, numbers: 'mask' });
    const tokens = settings.tokens === 'auto' ? chooseTokens(texts, words) : settings.tokens;
    const tokenizer = tokens === 'characters' ? new CharacterTokenizer() : words;
    const cased = tokens === 'characters' ? false : lowercase;
    const divide = (text: string): string[] => divided(text, tokenizer, maxLength);
    const { parts } = TokenEncoder.fit(texts.map(divide), {
      minFrequency: frequencyFor(settings, texts.length),
      characters: tokens === 'both',
      lowercase: cased,
    });
    return new TextEncoder({ ...parts, tokenizer, maxLength });
  }

  /** The indices of a text. */
  encode(text: string): EncodedTokens {
    if (this.#language !== undefined) return { words: this.#language.prompt(text).subarray(0, this.parts.maxLength) };
    return this.#tokens.encode(divided(text, this.parts.tokenizer, this.parts.maxLength));
  }
}

function divided(text: string, tokenizer: Tokenizer, maxLength: number): string[] {
  const tokens = tokenizer.tokenize(text).slice(0, maxLength);
  return tokenizer instanceof CharacterTokenizer ? [BEGIN, ...tokens, END] : tokens;
}

/** Characters for texts of fewer than three words in the mean, such as names; words for others. */
function chooseTokens(texts: readonly string[], words: WordTokenizer): Exclude<TextTokens, 'auto'> {
  const counts = texts.map((text) => words.tokenize(text).length);
  return counts.reduce((sum, count) => sum + count, 0) < 3 * texts.length ? 'characters' : 'words';
}
