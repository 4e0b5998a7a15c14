// Steps for searches whose scores depend on all that came before, and the same searched without a beam.
import { indexSelect, logSoftmax, tensor, type DecodeStep, type Tensor } from 'stmnet';
import { SeededRandom } from '../../src/tensor/seeded-random';

/** Where each sentence is: a node of a tree with V branches, and the sentence. */
export interface TreeState {
  node: Tensor;
  sentence: Tensor;
}

/** What `scoreTables` makes. */
export interface Tables {
  step: DecodeStep<TreeState>;
  /** The state of some sentences before their first token, which is `startToken`. */
  start: (sentences: readonly number[]) => TreeState;
  startToken: number;
  /** log-probabilities of what comes next after some tokens, and attention. */
  at: (sentence: number, tokens: readonly number[]) => { next: Float64Array; attention: Float64Array };
}

/**
 * Random scores for all sequences of `vocabulary` tokens of up to `length`, for each sentence.
 *
 * @param options.gaps  part of the scores that are -Infinity; those of token 1 are not
 */
export async function scoreTables(
  seed: number,
  { sentences = 1, vocabulary = 4, length = 5, source = 3, gaps = 0, dtype = 'f64' as 'f32' | 'f64' } = {},
): Promise<Tables> {
  const random = new SeededRandom(seed);
  const nodes = Array.from({ length: length + 1 }, (_, depth) => vocabulary ** depth).reduce((sum, one) => sum + one);
  const rows = sentences * nodes;
  const numbers = (width: number, make: (place: number) => number): Tensor =>
    tensor(
      { data: Float64Array.from({ length: rows * width }, (_, place) => make(place)), shape: [rows, width] },
      { dtype },
    );
  const scores = numbers(vocabulary, (place) => {
    const score = 2 * random.normal();
    return gaps > 0 && place % vocabulary !== 1 && random.uniform() < gaps ? Number.NEGATIVE_INFINITY : score;
  });
  const looks = numbers(source, () => 2 * random.normal()).softmax(1);
  const [data, lookData] = [await logSoftmax(scores, 1).data(), await looks.data()];
  const child = (node: number, token: number): number => vocabulary * node + 1 + token;
  return {
    startToken: vocabulary - 1, // from node -1 to node 0
    start: (which) => ({
      node: tensor(Int32Array.from(which, () => -1)),
      sentence: tensor(Int32Array.from(which)),
    }),
    step: (tokens, { node, sentence }) => {
      const reached = node.mul(vocabulary).add(1).add(tokens);
      const row = sentence.mul(nodes).add(reached);
      return {
        scores: indexSelect(scores, 0, row),
        state: { node: reached, sentence },
        attention: indexSelect(looks, 0, row),
      };
    },
    at: (sentence, tokens) => {
      const row = sentence * nodes + tokens.reduce(child, 0);
      return {
        next: Float64Array.from(data.subarray(row * vocabulary, (row + 1) * vocabulary)),
        attention: Float64Array.from(lookData.subarray(row * source, (row + 1) * source)),
      };
    },
  };
}

/** What a search returns of a sequence, as far as it is compared. */
export interface Found {
  tokens: number[];
  score: number;
  logProbability: number;
  finished: boolean;
}

/** What a search without a beam is told. */
export interface Rules {
  endToken?: number;
  minLength?: number;
  maxLength: number;
  lengthPenalty?: number;
  coveragePenalty?: number;
  noRepeatNgramSize?: number;
}

const repeats = (tokens: readonly number[], size: number): boolean => {
  const grams = tokens.slice(size - 1).map((_, from) => tokens.slice(from, from + size).join());
  return new Set(grams).size < grams.length;
};

/** All hypotheses that the rules allow, best first. */
export function everything({ at }: Tables, sentence: number, rules: Rules): Found[] {
  const { endToken, minLength = 0, maxLength, lengthPenalty = 0, coveragePenalty = 0, noRepeatNgramSize } = rules;
  const found: Found[] = [];
  const end = (tokens: number[], steps: number, logProbability: number, looks: Float64Array[], finished: boolean) => {
    const sums = looks.reduce((sum, one) => sum.map((x, i) => x + (one[i] ?? 0)));
    const coverage = sums.reduce((sum, x) => sum + Math.log(Math.min(x, 1)), 0);
    const score = logProbability / ((5 + steps) / 6) ** lengthPenalty + coveragePenalty * coverage;
    found.push({ tokens, score, logProbability, finished });
  };
  const walk = (tokens: number[], logProbability: number, before: Float64Array[]): void => {
    const { next, attention } = at(sentence, tokens);
    const looks = [...before, attention];
    for (const [token, own] of next.entries()) {
      const total = logProbability + own;
      const grown = [...tokens, token];
      if (token === endToken) {
        if (tokens.length >= minLength) end(tokens, looks.length, total, looks, true);
      } else if (noRepeatNgramSize !== undefined && repeats(grown, noRepeatNgramSize)) continue;
      else if (looks.length === maxLength) end(grown, looks.length, total, looks, false);
      else walk(grown, total, looks);
    }
  };
  walk([], 0, []);
  return found.sort((a, b) => b.score - a.score);
}

/** Numbers that can be compared: of sums in another order. */
export const roundedHypotheses = (list: readonly Found[], digits = 9): Found[] =>
  list.map(({ tokens, score, logProbability, finished }) => ({
    tokens,
    score: Number(score.toFixed(digits)),
    logProbability: Number(logProbability.toFixed(digits)),
    finished,
  }));
