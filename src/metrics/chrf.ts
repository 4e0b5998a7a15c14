import { flag, nonNegativeInteger } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { HostMetric, type HostNumbers } from './host-metric';
import { charactersOf, ngramCounts, refuseWeight, textPairs, wordsOf } from './tokens';

/** Options of CHRFScore. */
export interface CHRFScoreOptions {
  /** The longest n-gram of words; 2 is chrF++. Default 0: characters alone. */
  wordOrder?: number | undefined;
  /** Whether upper case counts as lower case. Default false. */
  lowercase?: boolean | undefined;
}

/** The longest n-gram of characters. */
const CHARACTERS = 6;
/** How many times as much recall counts as precision. */
const BETA = 2;

/** N-grams of an output, of a reference, and of both, of one size. */
type Matches = readonly [output: number, reference: number, both: number];

/**
 * chrF of a corpus (Popović, 2015), in 0..100, as sacreBLEU computes it by default: the F-score with β = 2 of n-grams
 * of 1 to 6 characters, white space left out; with `wordOrder: 2` chrF++. It needs no words, and suits languages
 * without them. It is the score of all texts together, not a mean.
 *
 * Compares texts with texts, or each with several, of which the best counts.
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export class CHRFScore extends HostMetric<
  readonly (readonly [output: number, reference: number, both: number])[],
  readonly string[],
  readonly string[] | readonly (readonly string[])[]
> {
  readonly name = 'chrf';
  protected override readonly takes = 'texts';
  readonly #gramsOf: (text: string) => Map<string, number>[];

  constructor(options: CHRFScoreOptions = {}) {
    super();
    const { wordOrder = 0, lowercase } = readOptions<CHRFScoreOptions>('CHRFScore', options, {
      wordOrder: withDefault(nonNegativeInteger, 0),
      lowercase: withDefault(flag, false),
    });
    this.#gramsOf = (text) => gramsOf(lowercase === true ? text.toLowerCase() : text, wordOrder);
  }

  /** @internal */
  protected override count(
    output: readonly string[],
    target: readonly string[] | readonly (readonly string[])[],
    weight?: HostNumbers,
  ): readonly Matches[] {
    refuseWeight('CHRFScore.update', weight);
    let all: readonly Matches[] = [];
    for (const [text, references] of textPairs('CHRFScore.update', output, target)) {
      const grams = this.#gramsOf(text);
      const [first = [], ...others] = references.map((reference) => matchesOf(grams, this.#gramsOf(reference)));
      all = summed(
        all,
        others.reduce((best, one) => (scoreOf(one) > scoreOf(best) ? one : best), first),
      );
    }
    return all;
  }

  /** @internal */
  protected override result(parts: readonly (readonly Matches[])[]): number {
    return scoreOf(parts.reduce(summed, []));
  }
}

/** N-grams of characters, then of words, by size. */
function gramsOf(text: string, wordOrder: number): Map<string, number>[] {
  const words = wordsOf(text);
  const characters = charactersOf(words.join(''));
  const parted = words.flatMap(withoutPunctuation);
  return [
    ...Array.from({ length: CHARACTERS }, (_, at) => ngramCounts(characters, at + 1)),
    ...Array.from({ length: wordOrder }, (_, at) => ngramCounts(parted, at + 1)),
  ];
}

const PUNCTUATION = /[!-/:-@[-`{-~]/u;

/** A word and the one character of punctuation behind it, or else before it. */
function withoutPunctuation(word: string): string[] {
  const characters = charactersOf(word);
  if (characters.length === 1) return [word];
  if (PUNCTUATION.test(characters.at(-1) ?? '')) return [characters.slice(0, -1).join(''), characters.at(-1) ?? ''];
  if (PUNCTUATION.test(characters[0] ?? '')) return [characters[0] ?? '', characters.slice(1).join('')];
  return [word];
}

const matchesOf = (output: readonly Map<string, number>[], reference: readonly Map<string, number>[]): Matches[] =>
  output.map((grams, at) => {
    const others = reference[at] ?? new Map<string, number>();
    const total = (counts: Map<string, number>): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
    let both = 0;
    for (const [gram, count] of grams) both += Math.min(count, others.get(gram) ?? 0);
    // Where the reference has no n-gram of a size, those of the output say nothing.
    return [others.size === 0 ? 0 : total(grams), total(others), both];
  });

const summed = (a: readonly Matches[], b: readonly Matches[]): readonly Matches[] =>
  a.length === 0 ? b : a.map(([x, y, z], at) => [x + (b[at]?.[0] ?? 0), y + (b[at]?.[1] ?? 0), z + (b[at]?.[2] ?? 0)]);

/** The F-score of the mean precision and the mean recall, over the sizes of which both have n-grams. */
function scoreOf(matches: readonly Matches[]): number {
  const sizes = matches.filter(([output, reference]) => output > 0 && reference > 0);
  if (sizes.length === 0) return 0;
  const mean = (of: (matches: Matches) => number): number =>
    sizes.reduce((sum, size) => sum + of(size), 0) / sizes.length;
  const precision = mean(([output, , both]) => both / output);
  const recall = mean(([, reference, both]) => both / reference);
  if (precision + recall === 0) return 0;
  return (100 * (1 + BETA ** 2) * precision * recall) / (BETA ** 2 * precision + recall);
}
