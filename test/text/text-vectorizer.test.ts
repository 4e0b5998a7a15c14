import { describe, expect, test } from 'vitest';
import {
  CharacterTokenizer,
  OptionError,
  TextVectorizer,
  Vocabulary,
  WordTokenizer,
  type TextConfig,
  type Tokenizer,
} from 'stmnet';

const texts = ['Call now! Call me.', 'Now or never', 'call'];
const fitted = TextVectorizer.fit(texts);

describe('a vectorizer', () => {
  test('learns from texts, and encodes and decodes', () => {
    expect(fitted.vocabulary.tokens).toEqual(['<pad>', '<unk>', 'call', 'now', '!', '.', 'me', 'never', 'or']);
    expect(fitted.encode('Call him now!')).toEqual(Int32Array.of(2, 1, 3, 4));
    expect(fitted.decode(fitted.encode('Call now!'))).toBe('call now !');
    expect(fitted.decode([2, 1, 0, 0])).toBe('call <unk>');
    expect(fitted.encode('')).toEqual(new Int32Array(0));
    expect(fitted.paddingIdx).toBe(0);
    expect(() => fitted.decode([9])).toThrow('got index 9, expected a whole number in 0..8');
    expect(() => fitted.encode(1 as never)).toThrow(OptionError);
  });

  test('learns the same of whatever gives the texts', async () => {
    const lazily = (function* (): Generator<string> {
      yield* texts;
    })();
    const asynchronously = (async function* (): AsyncGenerator<string> {
      for (const text of texts) yield await Promise.resolve(text);
    })();
    expect(TextVectorizer.fit(lazily).vocabulary.tokens).toEqual(fitted.vocabulary.tokens);
    expect((await TextVectorizer.fit(asynchronously)).vocabulary.tokens).toEqual(fitted.vocabulary.tokens);
  });

  test('makes batches with lengths', async () => {
    const batch = fitted.encodeBatch(['now', '', 'never call me', 'who?']);
    expect([batch.dtype, batch.shape, batch.lengths]).toEqual(['i32', [4, 3], [1, 0, 3, 2]]);
    expect(await batch.values.array()).toEqual([
      [3, 0, 0],
      [0, 0, 0],
      [7, 2, 6],
      [1, 1, 0],
    ]);
    const vocabulary = new Vocabulary({ tokens: ['a', 'b', '_'] });
    const other = new TextVectorizer({ tokenizer: new WordTokenizer(), vocabulary, padding: '_' });
    expect(other.paddingIdx).toBe(2);
    expect(await other.encodeBatch(['a b', 'b']).values.array()).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(() => fitted.encodeBatch([])).toThrow('got [] as texts, expected an array of texts, one at least');
    expect(() => fitted.encodeBatch('now' as never)).toThrow('Fix: pass an array: [text]');
    expect(fitted.encodeBatch(['', '']).lengths).toEqual([0, 0]);
  });

  test('cuts what is too long, at either end, begin and end counted', () => {
    const long = 'call now or never';
    const encode = (options: object): number[] => [
      ...TextVectorizer.fit(texts, { padding: null, ...options }).encode(long),
    ];
    expect(encode({})).toEqual([1, 2, 7, 6]);
    expect(encode({ maxLength: 2 })).toEqual([1, 2]);
    expect(encode({ maxLength: 2, truncate: 'start' })).toEqual([7, 6]);
    expect(encode({ maxLength: 4, begin: '<s>', end: '</s>' })).toEqual([1, 3, 4, 2]);
    expect(encode({ maxLength: 4, begin: '<s>', end: '</s>', truncate: 'start' })).toEqual([1, 9, 8, 2]);
    const characters = TextVectorizer.fit(['abc'], {
      tokenizer: new CharacterTokenizer(),
      maxLength: 2,
      truncate: 'start',
    });
    expect([...characters.encode('abc')]).toEqual([3, 4]);
    expect(() => encode({ maxLength: 2, begin: '<s>', end: '</s>' })).toThrow(
      'TextVectorizer: got maxLength: 2, expected room for a token beside begin and end',
    );
  });

  test('leaves begin and end out of what it decodes', () => {
    const text = TextVectorizer.fit(texts, { begin: '<s>', end: '</s>' });
    expect(text.vocabulary.tokens.slice(0, 4)).toEqual(['<pad>', '<unk>', '<s>', '</s>']);
    expect([...text.encode('Call')]).toEqual([2, 4, 3]);
    expect(text.decode([2, 4, 3, 0])).toBe('call');
  });

  test('refuses to decode what is no index, whether or not it has special tokens', () => {
    const bare = TextVectorizer.fit(texts, { padding: null, unknown: null });
    for (const text of [fitted, bare, TextVectorizer.fit(texts, { begin: '<s>', end: '</s>' })]) {
      expect(() => text.decode([-1])).toThrow('Vocabulary.at: got index -1, expected a whole number in 0..');
      expect(() => text.decode(Int32Array.of(2, -1))).toThrow(OptionError);
      expect(() => text.decode([undefined as never])).toThrow('got index undefined');
      expect(() => text.decode(Array<number>(1))).toThrow('got index undefined');
    }
  });

  test('without a token for what is unknown refuses it by name', () => {
    for (const tokenizer of [new WordTokenizer(), new CharacterTokenizer()]) {
      const text = TextVectorizer.fit(['a b'], { tokenizer, unknown: null });
      expect(() => text.encode('a z')).toThrow('got "z", expected one of the');
      expect(() => text.encodeBatch(['a', 'a z'])).toThrow('got "z"');
    }
  });

  test('takes limits for its vocabulary', () => {
    expect(TextVectorizer.fit(texts, { maxTokens: 4 }).vocabulary.tokens).toEqual(['<pad>', '<unk>', 'call', 'now']);
    expect(TextVectorizer.fit(texts, { minFrequency: 3, unknown: '?' }).vocabulary.tokens).toEqual([
      '<pad>',
      '?',
      'call',
    ]);
    expect(() => TextVectorizer.fit(texts, { minFrequency: 9 })).toThrow('got 3 texts with 7 tokens');
    expect(() => TextVectorizer.fit([])).toThrow('got 0 texts with 0 tokens');
    expect(() => TextVectorizer.fit('a text' as never)).toThrow('pass an array: [text]');
    expect(() => TextVectorizer.fit([1 as never])).toThrow('got 1 as text 0, expected a string');
    expect(() => TextVectorizer.fit(texts, { minFrequency: 0 })).toThrow('got minFrequency: 0');
    expect(() => TextVectorizer.fit(texts, { maxLen: 5 } as object)).toThrow('write maxLength');
    expect(() => TextVectorizer.fit(texts, { tokenizer: String as never })).toThrow(
      'expected a tokenizer, with tokenize(text)',
    );
  });

  test('is plain data', () => {
    const config = JSON.parse(JSON.stringify(fitted.config()));
    expect(config).toEqual({
      class: 'TextVectorizer',
      options: {
        tokenizer: fitted.tokenizer.config(),
        vocabulary: { class: 'Vocabulary', options: { tokens: fitted.vocabulary.tokens, unknown: '<unk>' } },
        truncate: 'end',
        padding: '<pad>',
      },
    });
    expect(() => new TextVectorizer({ ...config.options })).toThrow('expected a tokenizer, with tokenize(text)');
  });
});

test('a tokenizer of one’s own', () => {
  class Syllables implements Tokenizer {
    tokenize(text: string): string[] {
      return text.split('-');
    }
    join(tokens: readonly string[]): string {
      return tokens.join('-');
    }
    config(): TextConfig {
      return { class: 'Syllables', options: {} };
    }
  }
  const text = TextVectorizer.fit(['ba-na-na'], { tokenizer: new Syllables(), padding: null });
  expect([...text.encode('na-ba')]).toEqual([1, 2]);
  expect(text.decode([2, 1])).toBe('ba-na');
});

test('a class derived of a tokenizer divides texts in its own way', () => {
  class Stem extends WordTokenizer {
    override tokenize(text: string): string[] {
      return super.tokenize(text).map((word) => word.replace(/ing$/, ''));
    }
  }
  const text = TextVectorizer.fit(['calling call', 'going'], { tokenizer: new Stem(), padding: null });
  expect(text.vocabulary.tokens).toEqual(['<unk>', 'call', 'go']);
  expect([...text.encode('Calling going singing')]).toEqual([1, 2, 0]);
  expect(text.encodeBatch(['going']).lengths).toEqual([1]);

  const tokenizer = new WordTokenizer();
  tokenizer.tokenize = (one) => one.split('');
  expect(TextVectorizer.fit(['ab'], { tokenizer }).vocabulary.tokens).toEqual(['<pad>', '<unk>', 'a', 'b']);
});

test('the words of a language are the same by pieces of a text and by strings', () => {
  // Two ways to one vocabulary: places in the text, which are fast, and strings.
  const tokenizer = new WordTokenizer();
  const strings: Tokenizer = {
    tokenize: (text) => tokenizer.tokenize(text),
    join: (tokens) => tokenizer.join(tokens),
    config: () => tokenizer.config(),
  };
  const many = Array.from({ length: 2000 }, (_, i) => `w${(i * 7919) % 997} ${'ä'.repeat(i % 40)}x ${i} 語${i % 13}学`);
  const [quick, plain] = [TextVectorizer.fit(many, { tokenizer }), TextVectorizer.fit(many, { tokenizer: strings })];
  expect(quick.vocabulary.tokens).toEqual(plain.vocabulary.tokens);
  expect(quick.vocabulary.size).toBeGreaterThan(3000);
  for (const text of many) expect(quick.encode(`${text} other`)).toEqual(plain.encode(`${text} other`));
});
