import { flag, oneOf } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import { HostMetric, type HostNumbers } from './host-metric';
import { charactersOf, ngramCounts, refuseWeight, textPairs, wordsOf } from './tokens';

/** Options of BLEUScore. */
export interface BLEUScoreOptions {
  /**
   * How texts are cut into words: as the script mteval-v13a does (`13a`), into characters (`char`), or at white space
   * alone (`none`), for what is cut already. Default `13a`.
   */
  tokenize?: '13a' | 'char' | 'none' | undefined;
  /** Whether upper case counts as lower case. Default false. */
  lowercase?: boolean | undefined;
}

/** The longest n-gram. */
const ORDER = 4;

/** What a batch comes to. */
export interface BLEUCounts {
  /** N-grams that references have too, by size. */
  readonly found: readonly number[];
  /** N-grams there are, by size. */
  readonly there: readonly number[];
  /** Tokens of the outputs. */
  readonly outputLength: number;
  /** Tokens of the references that are closest in length. */
  readonly referenceLength: number;
}

/**
 * BLEU of a corpus (Papineni et al., 2002), in 0..100, as sacreBLEU computes it by default: n-grams of 1 to 4 words,
 * words by `13a`, precisions of 0 smoothed by halving (`exp`). It is the score of all texts together, not a mean.
 *
 * Compares texts with texts, or each with several: `update(['the cat'], [['a cat', 'the cat']])`.
 *
 * @throws {OptionError} if an option is unknown
 */
export class BLEUScore extends HostMetric<
  BLEUCounts,
  readonly string[],
  readonly string[] | readonly (readonly string[])[]
> {
  readonly name = 'bleu';
  protected override readonly takes = 'texts';
  readonly #tokensOf: (text: string) => string[];

  constructor(options: BLEUScoreOptions = {}) {
    super();
    const { tokenize = '13a', lowercase } = readOptions<BLEUScoreOptions>('BLEUScore', options, {
      tokenize: optional((op, name, value) => oneOf(op, name, value, ['13a', 'char', 'none'])),
      lowercase: withDefault(flag, false),
    });
    const cut = { '13a': words13a, char: (text: string) => wordsOf(charactersOf(text).join(' ')), none: wordsOf }[
      tokenize
    ];
    this.#tokensOf = (text) => cut(lowercase === true ? text.toLowerCase() : text);
  }

  protected override count(
    output: readonly string[],
    target: readonly string[] | readonly (readonly string[])[],
    weight?: HostNumbers,
  ): BLEUCounts {
    refuseWeight('BLEUScore.update', weight);
    const [found, there] = [new Array<number>(ORDER).fill(0), new Array<number>(ORDER).fill(0)];
    let [outputLength, referenceLength] = [0, 0];
    for (const [text, references] of textPairs('BLEUScore.update', output, target)) {
      const tokens = this.#tokensOf(text);
      const others = references.map(this.#tokensOf);
      outputLength += tokens.length;
      referenceLength += closest(
        tokens.length,
        others.map((other) => other.length),
      );
      for (let size = 1; size <= ORDER; size++) {
        there[size - 1] = (there[size - 1] ?? 0) + Math.max(tokens.length - size + 1, 0);
        found[size - 1] = (found[size - 1] ?? 0) + foundIn(tokens, others, size);
      }
    }
    return { found, there, outputLength, referenceLength };
  }

  protected override result(parts: readonly BLEUCounts[]): number {
    const total = (of: (part: BLEUCounts) => number): number => parts.reduce((sum, part) => sum + of(part), 0);
    const sizes = Array.from({ length: ORDER }, (_, at) => at);
    const found = sizes.map((at) => total((part) => part.found[at] ?? 0));
    const there = sizes.map((at) => total((part) => part.there[at] ?? 0));
    const [outputs, references] = [total((part) => part.outputLength), total((part) => part.referenceLength)];
    if (found.every((count) => count === 0) || there.includes(0)) return 0;
    let halving = 1;
    const logs = sizes.map((at) => {
      const [right = 0, all = 0] = [found[at], there[at]];
      if (right === 0) halving *= 2;
      return Math.log((100 * (right === 0 ? 1 / halving : right)) / all);
    });
    const brevity = outputs < references ? Math.exp(1 - references / outputs) : 1;
    return brevity * Math.exp(logs.reduce((sum, log) => sum + log, 0) / ORDER);
  }
}

/** The length that is closest to another, of two as close the shorter. */
const closest = (length: number, others: readonly number[]): number =>
  others.reduce((best, other) => {
    const [near, before] = [Math.abs(other - length), Math.abs(best - length)];
    return near < before || (near === before && other < best) ? other : best;
  });

/** N-grams of tokens that a reference has, each at most as often as in the one that has it most often. */
function foundIn(tokens: readonly string[], references: readonly (readonly string[])[], size: number): number {
  const most = references.map((reference) => ngramCounts(reference, size));
  let found = 0;
  for (const [ngram, count] of ngramCounts(tokens, size))
    found += Math.min(count, Math.max(...most.map((counts) => counts.get(ngram) ?? 0)));
  return found;
}

/**
 * Words as the script mteval-v13a of NIST cuts them: most ASCII punctuation stands alone, full stops and commas unless
 * they are between digits, and a dash behind a digit.
 */
function words13a(text: string): string[] {
  let line = text.trimEnd().replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  for (const [entity, character] of [
    ['&quot;', '"'],
    ['&amp;', '&'],
    ['&lt;', '<'],
    ['&gt;', '>'],
  ] as const)
    // prettier-ignore
    line = line.replaceAll(entity, character);
  line = ` ${line} `
    .replaceAll(/[{-~[-` -&(-+:-@/]/gu, ' $& ')
    .replaceAll(/([^0-9])([.,])/gu, '$1 $2 ')
    .replaceAll(/([.,])([^0-9])/gu, ' $1 $2')
    .replaceAll(/([0-9])(-)/gu, '$1 $2 ');
  return wordsOf(line);
}
