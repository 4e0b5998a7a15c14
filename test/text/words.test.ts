import { describe, expect, test } from 'vitest';
import { OptionError, WordTokenizer, type WordTokenizerOptions } from 'stmnet';

const words = (text: string, options: WordTokenizerOptions = {}): string[] => new WordTokenizer(options).tokenize(text);

describe('words', () => {
  test('are letters and digits in a row; each sign is a token', () => {
    expect(words('Call now!')).toEqual(['call', 'now', '!']);
    expect(words("Don't stop -- it's 'quoted' rock 'n' roll")).toEqual(
      "don't stop - - it's ' quoted ' rock ' n ' roll".split(' '),
    );
    expect(words('£3.50, 1,000.5 or 2nd. v1.2.3 3. .5 U.S.')).toEqual(
      '£ 3.50 , 1,000.5 or 2nd . v1.2.3 3 . . 5 u . s .'.split(' '),
    );
    expect(words(' \t\r\n\u00a0\u3000\u200b ')).toEqual([]);
    expect(words('')).toEqual([]);
    expect(words('a-b_c@d')).toEqual(['a', '-', 'b', '_', 'c', '@', 'd']);
  });

  test('are the same in ASCII and beside other letters, which go another way', () => {
    const parts = ["Don't", '3.5', '1,000', 'a.b', '...', "'", '12', 'AB12', '_', ' ', '\t', '-', '5.', "x'", '$', 'Z'];
    let state = 1;
    const next = (): number => (state = (16_807 * state) % (2 ** 31 - 1));
    for (const punctuation of ['split', 'drop', 'keep'] as const) {
      for (const numbers of ['keep', 'mask', 'drop'] as const) {
        const tokenizer = new WordTokenizer({ punctuation, numbers, stopWords: ['ab12', "don't"] });
        for (let round = 0; round < 300; round++) {
          const text = Array.from({ length: 12 }, () => parts[next() % parts.length]).join('');
          const expected = tokenizer.tokenize(`${text} ä`);
          expect([...tokenizer.tokenize(text), 'ä'], `${punctuation} ${numbers} ${text}`).toEqual(expected);
        }
      }
    }
  });

  test('of all alphabets, with their marks', () => {
    expect(words('Ça va? Größe Привет мир, Ελληνικά שלום עולם مرحبا بالعالم नमस्ते दुनिया')).toEqual(
      'ça va ? größe привет мир , ελληνικά שלום עולם مرحبا بالعالم नमस्ते दुनिया'.split(' '),
    );
    expect(words('l’été می‌خواهم co\u00adoperate \u{10330}\u{1033f}')).toEqual([
      'l’été',
      'می‌خواهم',
      'cooperate',
      '\u{10330}\u{1033f}',
    ]);
    expect(words('e\u0301te\u0301', { normalize: 'NFC' })).toEqual(['été']);
    expect(words('ﬁne ２', { normalize: 'NFKC' })).toEqual(['fine', '2']);
    expect(words('été', { normalize: 'NFD' })).toEqual(['e\u0301te\u0301']);
    expect(words('ǅ', { normalize: 'none' })).toEqual(['ǆ']);
  });

  test('without spaces between them are found by dictionary', () => {
    expect(words('我喜欢学习。', { locale: 'zh' })).toEqual(['我', '喜欢', '学习', '。']);
    expect(words('私は日本語を勉強', { locale: 'ja' })).toEqual(['私', 'は', '日本語', 'を', '勉強']);
    expect(words('สวัสดีชาวโลก', { locale: 'th' })).toEqual(['สวัสดี', 'ชาว', 'โลก']);
    // Wherever they stand, also where no locale says so.
    expect(words('iPhone15を買う 2024年')).toEqual(['iphone15', 'を', '買う', '2024', '年']);
    expect(words('한국어 문장')).toEqual(['한국어', '문장']);
    expect(words('你好，世界！ok', { punctuation: 'keep' })).toEqual(['你好，', '世界！', 'ok']);
  });

  test('are pictures, too, with all that belongs to one', () => {
    expect(words('ok👍🏽👨‍👩‍👧🇫🇷🇩🇪❤️!')).toEqual(['ok', '👍🏽', '👨‍👩‍👧', '🇫🇷', '🇩🇪', '❤️', '!']);
    expect(words('wow!!! 👍 → $5', { punctuation: 'drop' })).toEqual(['wow', '👍', '5']);
  });

  test('in the small letters of a language', () => {
    expect(words('TITLE IŞIK', { locale: 'tr' })).toEqual(['tıtle', 'ışık']);
    expect(words('TITLE', { locale: 'en' })).toEqual(['title']);
    expect(words('Call NOW', { lowercase: false })).toEqual(['Call', 'NOW']);
  });
});

describe('options', () => {
  test('of punctuation and numbers', () => {
    const text = "Hi, it's (only) 12.5% or mp3!";
    expect(words(text, { punctuation: 'keep' })).toEqual(['hi,', "it's", '(only)', '12.5%', 'or', 'mp3!']);
    expect(words(text, { punctuation: 'drop' })).toEqual(['hi', "it's", 'only', '12.5', 'or', 'mp3']);
    expect(words(text, { numbers: 'mask' })).toEqual([
      'hi',
      ',',
      "it's",
      '(',
      'only',
      ')',
      '00.0',
      '%',
      'or',
      'mp0',
      '!',
    ]);
    expect(words(text, { numbers: 'drop', punctuation: 'drop' })).toEqual(['hi', "it's", 'only', 'or', 'mp3']);
    expect(words('٣٤ ab', { numbers: 'mask' })).toEqual(['00', 'ab']);
  });

  test('leave stop words out, of a list or of a language', () => {
    expect(words('The cat and THE dog', { stopWords: ['The', 'and'] })).toEqual(['cat', 'dog']);
    expect(words('The cat and the dog', { stopWords: 'en' })).toEqual(['cat', 'dog']);
    expect(words('Der Hund und die Katze', { stopWords: 'German' })).toEqual(['hund', 'katze']);
    const { options } = new WordTokenizer({ stopWords: 'en' });
    expect(options.stopWords).toContain('the');
    expect(new WordTokenizer({ stopWords: options.stopWords }).options).toEqual(options);
  });

  test('come back from plain data', () => {
    const tokenizer = new WordTokenizer({ stopWords: ['a'], locale: 'EN-us', punctuation: 'drop', numbers: 'mask' });
    const { class: name, options } = JSON.parse(JSON.stringify(tokenizer.config()));
    expect([name, options]).toEqual(['WordTokenizer', tokenizer.options]);
    expect(options.locale).toBe('en-US');
    expect(new WordTokenizer(options).tokenize('A b 12!')).toEqual(['b', '00']);
  });

  test('that are wrong are told', () => {
    expect(() => new WordTokenizer({ punctuation: 'remove' as 'drop' })).toThrow(
      "WordTokenizer: got punctuation: \"remove\", expected one of 'split', 'keep', 'drop'",
    );
    expect(() => new WordTokenizer({ lowerCase: true } as object)).toThrow('write lowercase');
    expect(() => new WordTokenizer({ locale: 'not a locale' })).toThrow(
      'got locale: "not a locale", expected a language tag',
    );
    expect(() => new WordTokenizer({ stopWords: 'klingon' })).toThrow(
      /got stopWords: "klingon", expected a language with a list of stop words: af, ar, .*zu\./,
    );
    expect(() => new WordTokenizer({ stopWords: [1] as never })).toThrow(
      'expected an array of words, or the name of a language',
    );
    expect(() => words(5 as never)).toThrow(OptionError);
    expect(() => words(['a'] as never)).toThrow(
      'got ["a"] as text, expected a string.\n  Fix: pass one text at a time.',
    );
  });
});

test('join puts spaces where the script has them', () => {
  const tokenizer = new WordTokenizer();
  expect(tokenizer.join(tokenizer.tokenize('Call now!'))).toBe('call now !');
  expect(tokenizer.join(tokenizer.tokenize('我喜欢 iPhone 学习。'))).toBe('我喜欢 iphone 学习 。');
  expect(tokenizer.join([])).toBe('');
});

test('a run of a million letters without a space', () => {
  const text = '我喜欢学习'.repeat(200_000);
  const found = new WordTokenizer().tokenize(text);
  expect(found.join('')).toBe(text);
  expect(new Set(found)).toEqual(new Set(['我', '喜欢', '学习']));
  expect(found).toHaveLength(600_000);
});

test('a long text after a short one, and a short one after it', () => {
  const tokenizer = new WordTokenizer();
  const long = Array.from({ length: 100_000 }, (_, i) => `word${i}`);
  expect(tokenizer.tokenize('a b')).toEqual(['a', 'b']);
  expect(tokenizer.tokenize(long.join(' '))).toEqual(long);
  expect(tokenizer.tokenize('c')).toEqual(['c']);
  expect(tokenizer.tokenize('\ud800 x\udc00y')).toEqual(['x', 'y']); // halves of characters are blanks
});
