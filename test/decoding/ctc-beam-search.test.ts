import { describe, expect, it } from 'vitest';
import { ctcBeamSearch, ctcGreedyDecode, ctcLoss, logSoftmax, PaddedSequence, tensor, zeros } from 'stmnet';
import type { CTCBeamSearchOptions, CTCHypothesis, Tensor } from 'stmnet';
import { SeededRandom } from '../../src/tensor/seeded-random';
import { turnsDuring } from '../support/event-loop';
import { handlesKept } from '../support/handles';

function randomScores(seed: number, shape: readonly [number, number, number], spread = 2): Tensor {
  const random = new SeededRandom(seed);
  const size = shape[0] * shape[1] * shape[2];
  return tensor({ data: Float64Array.from({ length: size }, () => spread * random.normal()), shape });
}

const collapse = (alignment: readonly number[], blank: number): number[] =>
  alignment.filter((label, step) => label !== blank && label !== alignment[step - 1]);

/** The labels of all alignments, best first. */
async function everything(
  scores: Tensor,
  { blank = 0, languageModel, alpha = 1, beta = 0 }: CTCBeamSearchOptions = {},
): Promise<CTCHypothesis[]> {
  const [steps = 0, classes = 0] = scores.shape;
  const next = (await logSoftmax(scores, -1).array()) as number[][];
  const sums = new Map<string, number>();
  for (let index = 0; index < classes ** steps; index++) {
    const alignment = Array.from({ length: steps }, (_, step) => Math.floor(index / classes ** step) % classes);
    const total = alignment.reduce((sum, label, step) => sum + (next[step]?.[label] ?? 0), 0);
    const key = JSON.stringify(collapse(alignment, blank));
    sums.set(key, (sums.get(key) ?? 0) + Math.exp(total));
  }
  const found = Array.from(sums, ([key, sum]) => {
    const tokens: number[] = JSON.parse(key);
    const told = tokens.map((token, place) => alpha * (languageModel?.(tokens.slice(0, place), token) ?? 0) + beta);
    const logProbability = Math.log(sum);
    return { tokens, score: told.reduce((total, one) => total + one, logProbability), logProbability };
  });
  return found.sort((a, b) => b.score - a.score);
}

const rounded = (list: readonly CTCHypothesis[]): CTCHypothesis[] =>
  list.map(({ tokens, score, logProbability }) => ({
    tokens,
    score: Number(score.toFixed(9)),
    logProbability: Number(logProbability.toFixed(9)),
  }));

/** A language model that looks at the last label. */
const bigram = (prefix: readonly number[], token: number): number =>
  Math.log([0.1, 0.6, 0.05, 0.25][((prefix.at(-1) ?? 0) + 2 * token) % 4] ?? 1);

describe('ctcBeamSearch', () => {
  it.each<[string, CTCBeamSearchOptions]>([
    ['as it is', {}],
    ['with another blank', { blank: 2 }],
    ['with a bonus for length', { beta: 0.9 }],
    ['with a penalty for length', { beta: -2 }],
    ['with a language model', { languageModel: bigram }],
    ['with a language model and weights', { languageModel: bigram, alpha: 0.3, beta: 0.4, blank: 1 }],
    ['with a language model that weighs nothing', { languageModel: bigram, alpha: 0 }],
  ])('adds up all alignments, %s', async (_, options) => {
    for (const [seed, shape] of [
      [1, [1, 5, 4]],
      [2, [1, 6, 3]],
      [3, [1, 1, 3]],
      [4, [1, 7, 3]],
    ] as const) {
      const scores = randomScores(seed, shape);
      const all = await everything(scores.squeeze(0), options);
      const [found = []] = await ctcBeamSearch(scores, { ...options, beamSize: 5000, nBest: 50 });
      expect(rounded(found)).toEqual(rounded(all).slice(0, found.length));
      expect(found).toHaveLength(Math.min(50, all.length));
      const [[best] = []] = await ctcBeamSearch(scores, { ...options, beamSize: 12 });
      expect(best?.tokens).toEqual(all[0]?.tokens);
    }
  });

  it('agrees with ctcLoss', async () => {
    const scores = randomScores(5, [1, 9, 4]);
    const [[best] = []] = await ctcBeamSearch(scores, { beamSize: 5000 });
    const input = new PaddedSequence(logSoftmax(scores, -1), [9]);
    const target = tensor([best?.tokens ?? []], { dtype: 'i32' });
    expect(best?.logProbability).toBeCloseTo(-(await ctcLoss(input, target, { reduction: 'sum' }).item()), 9);
  });

  it('finds labels that are not on the most probable alignment', async () => {
    const scores = tensor([[[0.4, 0.6], [0.4, 0.6]].map((row) => row.map(Math.log))]); // prettier-ignore
    expect(await ctcGreedyDecode(scores, { blank: 0 })).toEqual([[1]]);
    const other = tensor([[[0.6, 0.4], [0.6, 0.4]].map((row) => row.map(Math.log))]); // prettier-ignore
    expect(await ctcGreedyDecode(other)).toEqual([[]]); // 0.36
    expect((await ctcBeamSearch(other))[0]?.[0]?.tokens).toEqual([1]); // 0.64
  });

  it('takes the real steps of each row, and none', async () => {
    const scores = randomScores(6, [4, 5, 3]);
    const lengths = [3, 0, 5, 1];
    const found = await ctcBeamSearch(new PaddedSequence(scores, lengths), { nBest: 3 });
    for (const [row, length] of lengths.entries()) {
      const alone = scores.slice([row, 0], [row + 1, length]);
      expect(found[row]).toEqual((await ctcBeamSearch(alone, { nBest: 3 }))[0]);
    }
    expect(found[1]).toEqual([{ tokens: [], score: 0, logProbability: 0 }]);
    expect(await ctcBeamSearch(zeros([0, 4, 3]))).toEqual([]);
    expect(await ctcBeamSearch(zeros([2, 0, 3]), { nBest: 2 })).toEqual([found[1], found[1]]);
  });

  it('looks at the most probable labels of a step alone, if it is told to', async () => {
    const scores = randomScores(7, [3, 6, 5], 4);
    const exact = await ctcBeamSearch(scores, { nBest: 5, beamSize: 5000 });
    expect(await ctcBeamSearch(scores, { nBest: 5, beamSize: 5000, topTokens: 4 })).toEqual(exact);
    const cut = await ctcBeamSearch(scores, { topTokens: 2, beamSize: 5000 });
    expect(cut.map(([best]) => best?.tokens)).toEqual(exact.map(([best]) => best?.tokens));
    for (const [row, [best]] of cut.entries())
      expect(best?.logProbability).toBeLessThanOrEqual(exact[row]?.[0]?.logProbability ?? 0);
    const one = tensor([[[0, 1, 2], [0, 3, 2]]]); // prettier-ignore
    const labels = (await ctcBeamSearch(one, { topTokens: 1, nBest: 9 }))[0]?.map(({ tokens }) => tokens.join(''));
    expect(labels?.sort()).toEqual(['', '1', '2', '21']);
  });

  it('asks the language model once for each prefix and label that comes up', async () => {
    const asked: string[] = [];
    const languageModel = (prefix: readonly number[], token: number): number => {
      asked.push([...prefix, token].join());
      return token === 2 ? -Infinity : -1;
    };
    const [found = []] = await ctcBeamSearch(randomScores(8, [1, 5, 4]), { languageModel, beamSize: 500, nBest: 400 });
    expect(new Set(asked).size).toBe(asked.length);
    expect(found.every(({ tokens }) => !tokens.includes(2))).toBe(true);
    expect(found.length).toBeGreaterThan(20);
    for (const { tokens, score, logProbability } of found) expect(score).toBeCloseTo(logProbability - tokens.length, 9);
  });

  it('leaves the event loop free, and no tensors', async () => {
    const scores = randomScores(9, [1, 1500, 30], 1);
    await ctcBeamSearch(scores.slice([0, 0], [1, 5]));
    const before = handlesKept();
    // 1500 steps of 50 prefixes and 30 classes each, of which 20 000 extensions come between two turns.
    expect(await turnsDuring(() => ctcBeamSearch(scores))).toBeGreaterThan(50);
    expect(handlesKept()).toBe(before);
  });

  it.each<[CTCBeamSearchOptions, string]>([
    [{ blank: 3 }, 'ctcBeamSearch: got blank: 3 with scores f64[1, 2, 3] on cpu, expected a class in 0..2'],
    [{ blank: -1 }, 'blank: -1'],
    [{ beamSize: 0 }, 'beamSize: 0'],
    [{ beamSize: 2, nBest: 3 }, 'nBest: 3 with beamSize: 2'],
    [{ topTokens: 0 }, 'topTokens: 0'],
    [{ alpha: 2 }, 'alpha: 2 without languageModel'],
    [{ alpha: -1, languageModel: bigram }, 'alpha: -1'],
    [{ beta: Infinity }, 'beta: Infinity'],
    [{ languageModel: 'x' as never }, 'languageModel: "x"'],
    [{ languageModel: () => 0.7 }, 'got 0.7 from languageModel'],
    [{ languageModel: () => Number.NaN }, 'got NaN from languageModel for token 1 behind []'],
    [{ languageModel: async () => 1 } as never, 'got a Promise from languageModel'],
    [{ beamsize: 3 } as object, 'beamSize'],
  ])('refuses %o', async (options, message) => {
    await expect(ctcBeamSearch(randomScores(1, [1, 2, 3]), options)).rejects.toThrow(message);
  });

  const spoilt = tensor([[[0, 1], [0, 0]], [[Infinity, 0], [Number.NaN, 0]]]); // prettier-ignore
  it.each<[Tensor | PaddedSequence, string]>([
    [zeros([2, 3]), 'got scores f32[2, 3] on cpu, expected [N, T, C]'],
    [zeros([1, 2, 0]), 'scores f32[1, 2, 0]'],
    [zeros([1, 2, 2], { dtype: 'i32' }), 'expected f32 or f64'],
    [tensor([[[0, 1], [0, Number.NaN]]]), 'got NaN among the scores of step 1 of row 0'], // prettier-ignore
    [tensor([[[0, 1]], [[-Infinity, -Infinity]]]), 'got -Infinity as all of the scores of step 0 of row 1, expected'],
    [tensor([[[0, 1], [-Infinity, Infinity]]]), 'got Infinity among the scores of step 1 of row 0'], // prettier-ignore
    [new PaddedSequence(spoilt, [2, 1]), 'got Infinity among the scores of step 0 of row 1'],
  ])('refuses %s', async (scores, message) => {
    await expect(ctcBeamSearch(scores)).rejects.toThrow(message);
  });
});
