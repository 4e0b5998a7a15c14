import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { catalogue } from '../../../src/tasks/catalogue';
import { isJsonLines } from '../../../src/tasks/catalogue/json-lines';
import { fileMaker } from '../../support/text-file';

const file = fileMaker();

test('the name of a file tells', () => {
  const isSo = (from: string | Readable): boolean => isJsonLines({ from });
  expect(['a.jsonl', 'b/c.ndjson', 'd.JSON', 'e.jsonl.gz'].map(isSo)).toEqual([true, true, true, true]);
  expect(['a.csv', 'jsonl', 'a.jsonl.txt', Readable.from([])].map(isSo)).toEqual([false, false, false, false]);
});

test.each(catalogue.map((entry) => [entry.name, entry] as const))('%s reads .json as such', async (_, entry) => {
  const record = {
    text: 'one',
    label: 'a',
    tokens: ['one'],
    tags: ['X'],
    source: 'one',
    target: 'un',
    customer: 1,
    date: 2,
    path: 'a.wav',
    story: 'one',
    context: 'a one',
    question: 'what',
    answer: 'a',
  };
  const from = file(`${entry.name}.json`, `${JSON.stringify(record)}\n{"broken\n`);
  await expect(entry.examples({ from, settings: {} })).rejects.toThrow(/\.json, line 2/);
});
