import { describe, expect, it } from 'vitest';
import { greedySearch, zeros, type DecodeStep } from 'stmnet';
import { scoreTables } from '../support/score-tables';

describe('greedySearch', () => {
  it('takes the most probable token at each step, and ends each sentence where it ends', async () => {
    const tables = await scoreTables(20, { sentences: 8 });
    const sentences = [0, 1, 2, 3, 4, 5, 6, 7];
    const options = { startToken: tables.startToken, endToken: 2, maxLength: 5 };
    const found = await greedySearch(tables.step, { start: tables.start(sentences), ...options });
    const wanted = sentences.map((sentence) => {
      const tokens: number[] = [];
      let logProbability = 0;
      for (let step = 0; step < 5; step++) {
        const { next } = tables.at(sentence, tokens);
        const best = next.indexOf(Math.max(...next));
        logProbability += next[best] ?? 0;
        if (best === 2) return { tokens, logProbability, finished: true };
        tokens.push(best);
      }
      return { tokens, logProbability, finished: false };
    });
    expect(found.map(({ tokens }) => tokens)).toEqual(wanted.map(({ tokens }) => tokens));
    expect(found.map(({ finished }) => finished)).toEqual(wanted.map(({ finished }) => finished));
    for (const [sentence, { logProbability, score }] of found.entries()) {
      expect(logProbability).toBeCloseTo(wanted[sentence]?.logProbability ?? 0, 12);
      expect(score).toBe(logProbability);
    }
    expect(new Set(wanted.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(2);
  });

  it('has no end before the minimum, and repeats nothing that it must not', async () => {
    const step: DecodeStep<undefined> = (tokens) => ({
      scores: zeros([tokens.size, 3]),
      state: undefined,
    });
    const write = async (options: object): Promise<number[] | undefined> =>
      (await greedySearch(step, { maxLength: 7, endToken: 0, ...options }))[0]?.tokens;
    expect(await write({})).toEqual([]);
    expect(await write({ minLength: 2 })).toEqual([1, 1]);
    expect(await write({ minLength: 2, noRepeatNgramSize: 1 })).toEqual([1, 2]);
    expect(await write({ minLength: 5, noRepeatNgramSize: 2 })).toEqual([1, 1, 2, 1]); // nothing may follow
    expect(await write({ minLength: 3, noRepeatNgramSize: 9 })).toEqual([1, 1, 1]);
  });

  it.each<[object, string]>([
    [{ maxLength: 2, minLength: 3 }, 'greedySearch: got minLength: 3'],
    [{ maxLength: 2, beamSize: 3 }, 'an option beamSize'],
    [{ maxLength: Infinity }, 'maxLength: Infinity'],
  ])('refuses %o', async (options, message) => {
    const step: DecodeStep<undefined> = (tokens) => ({ scores: zeros([tokens.size, 3]), state: undefined });
    await expect(greedySearch(step, options as { maxLength: number })).rejects.toThrow(message);
  });
});
