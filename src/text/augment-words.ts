import { checkPath } from '../files/check-path';
import { lineError, readLines, type LineOptions } from '../files/lines';
import { OptionError } from '../tensor/errors';
import { describe, nonNegativeInteger, probability } from '../tensor/options';
import { optional, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { SeededRandom } from '../tensor/seeded-random';
import { tokenText } from './vocabulary';

/** Words by the words that mean the same. */
export type Synonyms = ReadonlyMap<string, readonly string[]>;

/** Options of `augmentWords`. What is left out does not happen. */
export interface AugmentWordsOptions {
  /** The same seed changes the same words in the same way. */
  seed: number;
  /** Words that mean the same, as `readSynonyms` reads them; `replace` and `insert` draw from them. */
  synonyms?: Synonyms | undefined;
  /** Part of the words that are replaced by a synonym, in [0, 1). */
  replace?: number;
  /** So many synonyms, as a part of the number of words, are inserted at random places, in [0, 1). */
  insert?: number;
  /** So often, as a part of the number of words, two words change places, in [0, 1). */
  swap?: number;
  /** Probability of each word to be deleted, in [0, 1). One word stays in any case. */
  delete?: number;
  /** Probability of each word to be replaced by `unknown`, in [0, 1): word dropout. */
  drop?: number;
  /** What stands for a dropped word. Default `<unk>`. */
  unknown?: string;
}

const part = withDefault(probability, 0);

/**
 * Another version of a text for training: EDA, easy data augmentation, and word dropout. Its steps come in the order
 * of the options; a part of the words is rounded to the nearest number of them, and up for one word at least.
 *
 *     augmentWords(['call', 'me', 'now'], { seed: 7, swap: 0.1, delete: 0.1 })
 *
 * @param tokens  words; they stay as they are
 * @throws {OptionError} if a part is not in [0, 1), or synonyms are asked for and not given
 * @see Wei and Zou, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification, 2019; Iyyer
 *   et al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification, 2015, for word dropout
 */
export function augmentWords(tokens: readonly string[], options: AugmentWordsOptions): string[] {
  const settings = readOptions<AugmentWordsOptions>('augmentWords', options, {
    seed: nonNegativeInteger,
    synonyms: optional(synonymMap),
    replace: part,
    insert: part,
    swap: part,
    delete: part,
    drop: part,
    unknown: withDefault(tokenText, '<unk>'),
  });
  const { synonyms, replace, insert, swap, drop, unknown } = settings;
  if (!Array.isArray(tokens)) throw noTokens(tokens);
  if (synonyms === undefined && replace + insert > 0) throw noSynonyms(settings);
  const random = new SeededRandom(settings.seed);
  const words: string[] = [...tokens];
  const times = (fraction: number): number => (fraction === 0 ? 0 : Math.max(1, Math.round(fraction * tokens.length)));
  replaceWords(words, times(replace), synonyms, random);
  insertWords(words, times(insert), synonyms, random);
  for (let i = 0; i < times(swap) && words.length > 1; i++) swapWords(words, random);
  const kept = deleteWords(words, settings.delete, random);
  return drop === 0 ? kept : kept.map((word) => (random.uniform() < drop ? unknown : word));
}

/**
 * Reads words that mean the same: in each line of a text file those of one meaning, with commas or tabs between them.
 * What follows `#` at the beginning of a line is a comment.
 *
 *     movie, film, picture
 *
 * @param path     the file, packed by gzip or not
 * @param options  how its lines are read
 * @throws {FormatError} if a line has fewer than two words, naming file and line, or the file has none
 * @throws {FileError} if the file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readSynonyms(path: string, options: LineOptions = {}): Promise<Map<string, string[]>> {
  checkPath('readSynonyms', path, 'readSynonyms(path)');
  const source = { op: 'readSynonyms', path };
  const found = new Map<string, Set<string>>();
  for await (const { text, line } of readLines(source, options)) {
    if (text.trim() === '' || text.startsWith('#')) continue;
    const words = text.split(/[,\t]/).map((word) => word.trim());
    if (words.length < 2 || words.includes('')) {
      const given = describe(text.slice(0, 60));
      const fix = 'write such as: movie, film, picture';
      throw lineError(source, line, { given, expected: 'two or more words, with commas or tabs between them', fix });
    }
    for (const word of words) {
      const others = found.get(word) ?? new Set();
      words.forEach((other) => other !== word && others.add(other));
      found.set(word, others);
    }
  }
  if (found.size > 0) return new Map([...found].map(([word, others]) => [word, [...others]]));
  throw lineError(source, 1, { given: 'no words', expected: 'words that mean the same', fix: 'check the path' });
}

/** Replaces so many of the words that have synonyms, each once. */
function replaceWords(words: string[], times: number, synonyms: Synonyms | undefined, random: SeededRandom): void {
  if (synonyms === undefined || times === 0) return;
  const places = words.flatMap((word, place) => ((synonyms.get(word)?.length ?? 0) > 0 ? [place] : []));
  for (let i = 0; i < times && places.length > 0; i++) {
    const [place = 0] = places.splice(random.below(places.length), 1);
    words[place] = synonymOf(words[place], synonyms, random) ?? '';
  }
}

function insertWords(words: string[], times: number, synonyms: Synonyms | undefined, random: SeededRandom): void {
  if (synonyms === undefined || times === 0) return;
  const known = words.filter((word) => (synonyms.get(word)?.length ?? 0) > 0);
  for (let i = 0; i < times && known.length > 0; i++) {
    const word = synonymOf(known[random.below(known.length)], synonyms, random) ?? '';
    words.splice(random.below(words.length + 1), 0, word);
  }
}

function synonymOf(word: string | undefined, synonyms: Synonyms, random: SeededRandom): string | undefined {
  const others = synonyms.get(word ?? '') ?? [];
  return others[random.below(others.length)];
}

function swapWords(words: string[], random: SeededRandom): void {
  const a = random.below(words.length);
  const b = (a + 1 + random.below(words.length - 1)) % words.length;
  [words[a], words[b]] = [words[b] ?? '', words[a] ?? ''];
}

function deleteWords(words: string[], chance: number, random: SeededRandom): string[] {
  if (chance === 0 || words.length === 0) return words;
  const kept = words.filter(() => random.uniform() >= chance);
  return kept.length > 0 ? kept : [words[random.below(words.length)] ?? ''];
}

/** Reads an option that has synonyms. */
export const synonymMap: OptionReader<Synonyms> = (op, name, value) => {
  if (value instanceof Map) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a Map of words to arrays of words',
    fix: 'read it: await readSynonyms(path)',
  });
};

const noTokens = (given: unknown): OptionError =>
  new OptionError('augmentWords', {
    given: `${describe(given)} as tokens`,
    expected: 'an array of words',
    fix: 'divide the text first: tokenizer.tokenize(text)',
  });

const noSynonyms = ({ replace, insert }: { replace: number; insert: number }): OptionError =>
  new OptionError('augmentWords', {
    given: `replace: ${replace} and insert: ${insert} without synonyms`,
    expected: 'words to draw from',
    fix: 'pass synonyms: await readSynonyms(path), or leave replace and insert out',
  });
