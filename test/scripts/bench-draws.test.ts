import { describe, expect, it } from 'vitest';
import { drawTexts } from '../../scripts/bench/classifier-step';
import { drawWord, randomFrom } from '../../scripts/bench/jobs/drawn';
import { drawText } from '../../scripts/bench/lm-step';

describe('what benchmarks draw', () => {
  it('is the same from one seed', () => {
    expect(drawText(2, 5, 100)).toEqual(drawText(2, 5, 100));
    expect(drawTexts(1, 2, 100)).toEqual(drawTexts(1, 2, 100));
  });

  it('are words of the vocabulary, few of them often', () => {
    const random = randomFrom(3);
    const words = Array.from({ length: 10_000 }, () => drawWord(1000, random));
    expect(Math.min(...words)).toBe(1);
    expect(Math.max(...words)).toBeLessThan(1000);
    // 1 / r: the words from 1 to 9 are a third of all, as are those from 10 to 99
    expect(words.filter((word) => word < 10).length / words.length).toBeCloseTo(1 / 3, 1);
    expect(words.filter((word) => word >= 100).length / words.length).toBeCloseTo(1 / 3, 1);
  });

  it('are texts of 10 to 400 tokens, most of them short, of four classes', () => {
    const texts = drawTexts(50, 32, 100);
    const lengths = texts.flatMap((batch) => batch.texts.map(({ length }) => length)).sort((a, b) => a - b);
    expect(lengths[0]).toBeGreaterThanOrEqual(10);
    expect(lengths.at(-1)).toBeGreaterThan(390);
    expect(lengths.at(-1)).toBeLessThanOrEqual(400);
    expect(lengths[lengths.length / 2]).toBeGreaterThan(40);
    expect(lengths[lengths.length / 2]).toBeLessThan(80);
    expect(new Set(texts.flatMap(({ labels }) => labels))).toEqual(new Set([0, 1, 2, 3]));
  });
});
