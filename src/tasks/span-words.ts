import { WordTokenizer } from '../text/words';

/** A word of a context, and where it stands. */
export interface PlacedWord {
  readonly word: string;
  /** Its first unit of UTF-16. */
  readonly start: number;
  /** Behind its last one. */
  readonly end: number;
}

/** Of texts that are formed, which places are counted in. */
const tokenizer = new WordTokenizer({ lowercase: false, normalize: 'none' });

/** A text in the form that its words are taken from. */
const formed = (text: string): string => text.normalize('NFC').replaceAll(/[\u00AD\uFEFF]/g, '');

/** The words of a text, and where each stands in it as it was given. */
export function placedWords(text: string): PlacedWord[] {
  const form = formed(text);
  const { bounds, count } = tokenizer.spans(form, Number.POSITIVE_INFINITY);
  const given = form === text ? undefined : placesIn(text, form.length);
  const placeOf = (place: number): number => given?.[place] ?? place;
  return Array.from({ length: count }, (_, at) => {
    const [start = 0, end = 0] = bounds.subarray(2 * at, 2 * at + 2);
    return { word: form.slice(start, end), start: placeOf(start), end: placeOf(end) };
  });
}

/** Reads the words of texts, of the same one once: a text may be asked about often. */
export function wordReader(): (text: string) => readonly PlacedWord[] {
  const known = new Map<string, readonly PlacedWord[]>();
  return (text) => {
    const words = known.get(text) ?? placedWords(text);
    known.set(text, words);
    return words;
  };
}

/**
 * What is formed by itself: a character with all that may be joined to it, which are marks, vowels and final consonants
 * of Hangul, and vowels of Kirat Rai; or one that is left out.
 */
const FORMED = /[\u00AD\uFEFF]|.[\p{M}\u1160-\u11FF\u{16D67}-\u{16D6A}]*/gsu;

/** Of each place in the form of a text, which has so many units, the last one in the text before which that stands. */
function placesIn(text: string, length: number): Int32Array {
  const places = new Int32Array(length + 1);
  let [from, to] = [0, 0];
  for (const [part] of text.matchAll(FORMED)) {
    const form = formed(part);
    const [more, least] = [part.length - form.length, Math.min(part.length, form.length)];
    let [head, tail] = [0, 0]; // units that are the same at either end
    while (head < least && form[head] === part[head]) head++;
    while (tail < least - head && form.at(-1 - tail) === part.at(-1 - tail)) tail++;
    for (let unit = 1; unit < form.length; unit++)
      places[to + unit] = from + (unit <= head ? unit : Math.max(unit, form.length - tail) + more);
    [from, to] = [from + part.length, to + form.length];
    places[to] = from;
  }
  return places;
}

/** Some words of a context that follow each other, by the places of the first and the last one. */
export interface WordSpan {
  readonly first: number;
  readonly last: number;
}

/** The words that units from `start` up to `end` touch; undefined if they touch none. */
export function wordsAt(words: readonly PlacedWord[], start: number, end: number): WordSpan | undefined {
  const first = words.findIndex((word) => word.end > start);
  const behind = words.findIndex((word) => word.start >= end);
  const last = (behind < 0 ? words.length : behind) - 1;
  return first < 0 || last < first ? undefined : { first, last };
}

/**
 * Where an answer stands in a context: the first place at which it is whole words, or else the first one; in letters of
 * any case where it is not there as it is.
 *
 * @returns its first unit of UTF-16; -1 if it is not there
 */
export function startOf(answer: string, context: string, words: readonly PlacedWord[]): number {
  const exact = startAmong(answer, context, words);
  if (exact >= 0) return exact;
  const [small, smallContext] = [answer.toLowerCase(), context.toLowerCase()];
  return smallContext.length === context.length ? startAmong(small, smallContext, words) : -1;
}

function startAmong(answer: string, context: string, words: readonly PlacedWord[]): number {
  const first = context.indexOf(answer);
  if (first < 0) return -1;
  const starts = new Set(words.map(({ start }) => start));
  const ends = new Set(words.map(({ end }) => end));
  for (let at = first; at >= 0; at = context.indexOf(answer, at + 1))
    if (starts.has(at) && ends.has(at + answer.length)) return at;
  return first;
}
