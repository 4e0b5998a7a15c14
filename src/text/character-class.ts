// What a character is to a scanner of words. The numbers are compared in inner loops.

/** Blanks, control characters, and what has no width. */
export const SPACE = 1;
/** Letters and the marks on them. */
export const LETTER = 2;
/** Digits and other numerals. */
export const DIGIT = 3;
/** Punctuation, and signs that are written like it: + $ < ^. */
export const PUNCTUATION = 4;
/** Pictures: emoji, arrows, dingbats. */
export const SYMBOL = 5;
/** An apostrophe, which belongs to a word between two letters. */
export const APOSTROPHE = 6;
/** Full stop and comma, which belong to a number between two digits. */
export const POINT = 7;
/** Letters of scripts that are written without spaces between words. */
export const UNSPACED = 8;
/** What joins characters and is not seen: U+200C and U+200D. */
export const JOINER = 9;
/** What changes the picture before it: variation selectors, skin tones, the key cap. */
export const MODIFIER = 10;
/** One half of a flag. */
export const REGIONAL = 11;

const unspaced = new RegExp(
  `^(?=[\\p{L}\\p{M}\\p{Nl}])[${['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar']
    .map((script) => `\\p{scx=${script}}`)
    .join('')}]$`,
  'u',
);

const rules: readonly (readonly [RegExp, number])[] = [
  [/^['\u2019]$/u, APOSTROPHE],
  [/^[.,]$/u, POINT],
  [/^[\u200c\u200d]$/u, JOINER],
  [/^(?:[\ufe00-\ufe0f\u20e3]|\p{Emoji_Modifier})$/u, MODIFIER],
  [/^\p{Regional_Indicator}$/u, REGIONAL],
  [unspaced, UNSPACED],
  [/^[\p{L}\p{M}]$/u, LETTER],
  [/^\p{N}$/u, DIGIT],
  [/^[\p{White_Space}\p{Cc}\p{Cf}\p{Cs}]$/u, SPACE],
  [/^[\p{So}\p{Extended_Pictographic}]$/u, SYMBOL],
];

/** The classes of all characters, each found out when it is met for the first time. */
export class CharacterClasses {
  // Of the memory, only the pages are taken whose characters were met.
  readonly #known = new Uint8Array(0x110000);

  /** The class of a code point. */
  of(point: number): number {
    const known = this.#known[point] ?? 0;
    return known === 0 ? this.#learn(point) : known;
  }

  #learn(point: number): number {
    const character = String.fromCodePoint(point);
    const found = rules.find(([pattern]) => pattern.test(character))?.[1] ?? PUNCTUATION;
    this.#known[point] = found;
    return found;
  }
}
