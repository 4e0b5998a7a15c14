import { describe, expect, it } from 'vitest';
import { tokenProbabilities, type SamplingOptions } from 'stmnet';

const shares = [0.1, 0.4, 0.2, 0.3];
/** Scores whose softmax are the shares. */
const scores = shares.map((share) => Math.log(share) + 5);
const rounded = (options: SamplingOptions, given: ArrayLike<number> = scores): number[] =>
  Array.from(tokenProbabilities(given, options), (probability) => Number(probability.toFixed(12)));
const sevenths = (...parts: number[]): number[] => parts.map((part) => Number((part / 7).toFixed(12)));
const ninths = (...parts: number[]): number[] => parts.map((part) => Number((part / 9).toFixed(12)));

describe('tokenProbabilities', () => {
  it.each<[string, SamplingOptions, number[]]>([
    ['softmax', {}, shares],
    ['the square root of the odds', { temperature: 2 }, shares.map((share) => Math.sqrt(share))],
    ['the square of the odds', { temperature: 0.5 }, shares.map((share) => share ** 2)],
    ['one', { temperature: 0 }, [0, 1, 0, 0]],
    ['one, however little heat there is', { temperature: 5e-324 }, [0, 1, 0, 0]],
    ['the same of any', { temperature: 1e300 }, [1, 1, 1, 1]],
  ])('gives %s: %o', (_, options, odds) => {
    const total = odds.reduce((sum, one) => sum + one);
    expect(rounded(options)).toEqual(odds.map((one) => Number((one / total).toFixed(12))));
  });

  it.each<[SamplingOptions, number[]]>([
    [{ topK: 1 }, [0, 1, 0, 0]],
    [{ topK: 2 }, sevenths(0, 4, 0, 3)],
    [{ topK: 3 }, ninths(0, 4, 2, 3)],
    [{ topK: 4 }, shares],
    [{ topK: 400 }, shares],
    [{ topP: 0.01 }, [0, 1, 0, 0]],
    [{ topP: 0.39 }, [0, 1, 0, 0]],
    [{ topP: 0.41 }, sevenths(0, 4, 0, 3)],
    [{ topP: 0.69 }, sevenths(0, 4, 0, 3)],
    [{ topP: 0.71 }, ninths(0, 4, 2, 3)],
    [{ topP: 0.91 }, shares],
    [{ topP: 1 }, shares],
    // Of the two that are left by topK the first has 4/7 = 0.57.
    [{ topK: 2, topP: 0.56 }, [0, 1, 0, 0]],
    [{ topK: 2, topP: 0.58 }, sevenths(0, 4, 0, 3)],
    // Squared, the first has 16/30 = 0.53.
    [{ temperature: 0.5, topP: 0.53 }, [0, 1, 0, 0]],
  ])('leaves out what %o leaves out', (options, probabilities) => {
    expect(rounded(options)).toEqual(probabilities);
  });

  it('prefers the first of equals, and never what has a score of -Infinity', () => {
    expect(rounded({ topK: 2 }, [1, 3, 1, 1])).toEqual(rounded({}, [1, 3, -Infinity, -Infinity]));
    expect(rounded({ temperature: 0 }, [2, 2, 1])).toEqual([1, 0, 0]);
    expect(rounded({ topP: 0.5 }, Float32Array.of(0, 0, 0, 0))).toEqual([0.5, 0.5, 0, 0]);
    expect(rounded({ topK: 3 }, [-Infinity, 0, -Infinity])).toEqual([0, 1, 0]);
    expect(rounded({}, [-1e30, 1e30])).toEqual([0, 1]);
  });

  it.each<[object, string]>([
    [{ temperature: Number.NaN }, 'temperature: NaN'],
    [{ temperature: -1 }, 'temperature: -1'],
    [{ topP: 0 }, 'pass temperature: 0'],
    [{ topP: 1.1 }, 'topP: 1.1'],
    [{ topP: Number.NaN }, 'topP: NaN'],
    [{ topK: 0 }, 'topK: 0'],
    [{ topK: 2.5 }, 'topK: 2.5'],
    [{ topk: 2 }, 'topk'],
  ])('refuses %o', (options, message) => {
    expect(() => tokenProbabilities(scores, options)).toThrow(message);
  });

  it.each<[unknown, string]>([
    [[], 'no score'],
    [[1, Number.NaN], 'the score NaN of token 1'],
    [[Number.POSITIVE_INFINITY, 0], 'the score Infinity of token 0'],
    [[-Infinity, -Infinity], 'all -Infinity'],
    [['1'], 'the score "1" of token 0'],
  ])('refuses the scores %o', (given, message) => {
    expect(() => tokenProbabilities(given as number[])).toThrow(message);
  });
});
