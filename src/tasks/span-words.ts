import { WordTokenizer } from '../text/words';

/** A word of a context, and where it stands. */
export interface PlacedWord {
  readonly word: string;
  /** Its first unit of UTF-16. */
  readonly start: number;
  /** Behind its last one. */
  readonly end: number;
}

const tokenizer = new WordTokenizer({ lowercase: false });

/** A text in the form that its words are taken from. */
const formed = (text: string): string => text.normalize('NFC').replaceAll(/[\u00AD\uFEFF]/g, '');

/** The words of a text, and where each stands in it as it was given. */
export function placedWords(text: string): PlacedWord[] {
  const form = formed(text);
  const { bounds, count } = tokenizer.spans(form, Number.POSITIVE_INFINITY);
  const given = form === text ? (place: number): number => place : (place: number): number => placeIn(text, place);
  const places = Array.from(bounds.subarray(0, 2 * count)); // the next call overwrites them
  return Array.from({ length: count }, (_, at) => {
    const [start = 0, end = 0] = places.slice(2 * at, 2 * at + 2);
    return { word: form.slice(start, end), start: given(start), end: given(end) };
  });
}

/** Of a text the longest beginning that is no longer than `place` once it is formed. */
function placeIn(text: string, place: number): number {
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (formed(text.slice(0, middle)).length <= place) low = middle;
    else high = middle - 1;
  }
  return low;
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
