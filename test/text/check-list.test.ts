// What is given in the place of tokens or indices is refused in words, and never taken for none.
import { describe, expect, test } from 'vitest';
import {
  BPETokenizer,
  ByteTokenizer,
  CharacterTokenizer,
  OptionError,
  StmnetError,
  tensor,
  TextVectorizer,
  Vocabulary,
  WordTokenizer,
} from 'stmnet';

const vocabulary = new Vocabulary({ tokens: ['<unk>', 'a', 'b'], unknown: '<unk>' });
const text = TextVectorizer.fit(['a b'], {});
const bpe = BPETokenizer.train(['low lower lowest'], { vocabularySize: 260 });

const noLists = [null, undefined, 7, true, {}, () => 1, 5n, Symbol('x')];

describe('indices', () => {
  const decoders = {
    'Vocabulary.decode': (x: unknown) => vocabulary.decode(x as number[]),
    'TextVectorizer.decode': (x: unknown) => text.decode(x as number[]),
  };
  test.each(Object.entries(decoders))('%s', (op, decode) => {
    expect(() => decode(null)).toThrow(
      `${op}: got null, expected an array of indices.\n  Fix: put them into an array: [3, 0, 7].`,
    );
    expect(() => decode('text')).toThrow(`${op}: got "text", expected an array of indices`);
    expect(() => decode(tensor([1]))).toThrow('Fix: read them first: await x.data().');
    expect(() => decode(Promise.resolve([1]))).toThrow('Fix: await them first.');
    for (const odd of [...noLists, [1.5], ['length'], [undefined], [-1]])
      expect(() => decode(odd)).toThrow(OptionError);
    expect(decode([])).toHaveLength(0);
    expect(decode(Int32Array.of(1, 2)).length).toBeGreaterThan(0);
  });
  test('a name of an array is no index', () => {
    expect(() => vocabulary.at('length' as never)).toThrow(
      'Vocabulary.at: got index "length", expected a whole number in 0..2.\n' +
        '  Fix: ask indexOf(token) for the index of a token.',
    );
    expect(() => vocabulary.at('1' as never)).toThrow(OptionError);
    expect(() => vocabulary.at(null as never)).toThrow('got index null');
  });
});

describe('tokens', () => {
  const takers = {
    'Vocabulary.encode': (x: unknown) => vocabulary.encode(x as string[]),
    'WordTokenizer.join': (x: unknown) => new WordTokenizer().join(x as string[]),
    'CharacterTokenizer.join': (x: unknown) => new CharacterTokenizer().join(x as string[]),
    'ByteTokenizer.join': (x: unknown) => new ByteTokenizer().join(x as string[]),
    'BPETokenizer.join': (x: unknown) => bpe.join(x as string[]),
  };
  test.each(Object.entries(takers))('%s', (op, take) => {
    expect(() => take('a b')).toThrow(
      `${op}: got "a b", expected an array of tokens.\n` +
        '  Fix: divide a text first: tokenizer.tokenize(text); put one token into brackets: [token].',
    );
    expect(() => take(['a', null])).toThrow(
      `${op}: got null as token 1, expected strings.\n` +
        '  Fix: make texts of other values: String(x); of indices by vocabulary.decode(indices).',
    );
    for (const odd of [...noLists, [7], new Float32Array(1)]) expect(() => take(odd)).toThrow(StmnetError);
    expect(take([])).toHaveLength(0);
    expect(take(['a', 'b']).length).toBeGreaterThan(0);
  });
});

test('counts', () => {
  const ofCounts = (x: unknown) => () => Vocabulary.ofCounts(x as Map<string, number>);
  expect(ofCounts({ a: 1 })).toThrow(
    'Vocabulary.ofCounts: got { a }, expected a Map of tokens and how often each occurs.\n' +
      "  Fix: pass new Map([['a', 3], ['b', 1]]), or learn from texts: Vocabulary.fit(texts).",
  );
  expect(ofCounts(new Map([[1, 'a']]))).toThrow('got [1, "a"], expected a Map');
  for (const odd of noLists) expect(ofCounts(odd)).toThrow(OptionError);
  expect(ofCounts(new Map([['a', 2]]))().tokens).toEqual(['a']);
});

test('what is no text among texts is told with its place', async () => {
  const gap = "as text 1, expected a string.\n  Fix: leave it out, or put '' in its place.";
  expect(() => TextVectorizer.fit(['a', null as never])).toThrow(`TextVectorizer.fit: got null ${gap}`);
  expect(() => text.encodeBatch(['a', undefined as never])).toThrow(`TextVectorizer.encodeBatch: got undefined ${gap}`);
  expect(() => TextVectorizer.fit(['a', 'b', 7 as never])).toThrow(
    'got 7 as text 2, expected a string.\n  Fix: pass the text itself, as in rows.map((row) => row.text).',
  );
  async function* stream(): AsyncGenerator<string> {
    yield 'a';
    yield await Promise.resolve({ text: 'b' } as never);
  }
  await expect(TextVectorizer.fit(stream())).rejects.toThrow('got { text } as text 1, expected a string');
});
