import { expect, test } from 'vitest';
import { WordTokenizer } from 'stmnet';
import { TokenSpacing } from '../../src/tasks/token-spacing';

const tokenizer = new WordTokenizer({ lowercase: false });

test('words are written with blanks where the texts of training have them', () => {
  const texts = ['Va !', 'Oui, (je sais) !', 'Bien.', 'Non, (pas lui).', 'Dis « oui ».'];
  const spacing = TokenSpacing.fit(texts, tokenizer);
  for (const text of texts) expect(spacing.join(tokenizer.tokenize(text), tokenizer)).toBe(text);
  expect(spacing.join(['Je', ',', '(', 'lui', ')', 'non', '.'], tokenizer)).toBe('Je, (lui) non.');
  const again = new TokenSpacing(spacing.parts);
  expect(again.join(['Va', '!'], tokenizer)).toBe('Va !');
  expect(spacing.join([], tokenizer)).toBe('');
});

test('English punctuation touches the word before it, and words without spaces each other', () => {
  const spacing = TokenSpacing.fit(['Go!', 'I know.', "Don't!"], tokenizer);
  expect(spacing.join(['Go', 'on', '!'], tokenizer)).toBe('Go on!');
  expect(spacing.join(['我', '喜欢'], tokenizer)).toBe('我喜欢');
});

test('a token that is written in another form of Unicode teaches nothing', () => {
  const spacing = TokenSpacing.fit(['e\u0301te\u0301.'], tokenizer);
  expect(spacing.join(['été', '.'], tokenizer)).toBe('été .');
});
