import { describe, expect, it } from 'vitest';
import { placedWords, startOf, wordsAt } from '../../src/tasks/span-words';

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
