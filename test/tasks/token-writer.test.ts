import { expect, test } from 'vitest';
import { BPETokenizer, ByteTokenizer, CharacterTokenizer, WordTokenizer, type Tokenizer } from 'stmnet';
import { TokenWriter } from '../../src/tasks/token-writer';

function pieces(tokenizer: Tokenizer, tokens: readonly string[]): string[] {
  const writer = new TokenWriter(tokenizer);
  return tokens.map((token) => writer.write(token));
}

test('characters of several bytes come with their last one', () => {
  const bytes = new ByteTokenizer();
  expect(pieces(bytes, bytes.tokenize('né 😀'))).toEqual(['n', '', 'é', ' ', '', '', '', '😀']);
  expect(pieces(bytes, ['\xf0', '\x9f', '.'])).toEqual(['', '', '\ufffd.']);
  const pairs = BPETokenizer.train(['ab 😀 ab'], { vocabularySize: 258 });
  expect(pieces(pairs, pairs.tokenize('ab 😀é')).filter((piece) => piece !== '')).toEqual(['ab', ' ', '😀', 'é']);
});

test('words come with the blank before them, and lines without', () => {
  expect(pieces(new WordTokenizer(), ['to', 'be', '\n', 'or', '我', '喜欢'])).toEqual([
    'to',
    ' be',
    '\n',
    'or',
    ' 我',
    '喜欢',
  ]);
  expect(pieces(new CharacterTokenizer(), ['a', ' ', 'é'])).toEqual(['a', ' ', 'é']);
});
