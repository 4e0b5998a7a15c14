import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { tag } from '../../../src/tasks/catalogue/tag';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();
const listed = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

test('sentences in columns, the first and the last by default', async () => {
  const from = file('train.txt', 'to IN O\nOslo NNP B-city\n\nby IN O\n');
  expect(await tag.examples({ from, settings: {} })).toEqual([
    { tokens: ['to', 'Oslo'], tags: ['O', 'B-city'] },
    { tokens: ['by'], tags: ['O'] },
  ]);
  const other = { from, settings: { tokenColumn: '0', tagColumn: '1' } };
  expect((await tag.examples(other))[0]?.tags).toEqual(['IN', 'NNP']);
  expect(await listed(tag.inputs({ from, settings: {} }))).toEqual([['to', 'Oslo'], ['by']]);
  await expect(tag.examples({ from, settings: { tagColumn: '3' } })).rejects.toThrow(
    `got the column "3" (--tag-column), which ${from} does not have, expected one of the columns 0, 1, 2.`,
  );
});

test('where a document begins is no sentence', async () => {
  const from = file('train.conll', '-DOCSTART- O\n\nto O\nOslo B-city\n\n-DOCSTART- O\n\n');
  expect(await tag.examples({ from, settings: {} })).toEqual([{ tokens: ['to', 'Oslo'], tags: ['O', 'B-city'] }]);
});

test('JSON Lines with tokens, tags and a label', async () => {
  const from = file('train.jsonl', '{"tokens":["to","Oslo"],"tags":["O","B-city"],"label":"travel"}\n');
  expect(await tag.examples({ from, settings: {} })).toEqual([
    { tokens: ['to', 'Oslo'], tags: ['O', 'B-city'], label: 'travel' },
  ]);
  const short = file('short.jsonl', '{"tokens":["to","Oslo"],"tags":["O"]}\n');
  expect(await refusal(tag.examples({ from: short, settings: {} }))).toContain('expected a tag for each of 2 tokens');
});

test('a pipe has a sentence a line, whose words are found, or which is divided already', async () => {
  const pipe = (): Readable => Readable.from([Buffer.from("I don't live in Oslo.\n")]);
  expect((await listed(tag.inputs({ from: pipe(), settings: {} })))[0]?.slice(-2)).toEqual(['Oslo', '.']);
  const divided = tag.inputs({ from: pipe(), settings: { format: 'tokens' } });
  expect(await listed(divided)).toEqual([['I', "don't", 'live', 'in', 'Oslo.']]);
});

test('a part is held back, unless there are too few', () => {
  const all = Array.from({ length: 20 }, (_, at) => ({ tokens: [String(at)], tags: ['O'] }));
  const { train = [], validation = [], how } = tag.holdBack(all, 0.1, 1, {}) ?? {};
  expect([train.length, validation.length, how]).toEqual([18, 2, '10 %, drawn by seed 1']);
  expect(new Set([...train, ...validation])).toEqual(new Set(all));
  expect(tag.holdBack(all.slice(0, 4), 0.1, 1, {})).toBeUndefined();
});
