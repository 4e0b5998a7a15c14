import { expect, test } from 'vitest';
import { ByteTokenizer, TextVectorizer } from 'stmnet';

test('bytes of UTF-8, and back', () => {
  const tokenizer = new ByteTokenizer();
  expect(tokenizer.tokenize('aé')).toEqual(['a', '\xc3', '\xa9']);
  expect(tokenizer.join(tokenizer.tokenize('aé語😀\0'))).toBe('aé語😀\0');
  expect(tokenizer.join(['\xc3'])).toBe('\ufffd');
  expect(Array.from(tokenizer.bytes(['\xc3', 'a']))).toEqual([0xc3, 0x61]);
  expect(tokenizer.tokens).toHaveLength(256);
  expect(tokenizer.config()).toEqual({ class: 'ByteTokenizer', options: {} });
  expect(() => new ByteTokenizer({ lowercase: true } as never)).toThrow('got an option lowercase, expected no options');
});

test('a vectorizer of bytes knows all texts', () => {
  const text = TextVectorizer.fit([], { tokenizer: new ByteTokenizer(), unknown: null, begin: '<s>' });
  expect(text.vocabulary.size).toBe(258);
  expect([...text.encode('aé')]).toEqual([257, 97, 0xc3, 0xa9]);
  expect(text.decode(text.encode('aé語😀'))).toBe('aé語😀');
  expect(() => TextVectorizer.fit([], { tokenizer: new ByteTokenizer(), minFrequency: 2 })).toThrow(
    'got minFrequency: 2, expected neither minFrequency nor maxTokens: the tokenizer has 256 tokens',
  );
});
