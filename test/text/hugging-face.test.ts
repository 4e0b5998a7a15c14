import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  BPETokenizer,
  FileError,
  FormatError,
  HuggingFaceTokenizer,
  Linear,
  OptionError,
  TextVectorizer,
  loadExtras,
  save,
} from 'stmnet';
import { definitionOf, wordPiece } from './hugging-face-definition';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-hugging-face-'));
  path = join(folder, 'tokenizer.json');
});
afterAll(() => rm(folder, { recursive: true }));

test('a tokenizer.json of WordPiece keeps its indices', async () => {
  await writeFile(path, JSON.stringify(wordPiece));
  const tokenizer = await BPETokenizer.fromHuggingFace(path);
  expect(tokenizer.tokenize('Calling NOW, now!')).toEqual(['call', '##ing', 'now', '[UNK]', 'now', '!']);
  expect(tokenizer.tokenize('')).toEqual([]);
  expect(tokenizer.tokens[9]).toBe('un');
  expect(tokenizer.tokens[8]).toBe('[unused 8]');
  const text = TextVectorizer.fit([], {
    tokenizer,
    padding: '[PAD]',
    unknown: '[UNK]',
    begin: '[CLS]',
    end: '[SEP]',
  });
  expect([...text.encode('Calling now?')]).toEqual([2, 4, 5, 6, 1, 3]);
  expect(text.decode([2, 4, 5, 6, 3, 0])).toBe('calling now');
  expect([text.paddingIdx, text.vocabulary.size]).toEqual([0, 10]);
});

test('one of byte-level BPE, saved with a model and loaded', async () => {
  const trained = BPETokenizer.train(['hug hug pug hugs bun'.repeat(9)]);
  await writeFile(path, JSON.stringify(definitionOf(trained)));
  const tokenizer = await BPETokenizer.fromHuggingFace(path);
  expect(tokenizer.join(tokenizer.tokenize("hugs, it's"))).toBe("hugs, it's");
  const text = TextVectorizer.fit([], { tokenizer, padding: null, unknown: null });
  const file = join(folder, 'model.safetensors');
  await save(new Linear({ inFeatures: 1, outFeatures: 1 }), file, { extras: { text, trained } });
  const found = await loadExtras<{ text: TextVectorizer; trained: BPETokenizer }>(file);
  expect(found.text.encode('hugs pug')).toEqual(text.encode('hugs pug'));
  expect(found.text.tokenizer).toBeInstanceOf(HuggingFaceTokenizer);
  expect(found.trained.tokenize('hugs')).toEqual(trained.tokenize('hugs'));
});

const withModel = (model: object): string => JSON.stringify({ ...wordPiece, model: { ...wordPiece.model, ...model } });

test.each([
  ['no JSON', '{', 'JSON at position 1'],
  ['null', 'null', 'HuggingFaceTokenizer: got definition: null, expected what a tokenizer.json holds'],
  ['an array', '[]', 'got definition: []'],
  ['an empty object', '{}', 'a definition that cannot be used (no tokens)'],
  ['an unknown type', withModel({ type: 'Nothing' }), '(a model of type "Nothing")'],
  ['a huge index', withModel({ vocab: { a: 1e9 } }), '(the token "a" of index 1000000000)'],
  ['a text for an index', withModel({ vocab: { a: '0' } }), '(the token "a" of index "0")'],
  ['one index twice', withModel({ vocab: { a: 0 } }), '(two tokens of index 0)'],
  ['BPE without merges', withModel({ type: 'BPE', vocab: { a: 9 } }), 'a definition that cannot be used'],
])('%s is none', async (_, contents, message) => {
  await writeFile(path, contents);
  await expect(BPETokenizer.fromHuggingFace(path)).rejects.toThrow(FormatError);
  await expect(BPETokenizer.fromHuggingFace(path)).rejects.toThrow(message);
});

test('a file that is not there, and a text that is none', async () => {
  await expect(BPETokenizer.fromHuggingFace(join(folder, 'missing'))).rejects.toThrow(FileError);
  expect(() => new HuggingFaceTokenizer({ definition: wordPiece }).tokenize(1 as never)).toThrow(OptionError);
});
