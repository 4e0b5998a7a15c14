import { OptionError } from '../tensor/errors';
import { describe, isNumberList, nonNegativeNumber, positiveInteger } from '../tensor/options';
import { optional, readOptions, type OptionReader, type Readers } from '../tensor/read-options';

/** From which tokens the next one is drawn, and how boldly. */
export interface SamplingOptions {
  /**
   * What scores are divided by, at least 0: below 1 the probable becomes more probable, above 1 less; 0 is greedy
   * decoding, which takes the most probable token. Default 1.
   */
  temperature?: number;
  /** Only so many tokens, the most probable ones. Default: all. */
  topK?: number | undefined;
  /**
   * Only the fewest tokens, the most probable ones, that have at least this probability together, in (0, 1]: the
   * nucleus (Holtzman et al., 2020). Default 1: all.
   */
  topP?: number;
}

/** Readers of these options. @internal */
export const samplingReaders: Readers<SamplingOptions> = {
  temperature: (op, name, value) => nonNegativeNumber(op, name, value ?? 1),
  topK: optional(positiveInteger),
  topP: (op, name, value) => nucleus(op, name, value ?? 1),
};

const nucleus: OptionReader<number> = (op, name, value) => {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `a probability in (0, 1] for ${name}`,
    fix: value === 0 ? 'for the most probable token alone pass temperature: 0' : `pass such as ${name}: 0.95`,
  });
};

/**
 * How probable it is that each token comes next: softmax of scores / temperature, then `topK` and of what is left
 * `topP`. Tokens that are left out have probability 0; of equal scores at the limit those of lower index stay.
 *
 * @param scores  of the V tokens, before softmax: an array of numbers, -Infinity for what must not come
 * @returns V numbers that add up to 1
 * @throws {OptionError} if they are no array, there is no score, one is NaN or Infinity or all are -Infinity, or an
 *   option is unknown or out of range
 */
export function tokenProbabilities(scores: ArrayLike<number>, options: SamplingOptions = {}): Float64Array {
  return probabilitiesOf('tokenProbabilities', scores, readOptions('tokenProbabilities', options, samplingReaders));
}

/** The same with options that were looked at. @internal */
export function probabilitiesOf(
  op: string,
  scores: ArrayLike<number>,
  { temperature, topK, topP }: Required<SamplingOptions>,
): Float64Array {
  const top = highest(op, scores);
  const greedy = temperature === 0;
  const chances = Float64Array.from(scores, (score) =>
    greedy ? Number(score === top) : Math.exp((score - top) / temperature),
  );
  keepHighest(chances, greedy ? 1 : (topK ?? chances.length));
  if (topP < 1) keepHighest(chances, nucleusSize(chances, topP));
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  return chances.map((chance) => chance / total);
}

/** The highest of scores, each of which is looked at. */
function highest(op: string, scores: ArrayLike<number>): number {
  if (!isNumberList(scores)) throw notList(op, scores);
  let top = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < scores.length; token++) {
    const score: unknown = scores[token];
    if (typeof score !== 'number' || !(score < Number.POSITIVE_INFINITY)) throw noScores(op, score, token);
    top = Math.max(top, score);
  }
  if (top > Number.NEGATIVE_INFINITY) return top;
  throw new OptionError(op, {
    given: scores.length === 0 ? 'no score' : 'scores that are all -Infinity',
    expected: 'a finite score at least',
    fix: 'pass the scores of all tokens, [V], before softmax',
  });
}

const notList = (op: string, scores: unknown): OptionError =>
  new OptionError(op, {
    given: describe(scores),
    expected: 'an array of numbers, the scores of V tokens',
    fix: 'of a tensor pass what it holds: await scores.data()',
  });

const noScores = (op: string, score: unknown, token: number): OptionError =>
  new OptionError(op, {
    given: `the score ${describe(score)} of token ${token}`,
    expected: 'numbers, finite or -Infinity',
    fix: 'read them first: await scores.data(); where they are NaN look at how the model was trained',
  });

/** Makes 0 of all but the highest; of equal ones at the limit those that come first stay. */
function keepHighest(chances: Float64Array, count: number): void {
  if (count >= chances.length) return;
  const sorted = chances.slice().sort();
  const least = sorted[chances.length - count] ?? 0;
  let equals = count - sorted.reduce((above, chance) => above + Number(chance > least), 0);
  for (const [token, chance] of chances.entries())
    if (chance < least || (chance === least && equals-- <= 0)) chances[token] = 0;
}

/** How many of the highest have this part of the sum. */
function nucleusSize(chances: Float64Array, part: number): number {
  const sorted = chances.slice().sort().reverse();
  const wanted = part * sorted.reduce((sum, chance) => sum + chance, 0);
  let [size, sum] = [0, 0];
  while (size < sorted.length && sum < wanted) sum += sorted[size++] ?? 0;
  return size;
}
