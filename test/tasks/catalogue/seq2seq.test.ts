import { expect, test } from 'vitest';
import { lm } from '../../../src/tasks/catalogue/lm';
import { seq2seq } from '../../../src/tasks/catalogue/seq2seq';

test('all pairs of a source are in one part', () => {
  const pairs = Array.from({ length: 60 }, (_, at) => ({ source: String(at % 20), target: String(at) }));
  const { train = [], validation = [], how } = seq2seq.holdBack(pairs, 0.1, 3, {}) ?? {};
  expect([train.length, validation.length, how]).toEqual([54, 6, '10 % of the sources, drawn by seed 3']);
  const learned = new Set(train.map(({ source }) => source));
  expect(validation.filter(({ source }) => learned.has(source))).toEqual([]);
  expect(seq2seq.holdBack(pairs.slice(0, 3), 0.1, 3, {})).toBeUndefined();
});

test('another task is refused', async () => {
  await expect(seq2seq.predicting?.predict(lm.make({}), ['a'], {})).rejects.toThrow(
    'seq2seq: got the task lm, expected a Seq2Seq.',
  );
});

test('attention is told as the text has its tokens', () => {
  const attention = {
    source: ['I', ' am', ' '],
    target: [' je', ' suis', ''],
    weights: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  };
  const [row] = seq2seq.rows?.('I am ', { text: 'je suis', score: -1, tokens: [], attention }) ?? [];
  expect(row?.['attention']).toBe('je←I suis←am ←␣');
});
