import { mixedSeed } from '../tensor/mixed-seed';
import { augmentCharacters } from '../text/augment-characters';
import { augmentWords, type Synonyms } from '../text/augment-words';
import type { RobustnessSettings } from './robustness-options';

/** Texts that were changed in one way. */
export interface ChangedTexts {
  /** How: `swap`, `drop` and `insert` of characters, `synonyms` of words. */
  readonly change: 'swap' | 'drop' | 'insert' | 'synonyms';
  /** How strongly, the part of the characters or words. */
  readonly amount: number;
  /** The texts, in their order. */
  readonly texts: readonly string[];
}

/** Ways to change characters, and what `augmentCharacters` calls them. */
const WAYS = [
  ['swap', 'swap'],
  ['drop', 'delete'],
  ['insert', 'insert'],
] as const;

/** So many characters are changed before the event loop gets a turn. */
const PIECE = 1 << 15;

/** All changed versions of texts; what changes a text depends on the seed and its place alone. */
export async function* changedTexts(
  texts: readonly string[],
  { seed, characterRates, wordRates, synonyms }: RobustnessSettings,
): AsyncGenerator<ChangedTexts> {
  for (const [change, way] of WAYS)
    for (const amount of characterRates) {
      const noisy = (text: string, ofText: number): string => augmentCharacters(text, { seed: ofText, [way]: amount });
      yield { change, amount, texts: await inPieces(texts, seed, noisy) };
    }
  if (synonyms === undefined) return;
  for (const amount of wordRates) {
    const other = (text: string, ofText: number): string => withSynonyms(text, synonyms, amount, ofText);
    yield { change: 'synonyms', amount, texts: await inPieces(texts, seed, other) };
  }
}

/** @param change  of a text, with a seed of its own */
async function inPieces(
  texts: readonly string[],
  seed: number,
  change: (text: string, seed: number) => string,
): Promise<string[]> {
  const changed: string[] = [];
  let work = 0;
  for (const [place, text] of texts.entries()) {
    changed.push(change(text, mixedSeed(seed, place)));
    work += text.length;
    if (work < PIECE) continue;
    work = 0;
    await new Promise(setImmediate);
  }
  return changed;
}

/** A text in which words became synonyms; a capital letter at the beginning of a word stays one. */
function withSynonyms(text: string, synonyms: Synonyms, replace: number, seed: number): string {
  const parts = text.split(/([\p{L}\p{N}][\p{L}\p{M}\p{N}'’-]*)/u); // words stand at odd places
  const words = parts.filter((_, place) => place % 2 === 1);
  const known = words.map((word) => (synonyms.has(word) ? word : word.toLowerCase()));
  const replaced = augmentWords(known, { seed, synonyms, replace });
  return parts
    .map((part, place) => {
      if (place % 2 === 0) return part;
      const [before = '', after = ''] = [known[(place - 1) / 2], replaced[(place - 1) / 2]];
      if (after === before) return part;
      return /^\p{Lu}/u.test(part) ? `${after.slice(0, 1).toUpperCase()}${after.slice(1)}` : after;
    })
    .join('');
}
