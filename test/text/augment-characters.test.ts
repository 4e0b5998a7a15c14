import { expect, test } from 'vitest';
import { augmentCharacters, type AugmentCharactersOptions } from 'stmnet';

const text = 'the quick brown fox 語😀 jumps\nover the lazy dog';
const versions = (options: Omit<AugmentCharactersOptions, 'seed'>): string[] =>
  Array.from({ length: 400 }, (_, seed) => augmentCharacters(text, { seed, ...options }));
const blanks = (version: string): string[] => version.split(/\S+/);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const points = Array.from(text).filter((character) => /\S/u.test(character)).length;

test('characters change alike for one seed and otherwise for others', () => {
  const options = { swap: 0.1, delete: 0.1, insert: 0.1, replace: 0.1 };
  expect(augmentCharacters(text, { seed: 5, ...options })).toBe(augmentCharacters(text, { seed: 5, ...options }));
  expect(new Set(versions(options)).size).toBe(400);
  expect(augmentCharacters(text, { seed: 5 })).toBe(text);
  expect(augmentCharacters('', { seed: 5, ...options })).toBe('');
});

test('neighbours change places within words', () => {
  for (const version of versions({ swap: 0.3 })) {
    expect(blanks(version)).toEqual(blanks(text));
    version.split(/\s/).forEach((word, i) => {
      expect(Array.from(word).sort()).toEqual(Array.from(text.split(/\s/)[i] ?? '').sort());
    });
  }
});

test('characters are deleted, inserted and replaced as often as was asked for', () => {
  const lengths = (options: object): number[] => versions(options).map((version) => Array.from(version).length);
  const all = Array.from(text).length;
  expect(Math.abs(mean(lengths({ delete: 0.2 })) - (all - 0.2 * points))).toBeLessThan(0.5);
  expect(Math.abs(mean(lengths({ insert: 0.2 })) - (all + 0.2 * points))).toBeLessThan(0.5);
  const replaced = versions({ replace: 0.2, alphabet: '#é😎' });
  for (const version of replaced) expect(Array.from(version)).toHaveLength(all);
  const count = (version: string): number => Array.from(version).filter((one) => '#é😎'.includes(one)).length;
  expect(Math.abs(mean(replaced.map(count)) - 0.2 * points)).toBeLessThan(0.5);
  expect(replaced.some((version) => version.includes('😎'))).toBe(true);
  for (const version of replaced) expect(blanks(version)).toEqual(blanks(text));
});

test('what makes no sense is refused', () => {
  expect(() => augmentCharacters(text, { seed: 1, delete: 2 })).toThrow(
    'got delete: 2, expected a probability in [0, 1)',
  );
  expect(() => augmentCharacters(text, { seed: 1, alphabet: '' })).toThrow('got alphabet: ""');
  expect(() => augmentCharacters(1 as never, { seed: 1 })).toThrow('got 1 as text, expected a string');
});
