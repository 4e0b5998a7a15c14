import { describe, expect, it } from 'vitest';
import { drawPairs, type PairSizes } from '../../scripts/bench/jobs/seq2seq-case';

const sizes: PairSizes = {
  rows: 64,
  tokens: 8000,
  embeddingDim: 256,
  hiddenSize: 256,
  numLayers: 2,
  dropout: 0.3,
  attention: 'additive',
};

describe('sentences of the benchmark of a Seq2Seq', () => {
  const batches = drawPairs(sizes, 8, 1);
  const sentences = batches.flatMap(({ sources, targets }) => [...sources, ...targets]);

  it('are of 10 to 30 words, all lengths among them', () => {
    expect(sentences).toHaveLength(8 * 2 * 64);
    const lengths = new Set(sentences.map(({ length }) => length));
    expect([...lengths].sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, at) => 10 + at));
  });

  it('have words of the vocabulary alone, frequent ones and rare ones', () => {
    const words = sentences.flat();
    expect(words.every((word) => Number.isInteger(word) && word >= 1 && word < sizes.tokens)).toBe(true);
    const often = words.filter((word) => word < 90).length / words.length; // ln 90 / ln 8000 = 0.50
    expect(often).toBeGreaterThan(0.47);
    expect(often).toBeLessThan(0.53);
  });

  it('are the same of one seed, and others of another', () => {
    expect(drawPairs(sizes, 1, 1)).toEqual(batches.slice(0, 1));
    expect(drawPairs(sizes, 1, 2)).not.toEqual(batches.slice(0, 1));
  });
});
