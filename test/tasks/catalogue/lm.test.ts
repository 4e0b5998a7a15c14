import { expect, test } from 'vitest';
import { lm } from '../../../src/tasks/catalogue/lm';
import { fileMaker } from '../../support/text-file';

const file = fileMaker();

test('a file is one text, or a document a line', async () => {
  const from = file('book.txt', 'one\n\ntwo\n');
  const whole = await lm.examples({ from, settings: {} });
  expect(whole).toEqual(['one\n\ntwo\n']);
  expect(lm.forTask(whole)).toBe('one\n\ntwo\n');
  expect(await lm.examples({ from, settings: { format: 'lines' } })).toEqual(['one', '', 'two']);
  const lines = file('docs.jsonl', '{"text":"one"}\n"two"\n');
  expect(await lm.examples({ from: lines, settings: {} })).toEqual(['one', 'two']);
});

test('the end of a text is held back, from the beginning of a line on', () => {
  const text = `${'x'.repeat(9)}\n`.repeat(20);
  const { train, validation, how } = lm.holdBack([text], 0.12, 1, {}) ?? {};
  expect([train?.[0]?.length, validation?.[0]?.length, how]).toEqual([180, 20, 'the last 12 % of the text']);
  expect(lm.holdBack(['one line alone\n'], 0.1, 1, {})).toBeUndefined();
});
