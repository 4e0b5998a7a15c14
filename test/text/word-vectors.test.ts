import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Embedding, FileError, FormatError, OptionError, Vocabulary, loadWordVectors, tensor } from 'stmnet';
import { runScript } from '../support/child';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-vectors-'));
  path = join(folder, 'vectors.txt');
});
afterAll(() => rm(folder, { recursive: true }));

const vocabulary = new Vocabulary({ tokens: ['<pad>', '<unk>', 'now', 'call', '!'], unknown: '<unk>' });
const glove = 'the 9 9\ncall 1 -2.5\n, 3 4\nnow 1e-1 .25\ncall 7 7\n! 0 -0\n';
const expected = [0, 0, 0, 0, 0.1, 0.25, 1, -2.5, 0, -0].map(Math.fround);

async function vectorsOf(contents: string | Uint8Array, options: object = {}): ReturnType<typeof loadWordVectors> {
  await writeFile(path, contents);
  return loadWordVectors(path, { vocabulary, ...options });
}

describe('vectors of words', () => {
  test('of GloVe: a row for each token, the first of two counts', async () => {
    const { matrix, found, missing } = await vectorsOf(glove);
    expect([...matrix.data]).toEqual(expected);
    expect(matrix.data).toBeInstanceOf(Float32Array);
    expect(matrix.shape).toEqual([5, 2]);
    expect([found, missing]).toEqual([
      ['now', 'call', '!'],
      ['<pad>', '<unk>'],
    ]);
  });

  test('of word2vec and fastText, packed or not', async () => {
    const word2vec = `4 2\n${glove.replaceAll('\n', ' \n')}`;
    for (const contents of [word2vec, gzipSync(word2vec), `\uFEFF${glove}`, glove.replaceAll('\n', '\r\n')])
      expect([...(await vectorsOf(contents)).matrix.data]).toEqual(expected);
  });

  test('in another encoding, which the refusal of it advises', async () => {
    const [latin, tokens] = [Buffer.from('\xe9t\xe9 1 2\n', 'latin1'), new Vocabulary({ tokens: ['\xe9t\xe9'] })];
    const advised = "pass the encoding it has, such as encoding: 'windows-1252'";
    await expect(vectorsOf(latin, { vocabulary: tokens })).rejects.toThrow(advised);
    expect((await vectorsOf(latin, { vocabulary: tokens, encoding: 'windows-1252' })).found).toEqual(['\xe9t\xe9']);
    await expect(vectorsOf(glove, { maxLineBytes: 4 })).rejects.toThrow('more than 4 bytes');
    await expect(vectorsOf(glove, { encoding: 'none' })).rejects.toThrow('loadWordVectors: got encoding: "none"');
  });

  test('with blanks within words, as in GloVe of 840 billion tokens', async () => {
    const spaced = '. . . 8 8\ncall me now 5 5\n';
    expect([...(await vectorsOf(glove + spaced)).matrix.data]).toEqual(expected);
    const tokens = new Vocabulary({ tokens: ['call'] });
    expect([...(await vectorsOf(`call 1 2\n${spaced}`, { vocabulary: tokens })).matrix.data]).toEqual([1, 2]);
  });

  test('go into an Embedding, frozen or not', async () => {
    const { matrix } = await vectorsOf(glove);
    const embedding = Embedding.fromPretrained(matrix, { freeze: false, paddingIdx: 0 });
    expect(await embedding.forward(tensor([3, 2], { dtype: 'i32' })).array()).toEqual([
      [1, -2.5],
      [Math.fround(0.1), 0.25],
    ]);
    expect(embedding.weight.requiresGrad).toBe(true);
    expect(Embedding.fromPretrained(matrix).weight.requiresGrad).toBe(false);
  });

  test('draw the others like those that are there, the same for one seed', async () => {
    const tokens = Array.from({ length: 4000 }, (_, i) => `w${i}`);
    const many = { vocabulary: new Vocabulary({ tokens }), others: 'normal' };
    const contents = tokens
      .slice(0, 1000)
      .map((word, i) => `${word} ${i % 2 === 0 ? 4 : 6} ${i % 2 === 0 ? -1 : 1}`)
      .join('\n');
    const { matrix, missing } = await vectorsOf(contents, many);
    expect(missing).toHaveLength(3000);
    const column = (which: number): number[] =>
      Array.from({ length: 3000 }, (_, i) => matrix.data[2 * (1000 + i) + which] ?? 0);
    for (const [which, mean] of [
      [0, 5],
      [1, 0],
    ] as const) {
      const values = column(which);
      const average = values.reduce((a, b) => a + b, 0) / 3000;
      const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - average) ** 2, 0) / 3000);
      expect(Math.abs(average - mean)).toBeLessThan(0.08); // four standard errors
      expect(Math.abs(deviation - 1)).toBeLessThan(0.06);
    }
    expect((await vectorsOf(contents, many)).matrix.data).toEqual(matrix.data);
    expect((await vectorsOf(contents, { ...many, seed: 1 })).matrix.data).not.toEqual(matrix.data);
  });
});

describe('refused, with file and line', () => {
  test.each([
    [
      'too few numbers',
      'the 1 2\ncall 1\n',
      '1 numbers of "call" in PATH, line 2, expected 2, as the other words have',
    ],
    ['no number', 'the 1 2\ncall 1 x\n', '"x" in the vector of "call" in PATH, line 2, expected a finite number'],
    ['an empty number', 'the 1 2\ncall  2\n', '"" in the vector of "call" in PATH, line 2'],
    ['NaN', 'the 1 2\nnow NaN 2\n', '"NaN" in the vector of "now" in PATH, line 2'],
    ['infinity', 'the 1 2\nnow 1 1e999\n', '"1e999" in the vector of "now"'],
    ['fewer than the header says', '9 3\ncall 1 2\n', '2 numbers of "call" in PATH, line 2, expected 3'],
    ['no vector', 'call\n', '"call" in PATH, line 1, expected a word and its numbers'],
    ['none of the words', 'el 1 2\nla 3 4\n', 'PATH, with no vector of the 5 tokens, <pad>, <unk>, now, call, !, …'],
    ['nothing at all', '', 'PATH, with no vector, expected one at least.\n  Fix: check the path'],
    ['a huge header', '1 999999999\n', 'vectors of 999999999 numbers in PATH, line 1'],
    ['another encoding', Buffer.from('the 1 2\ncaf\xe9 1 2\n', 'latin1'), 'bytes that are no utf-8 in PATH, line 2'],
  ])('%s', async (_, contents, message) => {
    await expect(vectorsOf(contents)).rejects.toThrow(FormatError);
    await expect(vectorsOf(contents)).rejects.toThrow(`loadWordVectors: got ${message.replace('PATH', path)}`);
  });

  test('what is no file, and what is no vocabulary', async () => {
    await expect(loadWordVectors(join(folder, 'missing'), { vocabulary })).rejects.toThrow(FileError);
    await expect(vectorsOf(glove, { vocabulary: ['call'] })).rejects.toThrow(
      'loadWordVectors: got vocabulary: ["call"], expected a Vocabulary',
    );
    await expect(vectorsOf(glove, { others: 'mean' })).rejects.toThrow(OptionError);
  });
});

test('200 MB pass in a fraction of that memory', { timeout: 180_000 }, async () => {
  const line = (i: number): string =>
    `word${i} ${Array.from({ length: 300 }, (_, j) => ((i + j) % 9) - 4.25).join(' ')}\n`;
  const large = join(folder, 'large.txt');
  const file = await open(large, 'w');
  const block = Array.from({ length: 500 }, (_, i) => line(i)).join('');
  for (let written = 0; written < 200e6; written += block.length)
    await file.write(block.replaceAll('word', `w${written}_`));
  await file.close();
  const { stdout, stderr } = runScript(`
    const { Vocabulary, loadWordVectors } = require('stmnet');
    const before = process.resourceUsage().maxRSS;
    loadWordVectors(${JSON.stringify(large)}, { vocabulary: new Vocabulary({ tokens: ['w0_499', 'none'] }) }).then(
      ({ matrix, found }) => {
        const megabytes = (process.resourceUsage().maxRSS - before) / 1024;
        console.log(JSON.stringify([matrix.shape, found, matrix.data[0], megabytes]));
      });`);
  expect(stderr).toBe('');
  const [shape, found, value, megabytes] = JSON.parse(stdout);
  expect([shape, found, value]).toEqual([[2, 300], ['w0_499'], (499 % 9) - 4.25]);
  expect(megabytes).toBeLessThan(150);
});
