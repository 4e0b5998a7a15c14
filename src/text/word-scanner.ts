import * as kind from './character-class';
import { WordSegmenter } from './segmenter';
import { longer } from './token-table';
import type { Spans } from './tokenizer';

/** What becomes of punctuation. */
export type Punctuation = 'split' | 'keep' | 'drop';
/** What becomes of numbers. */
export type Numbers = 'keep' | 'mask' | 'drop';

/** What a scanner does with what it finds. @internal */
export interface ScannerSettings {
  readonly punctuation: Punctuation;
  readonly numbers: Numbers;
  readonly lowercase: boolean;
  readonly locale: string | undefined;
  /** Whether a token is left out. */
  readonly isStopWord: (units: Uint16Array, begin: number, end: number) => boolean;
}

/** Finds the words of a text by looking at each of its characters once. @internal */
export class WordScanner {
  readonly #settings: ScannerSettings;
  readonly #classes = new kind.CharacterClasses();
  readonly #ascii = Uint8Array.from({ length: 128 }, (_, unit) => this.#classes.of(unit));
  readonly #segmenter: WordSegmenter;
  #bounds = new Int32Array(1 << 10);
  #count = 0;
  #units: Uint16Array = new Uint16Array(0);
  #length = 0;
  #most = 0;

  constructor(settings: ScannerSettings) {
    this.#settings = settings;
    this.#segmenter = new WordSegmenter(settings.locale);
  }

  /**
   * The tokens of a text.
   *
   * @param units   those of the text, which are changed: capital letters of ASCII become small ones where `isRaw`, and
   *                digits 0 where numbers are masked
   * @param length  how many of them there are
   * @param most    no more tokens than these
   */
  scan(units: Uint16Array, length: number, isRaw: boolean, most: number): Spans {
    [this.#units, this.#length, this.#most, this.#count] = [units, length, most, 0];
    const isSplit = this.#settings.punctuation !== 'keep';
    if (isRaw && this.#settings.lowercase) lower(units, length);
    if (isRaw && isSplit) this.#scanAscii(units, length);
    else this.#scanAny(isSplit);
    return { units, bounds: this.#bounds, count: this.#count };
  }

  #scanAny(isSplit: boolean): void {
    for (let at = 0; at < this.#length && this.#count < this.#most;) {
      const found = this.#classAt(at);
      if (found === kind.SPACE || found === kind.JOINER) at++;
      else if (found === kind.UNSPACED) at = this.#unspaced(at, isSplit);
      else if (!isSplit) at = this.#chunk(at);
      else if (found === kind.LETTER || found === kind.DIGIT) at = this.#word(at);
      else at = this.#sign(at, found);
    }
  }

  /** As `#scanAny` where all is ASCII and punctuation is not kept, several times as fast. */
  #scanAscii(units: Uint16Array, length: number): void {
    const classes = this.#ascii;
    const drops = this.#settings.punctuation === 'drop';
    for (let at = 0; at < length && this.#count < this.#most;) {
      const begin = at;
      let found = classes[units[at++] ?? 0] ?? 0;
      if (found === kind.SPACE) continue;
      if (found > kind.DIGIT) {
        if (!drops) this.#add(begin, at);
        continue;
      }
      let [before, hasLetter] = [found, found === kind.LETTER];
      for (; at < length; at++) {
        found = classes[units[at] ?? 0] ?? 0;
        if (found === kind.LETTER) hasLetter = true;
        else if (found !== kind.DIGIT) {
          const inside = found < kind.APOSTROPHE ? 0 : insideOf(found, before);
          if (inside === 0 || at + 1 >= length || classes[units[at + 1] ?? 0] !== inside) break;
          continue;
        }
        before = found;
      }
      if (hasLetter) this.#add(begin, at);
      else this.#addNumber(begin, at);
    }
  }

  /** The class of the character at a place; also of one that two units write. */
  #classAt(at: number): number {
    const unit = this.#units[at] ?? 0;
    return (unit & 0xf800) === 0xd800 ? this.#classes.of(this.#pointAt(at)) : this.#classes.of(unit);
  }

  #pointAt(at: number): number {
    const [unit = 0, next = 0] = [this.#units[at], this.#units[at + 1]];
    const isPair = (unit & 0xfc00) === 0xd800 && (next & 0xfc00) === 0xdc00 && at + 1 < this.#length;
    return isPair ? 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff) : unit;
  }

  #widthAt(at: number): number {
    return this.#pointAt(at) > 0xffff ? 2 : 1;
  }

  /** A run of letters and digits, with apostrophes between letters and points between digits. */
  #word(begin: number): number {
    let [at, before, hasLetter] = [begin, 0, false];
    for (; at < this.#length;) {
      const found = this.#classAt(at);
      if (found === kind.LETTER || found === kind.DIGIT) {
        hasLetter ||= found === kind.LETTER;
        before = found;
        at += this.#widthAt(at);
        continue;
      }
      const inside = insideOf(found, before);
      if (inside === 0 || at + 1 >= this.#length || this.#classAt(at + 1) !== inside) break;
      at++;
    }
    if (hasLetter) this.#add(begin, at);
    else this.#addNumber(begin, at);
    return at;
  }

  /** A character of punctuation, or a picture with what belongs to it. */
  #sign(begin: number, found: number): number {
    let at = begin + this.#widthAt(begin);
    const isPicture = found === kind.SYMBOL || found === kind.REGIONAL || found === kind.MODIFIER;
    if (found === kind.REGIONAL && at < this.#length && this.#classAt(at) === kind.REGIONAL) at += this.#widthAt(at);
    while (isPicture && at < this.#length) {
      const next = this.#classAt(at);
      if (next === kind.MODIFIER) at += this.#widthAt(at);
      else if (next === kind.JOINER && at + 1 < this.#length && this.#classAt(at + 1) === kind.SYMBOL)
        at += 1 + this.#widthAt(at + 1);
      else break;
    }
    if (isPicture || this.#settings.punctuation !== 'drop') this.#add(begin, at);
    return at;
  }

  /** What stands between spaces, for punctuation that is kept. */
  #chunk(begin: number): number {
    let [at, letters, digits] = [begin, 0, 0];
    for (; at < this.#length; at += this.#widthAt(at)) {
      const found = this.#classAt(at);
      if (found === kind.SPACE || found === kind.UNSPACED) break;
      if (found === kind.LETTER || found === kind.SYMBOL) letters++;
      if (found === kind.DIGIT) digits++;
    }
    if (letters === 0 && digits > 0) this.#addNumber(begin, at);
    else this.#add(begin, at);
    return at;
  }

  /** Words without spaces between them. Punctuation that is kept goes with the last one. */
  #unspaced(begin: number, isSplit: boolean): number {
    let end = begin;
    while (end < this.#length && this.#classAt(end) === kind.UNSPACED) end += this.#widthAt(end);
    const run = Buffer.from(this.#units.buffer, this.#units.byteOffset + 2 * begin, 2 * (end - begin));
    const ends = this.#segmenter.ends(run.toString('utf16le'));
    let last = end;
    while (!isSplit && last < this.#length) {
      const found = this.#classAt(last);
      if (found !== kind.PUNCTUATION && found !== kind.POINT && found !== kind.APOSTROPHE) break;
      last += this.#widthAt(last);
    }
    let from = begin;
    ends.forEach((place, index) => {
      const to = index === ends.length - 1 ? last : begin + place;
      this.#add(from, to);
      from = to;
    });
    return last;
  }

  #addNumber(begin: number, end: number): void {
    if (this.#settings.numbers !== 'drop') this.#add(begin, end);
  }

  #add(begin: number, end: number): void {
    const count = this.#count;
    if (count === this.#most) return;
    if (this.#settings.numbers === 'mask') this.#mask(begin, end);
    if (this.#settings.isStopWord(this.#units, begin, end)) return;
    if (2 * count + 2 > this.#bounds.length) this.#bounds = longer(this.#bounds, 2 * count + 2);
    this.#bounds[2 * count] = begin;
    this.#bounds[2 * count + 1] = end;
    this.#count = count + 1;
  }

  #mask(begin: number, end: number): void {
    for (let i = begin; i < end; i++) {
      const unit = this.#units[i] ?? 0;
      if ((unit & 0xf800) !== 0xd800 && this.#classes.of(unit) === kind.DIGIT) this.#units[i] = 48;
    }
  }
}

/** What has to stand on both sides of a character for it to be inside of a word or number; 0 if it never is. */
function insideOf(found: number, before: number): number {
  if (found === kind.APOSTROPHE || found === kind.JOINER) return before === kind.LETTER ? kind.LETTER : 0;
  return found === kind.POINT && before === kind.DIGIT ? kind.DIGIT : 0;
}

function lower(units: Uint16Array, length: number): void {
  for (let i = 0; i < length; i++) {
    const unit = units[i] ?? 0;
    if ((unit - 65) >>> 0 < 26) units[i] = unit | 32;
  }
}
