import { OptionError } from '../tensor/errors';
import { describe, oneOf } from '../tensor/options';
import type { OptionReader } from '../tensor/read-options';

/**
 * How Unicode writes characters that it can write in several ways; `none` leaves them as they are. What may be left out
 * of a word, soft hyphens and U+FEFF, is left out in each of them.
 */
export type Normalization = 'NFC' | 'NFKC' | 'NFD' | 'NFKD' | 'none';

/** Reads the name of a normal form. @internal */
export const normalization: OptionReader<Normalization> = (op, name, value) =>
  oneOf(op, name, value ?? 'NFC', ['NFC', 'NFKC', 'NFD', 'NFKD', 'none']);

/** Reads a language tag, as `Intl` writes it. @internal */
export const localeTag: OptionReader<string> = (op, name, value) => {
  try {
    const [tag] = typeof value === 'string' ? Intl.getCanonicalLocales(value) : [];
    if (tag !== undefined) return tag;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a language tag',
    fix: "pass such as 'en', 'zh', 'ja', 'th' or 'pt-BR'",
  });
};

/** Refuses what is no text. @internal */
export function checkText(op: string, text: unknown): asserts text is string {
  if (typeof text === 'string') return;
  throw new OptionError(op, {
    given: `${describe(text)} as text`,
    expected: 'a string',
    fix: Array.isArray(text) ? 'pass one text at a time' : 'pass the text itself, as in row.text',
  });
}

/** Brings texts into the form that tokens are taken from. @internal */
export class TextForm {
  readonly #normalize: Normalization;
  readonly #lowercase: boolean;
  readonly #locale: string | undefined;
  /** Whether what is ASCII stays ASCII, and its small letters are the usual ones: not so in Turkish. */
  readonly isPlain: boolean;
  #units = new Uint16Array(1 << 12);
  #bytes = Buffer.from(this.#units.buffer);

  constructor({ normalize, lowercase, locale }: { normalize: Normalization; lowercase: boolean; locale?: string }) {
    this.#normalize = normalize;
    this.#lowercase = lowercase;
    this.#locale = locale;
    this.isPlain = !lowercase || locale === undefined || 'I'.toLocaleLowerCase(locale) === 'i';
  }

  /** A text in this form. What Unicode says may be left out of a word, such as a soft hyphen, is left out. */
  of(text: string): string {
    const isAscii = !/[^\0-\x7f]/.test(text);
    const normal = isAscii || this.#normalize === 'none' ? text : text.normalize(this.#normalize);
    const cased = this.#lowercase ? lowered(normal, this.#locale) : normal;
    return isAscii ? cased : cased.replace(/[\u00ad\ufeff]/g, '');
  }

  /**
   * The UTF-16 units of a text in this form, in memory that the next call overwrites.
   *
   * @returns those of ASCII as they are, to be lowered by whoever reads them; `isRaw` says so
   */
  units(text: string): { units: Uint16Array; length: number; isRaw: boolean } {
    const raw = this.#write(text);
    if (this.isPlain && isAscii(raw, text.length)) return { units: raw, length: text.length, isRaw: true };
    const form = this.of(text);
    return { units: this.#write(form), length: form.length, isRaw: false };
  }

  #write(text: string): Uint16Array {
    if (text.length > this.#units.length) {
      this.#units = new Uint16Array(Math.max(text.length, 2 * this.#units.length));
      this.#bytes = Buffer.from(this.#units.buffer);
    }
    this.#bytes.write(text, 'utf16le');
    return this.#units;
  }
}

const lowered = (text: string, locale: string | undefined): string =>
  locale === undefined ? text.toLowerCase() : text.toLocaleLowerCase(locale);

function isAscii(units: Uint16Array, length: number): boolean {
  let all = 0;
  for (let i = 0; i < length; i++) all |= units[i] ?? 0;
  return all < 128;
}
