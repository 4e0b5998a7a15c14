import { describe, expect, it } from 'vitest';
import { getRandomState, manualSeed, TokenSampler, tokenProbabilities, type TokenSamplerOptions } from 'stmnet';

const scores = [1, 3, 2, -1, 2.5].map(Math.fround);
const drawn = (options: TokenSamplerOptions, count = 50): number[] => {
  const sampler = new TokenSampler(options);
  return Array.from({ length: count }, () => sampler.next(scores));
};

describe('TokenSampler', () => {
  it.each<TokenSamplerOptions>([{}, { temperature: 0.7 }, { temperature: 2, topK: 3 }, { topP: 0.8 }])(
    'draws each token as often as it is probable: %o',
    (options) => {
      const count = 20_000;
      const counts = scores.map(() => 0);
      for (const token of drawn({ ...options, seed: 5 }, count)) counts[token] = (counts[token] ?? 0) + 1;
      // Pearson's statistic: with four degrees of freedom above 18.5 once in a thousand times.
      const expected = Array.from(tokenProbabilities(scores, options), (probability) => probability * count);
      const statistic = expected.reduce(
        (sum, mean, token) => sum + (mean === 0 ? 0 : ((counts[token] ?? 0) - mean) ** 2 / mean),
        0,
      );
      expect(statistic).toBeLessThan(18.5);
      expect(counts.filter((one) => one > 0)).toHaveLength(expected.filter((mean) => mean > 0).length);
    },
  );

  it('takes the most probable token at temperature 0', () => {
    expect(new Set(drawn({ temperature: 0 }))).toEqual(new Set([1]));
    expect(new Set(drawn({ topK: 1 }))).toEqual(new Set([1]));
  });

  it('draws the same with the same seed, and leaves the generator alone', () => {
    manualSeed(3);
    const before = getRandomState();
    expect(drawn({ seed: 7 })).toEqual(drawn({ seed: 7 }));
    expect(drawn({ seed: 7 })).not.toEqual(drawn({ seed: 8 }));
    expect(getRandomState()).toEqual(before);
  });

  it('follows manualSeed without a seed', () => {
    manualSeed(3);
    const [first, second] = [drawn({}), drawn({})];
    manualSeed(3);
    expect([drawn({}), drawn({})]).toEqual([first, second]);
    expect(first).not.toEqual(second);
  });

  it('refuses what it cannot draw from', () => {
    expect(() => new TokenSampler({ seed: -1 })).toThrow('seed: -1');
    expect(() => new TokenSampler({ topP: 0 })).toThrow('TokenSampler: got topP: 0');
    expect(() => new TokenSampler().next([Number.NaN])).toThrow('TokenSampler.next: got the score NaN of token 0');
  });
});
