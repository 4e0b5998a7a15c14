import { expect, test } from 'vitest';
import { CharacterTokenizer } from 'stmnet';

const family = '👨‍👩‍👧';

test('characters as a reader sees them, blanks included', () => {
  const tokenizer = new CharacterTokenizer();
  expect(tokenizer.tokenize('Hi you!\n')).toEqual(['H', 'i', ' ', 'y', 'o', 'u', '!', '\n']);
  expect(tokenizer.tokenize(`a\r\nb${family}é🇫🇷e\u0301`)).toEqual(['a', '\r\n', 'b', family, 'é', '🇫🇷', 'é']);
  expect(new CharacterTokenizer({ normalize: 'none' }).tokenize('xe\u0301y')).toEqual(['x', 'e\u0301', 'y']);
  expect(tokenizer.tokenize('กำ語x')).toEqual(['กำ', '語', 'x']);
  expect(tokenizer.tokenize('')).toEqual([]);
});

test('graphemes are those of Intl.Segmenter, whatever stands around them', () => {
  const tokenizer = new CharacterTokenizer({ normalize: 'none' });
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const parts = [
    'a',
    '\r',
    '\n',
    '\u0301',
    '©',
    '\ufe0f',
    family,
    '🇫',
    '語',
    ' ',
    'é',
    '\u200d',
    'ก',
    'ำ',
    '😀',
    '1',
    '\u20e3',
  ];
  let state = 7;
  const next = (): number => (state = (16_807 * state) % (2 ** 31 - 1));
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 10 }, () => parts[next() % parts.length]).join('');
    const expected = Array.from(segmenter.segment(text), ({ segment }) => segment);
    expect(tokenizer.tokenize(text), JSON.stringify(text)).toEqual(expected);
  }
});

test('a long text is divided as a whole one, in time that grows with its length', () => {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const text = `${family}語กำ🇫🇷e\u0301`.repeat(400);
  const expected = Array.from(segmenter.segment(text), ({ segment }) => segment);
  expect(new CharacterTokenizer({ normalize: 'none' }).tokenize(text)).toEqual(expected);
  expect(new CharacterTokenizer().tokenize('語'.repeat(300_000))).toHaveLength(300_000);
  const one = `e${'\u0301'.repeat(5000)}`; // a single character
  expect(new CharacterTokenizer({ normalize: 'none' }).tokenize(`${one}x`)).toEqual([one, 'x']);
});

test('code points, small letters, and back', () => {
  const points = new CharacterTokenizer({ unit: 'codePoint', lowercase: true });
  expect(points.tokenize(`É${family}`)).toEqual(['é', '👨', '\u200d', '👩', '\u200d', '👧']);
  expect(points.join(points.tokenize('Ab c'))).toBe('ab c');
  const config = JSON.parse(JSON.stringify(points.config()));
  expect(config).toEqual({
    class: 'CharacterTokenizer',
    options: { unit: 'codePoint', lowercase: true, normalize: 'NFC' },
  });
  expect(new CharacterTokenizer(config.options).options).toEqual(points.options);
  expect(() => new CharacterTokenizer({ unit: 'byte' as 'grapheme' })).toThrow(
    "expected one of 'grapheme', 'codePoint'",
  );
  expect(() => points.tokenize(null as never)).toThrow('got null as text, expected a string');
});
