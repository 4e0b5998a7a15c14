import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError, OptionError, augmentWords, readSynonyms, type AugmentWordsOptions } from 'stmnet';

const words = Array.from({ length: 40 }, (_, i) => `w${i}`);
const synonyms = new Map([
  ['w1', ['one', 'uno']],
  ['w3', ['three']],
]);
/** What happens over many seeds. */
const versions = (options: Omit<AugmentWordsOptions, 'seed'>, tokens = words): string[][] =>
  Array.from({ length: 500 }, (_, seed) => augmentWords(tokens, { seed, ...options }));
const sorted = (tokens: readonly string[]): string[] => tokens.toSorted();

describe('words', () => {
  test('change alike for one seed and otherwise for others, and the text stays', () => {
    const before = [...words];
    const options = { swap: 0.1, delete: 0.1, insert: 0.1, replace: 0.1, drop: 0.1, synonyms };
    expect(augmentWords(words, { seed: 1, ...options })).toEqual(augmentWords(words, { seed: 1, ...options }));
    expect(new Set(versions(options).map((tokens) => tokens.join())).size).toBe(500);
    expect(words).toEqual(before);
    expect(augmentWords(words, { seed: 1 })).toEqual(words);
  });

  test('change places: so many pairs', () => {
    for (const version of versions({ swap: 0.025 })) {
      expect(sorted(version)).toEqual(sorted(words));
      expect(version.filter((word, i) => word !== words[i])).toHaveLength(2);
    }
    expect(augmentWords(['alone'], { seed: 1, swap: 0.5 })).toEqual(['alone']);
  });

  test('are deleted with their probability, but never all', () => {
    const lengths = versions({ delete: 0.2 }).map((version) => version.length);
    const mean = lengths.reduce((a, b) => a + b, 0) / lengths.length;
    expect(Math.abs(mean - 32)).toBeLessThan(0.5); // 0.8 · 40, four standard errors
    for (const version of versions({ delete: 0.999 }, ['a', 'b'])) expect(version).toHaveLength(1);
    expect(augmentWords([], { seed: 1, delete: 0.5, swap: 0.5, drop: 0.5 })).toEqual([]);
  });

  test('become what means the same, each at most once', () => {
    for (const version of versions({ replace: 0.05, synonyms })) {
      expect(['one', 'uno']).toContain(version[1]);
      expect(version[3]).toBe('three');
      expect(version.toSpliced(1, 1, 'w1').toSpliced(3, 1, 'w3')).toEqual(words);
    }
    const seen = new Set(versions({ replace: 0.025, synonyms }).map((version) => `${version[1]} ${version[3]}`));
    expect([...seen].sort()).toEqual(['one w3', 'uno w3', 'w1 three']);
  });

  test('are inserted, at any place', () => {
    const places = new Set<number>();
    for (const version of versions({ insert: 0.05, synonyms })) {
      expect(version).toHaveLength(42);
      expect(version.filter((word) => !['one', 'uno', 'three'].includes(word))).toEqual(words);
      places.add(version.findIndex((word) => !word.startsWith('w')));
    }
    expect(places.size).toBeGreaterThan(25);
    expect(augmentWords(['x'], { seed: 1, insert: 0.5, synonyms })).toEqual(['x']);
  });

  test('are dropped: what is unknown stands in their place', () => {
    const dropped = versions({ drop: 0.25, unknown: '?' }).map(
      (version) => version.filter((word) => word === '?').length,
    );
    expect(Math.abs(dropped.reduce((a, b) => a + b, 0) / 500 - 10)).toBeLessThan(0.5);
    expect(augmentWords(['a'], { seed: 3, drop: 0.999 })).toEqual(['<unk>']);
  });

  test('with options that make no sense are refused', () => {
    expect(() => augmentWords(words, { seed: 1, replace: 0.1 })).toThrow(
      'got replace: 0.1 and insert: 0 without synonyms',
    );
    expect(() => augmentWords(words, { seed: 1, swap: 1 })).toThrow('got swap: 1, expected a probability in [0, 1)');
    expect(() => augmentWords(words, {} as never)).toThrow('got seed: undefined');
    expect(() => augmentWords('a text' as never, { seed: 1 })).toThrow('Fix: divide the text first');
    expect(() => augmentWords(words, { seed: 1, replace: 0.1, synonyms: {} as never })).toThrow(
      'await readSynonyms(path)',
    );
    expect(() => augmentWords(words, { seed: -1 })).toThrow(OptionError);
  });
});

describe('a file of synonyms', () => {
  let folder = '';
  let path = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stmnet-synonyms-'));
    path = join(folder, 'synonyms.txt');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('has words of one meaning in each line', async () => {
    await writeFile(path, gzipSync('# English\nmovie, film,picture\n\nfilm\tmotion picture\nconstructor, builder\n'));
    expect(await readSynonyms(path)).toEqual(
      new Map([
        ['movie', ['film', 'picture']],
        ['film', ['movie', 'picture', 'motion picture']],
        ['picture', ['movie', 'film']],
        ['motion picture', ['film']],
        ['constructor', ['builder']],
        ['builder', ['constructor']],
      ]),
    );
  });

  test.each([
    ['a, b\nalone\n', 'got "alone" in PATH, line 2, expected two or more words'],
    ['a,,b\n', 'got "a,,b" in PATH, line 1'],
    ['# nothing\n', 'got no words in PATH, line 1'],
  ])('%j is none', async (contents, message) => {
    await writeFile(path, contents);
    await expect(readSynonyms(path)).rejects.toThrow(FormatError);
    await expect(readSynonyms(path)).rejects.toThrow(message.replace('PATH', path));
  });

  test('in another encoding, which the refusal of it advises', async () => {
    await writeFile(path, Buffer.from('caf\xe9, bistro\n', 'latin1'));
    await expect(readSynonyms(path)).rejects.toThrow("such as encoding: 'windows-1252'");
    expect((await readSynonyms(path, { encoding: 'windows-1252' })).get('bistro')).toEqual(['caf\xe9']);
    await expect(readSynonyms(path, { encode: 'latin1' } as object)).rejects.toThrow(
      'readSynonyms: got an option encode',
    );
  });
});
