import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/tensor/seeded-random';
import { placedWords, startOf, wordReader, wordsAt } from '../../src/tasks/span-words';

const slices = (text: string): string[] => placedWords(text).map(({ start, end }) => text.slice(start, end));

describe('words of a context', () => {
  it('stand where they say', () => {
    expect(slices("Don't pay 3.50, she said.")).toEqual(["Don't", 'pay', '3.50', ',', 'she', 'said', '.']);
    expect(slices('')).toEqual([]);
    expect(slices('zwei  Häuser 😀 da')).toEqual(['zwei', 'Häuser', '😀', 'da']);
  });

  it('stand in the text as it was given, however it writes its characters', () => {
    const text = 'Cafe\u0301 soft\u00ADhyphen \uFEFFend o\u0308l';
    const words = placedWords(text);
    expect(words.map(({ word }) => word)).toEqual(['Café', 'softhyphen', 'end', 'öl']);
    expect(slices(text)).toEqual(['Cafe\u0301', 'soft\u00ADhyphen', 'end', 'o\u0308l']);
  });

  it('are found in a long text as quickly, however it writes its characters', () => {
    const text = `Cafe\u0301 ${'a soft\u00ADhyphen in it. '.repeat(10_000)}`;
    const begun = performance.now();
    const words = placedWords(text);
    expect(performance.now() - begun).toBeLessThan(5000); // 0.2 s; by a search for each word many minutes
    expect(words).toHaveLength(50_001);
    expect(words.at(-4)).toEqual({ word: 'softhyphen', start: text.length - 19, end: text.length - 8 });
    expect(slices('x'.repeat(3) + '\u0301'.repeat(50_000))).toEqual(['xxx' + '\u0301'.repeat(50_000)]);
  });

  it('stand where all is that they are made of, in any script', () => {
    const random = new SeededRandom(7);
    const letters = ['e', 'a\u0301\u0323', '\u0301', '\u1112', '\u1161', '\u11AB', '각', '\u212B'];
    const parts = [...letters, '\u00AD', '\uFEFF', ' ', '.', '😀'];
    const form = (part: string): string => part.normalize('NFC').replaceAll(/[\u00AD\uFEFF]/g, '');
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 12 }, () => parts[random.below(parts.length)]).join('');
      const words = placedWords(text);
      expect([text, ...words.map(({ start, end }) => form(text.slice(start, end)))]).toEqual([
        text,
        ...words.map(({ word }) => word),
      ]);
    }
  });

  it('are read once of a text', () => {
    const wordsOf = wordReader();
    expect(wordsOf('a text')).toEqual(placedWords('a text'));
    expect(wordsOf('a text'.slice())).toBe(wordsOf('a text'));
    expect(wordsOf('b text')[0]?.word).toBe('b');
  });

  it('are those that some units touch', () => {
    const words = placedWords('in the 1990s, then');
    expect(wordsAt(words, 7, 11)).toEqual({ first: 2, last: 2 });
    expect(wordsAt(words, 3, 13)).toEqual({ first: 1, last: 3 });
    expect(wordsAt(words, 14, 18)).toEqual({ first: 4, last: 4 });
    expect(wordsAt(words, 6, 7)).toBeUndefined();
    expect(wordsAt(words, 18, 20)).toBeUndefined();
  });
});

describe('where an answer stands', () => {
  it('is the first place of whole words', () => {
    const text = 'Then there he sat, he alone. HE!';
    const words = placedWords(text);
    expect(startOf('he', text, words)).toBe(11);
    expect(startOf('her', text, words)).toBe(6);
    expect(startOf('HE', text, words)).toBe(29);
    expect(startOf('he SAT', text, words)).toBe(11);
    expect(startOf('she', text, words)).toBe(-1);
  });
});
