import { expect, test } from 'vitest';
import { alone } from '../../src/files/alone';

test('a copy is the same text, halves of characters included', () => {
  const texts = [
    '',
    'short',
    'twelve units',
    'thirteen unit',
    'é'.repeat(40),
    '文字'.repeat(40),
    `${'x'.repeat(20)}\uD83D`,
  ];
  for (const text of texts) expect(alone(`,${text},`.slice(1, -1))).toBe(text);
});
