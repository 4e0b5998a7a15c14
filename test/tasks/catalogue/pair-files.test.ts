import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readPairs, readSources } from '../../../src/tasks/catalogue/pair-files';
import type { DataSource } from '../../../src/tasks/catalogue/task-entry';
import { calledPlace } from '../../../src/tasks/example-place';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();
const sources = async (source: DataSource): Promise<string[]> => {
  const all: string[] = [];
  for await (const text of readSources(source)) all.push(text);
  return all;
};
const pairs = [
  { source: 'Go.', target: 'Va !' },
  { source: 'I "know".', target: 'Je sais.' },
];

test('a table with a header, or without one its first two columns', async () => {
  const rows = 'Go.\tVa !\tx\nI "know".\tJe sais.\ty\n';
  const named = file('pairs.tsv', `source\ttarget\tby\n${rows}`);
  expect(await readPairs({ from: named, settings: {} })).toEqual(pairs);
  const plain = file('plain.tsv', rows);
  expect(await readPairs({ from: plain, settings: { header: false } })).toEqual(pairs);
  const settings = { header: false, sourceColumn: '2', targetColumn: '0' };
  expect((await readPairs({ from: plain, settings }))[0]).toEqual({ source: 'x', target: 'Go.' });
  expect(await sources({ from: named, settings: {} })).toEqual(['Go.', 'I "know".']);
  await expect(readPairs({ from: plain, settings: {} })).rejects.toThrow(
    'got the column "source" (--source-column), which',
  );
});

test('JSON Lines, and where a line of them is wrong', async () => {
  const from = file('pairs.jsonl', `${pairs.map((pair) => JSON.stringify(pair)).join('\n')}\n{"source":"a"}\n`);
  expect(await refusal(readPairs({ from, settings: {} }))).toBe(
    'FormatError: seq2seq: got no target in pairs.jsonl, line 3, ' +
      'expected an object with the texts source and target.\n  Fix: mend the line, or leave it out.',
  );
  expect(await sources({ from, settings: {} })).toEqual(['Go.', 'I "know".', 'a']);
  const texts = file('texts.jsonl', '"Go."\n{"en":"a"}\n');
  expect(await refusal(sources({ from: texts, settings: {} }))).toContain('texts.jsonl, line 2, expected a text, or');
  const number = file('number.jsonl', '{"source":"a","target":"b"}\n{"source":"a","target":5}\n');
  expect(await refusal(readPairs({ from: number, settings: {} }))).toContain('got target: 5 in ');
  const none = file('none.jsonl', '{"target":"b"}\n');
  expect(await refusal(readPairs({ from: none, settings: {} }))).toContain('got no source in ');
});

test('two files side by side, named by their extensions', async () => {
  const from = file('train.en', 'Go.\nI "know".\n');
  file('train.fr', 'Va !\nJe sais.\n');
  const settings = { targetExtension: 'fr' };
  const read = await readPairs({ from, settings });
  expect(read).toEqual(pairs);
  expect(calledPlace(read[1], '')).toMatch(/train\.en, line 2$/);
  expect(await readPairs({ from, settings: { targetExtension: '.fr' } })).toEqual(pairs);
  expect(await sources({ from, settings })).toEqual(['Go.', 'I "know".']);
  await expect(readPairs({ from, settings: { targetExtension: 'en' } })).rejects.toThrow(
    'expected another extension than that of the sources',
  );
  file('train.de', 'Geh!\n');
  expect(await refusal(readPairs({ from, settings: { targetExtension: 'de' } }))).toBe(
    'FormatError: streamParallel: got train.de with 1 lines, and train.en with more, ' +
      'expected files of as many lines, which belong together one by one.\n' +
      '  Fix: look for lines that are missing or divided, also empty ones at the end.',
  );
  const stream = new PassThrough().end('Go.\n');
  await expect(readPairs({ from: stream, settings })).rejects.toThrow('--target-extension with standard input');
});

test('texts alone are for predictions', async () => {
  const stream = (): PassThrough => new PassThrough().end('Go.\nRun!\n');
  expect(await sources({ from: stream(), settings: {} })).toEqual(['Go.', 'Run!']);
  await expect(readPairs({ from: stream(), settings: { format: 'text' } })).rejects.toThrow('pass --format table');
  const from = file('words.txt', 'Go.\nRun!\n');
  expect(await sources({ from, settings: {} })).toEqual(['Go.', 'Run!']);
  await expect(readPairs({ from, settings: {} })).rejects.toThrow('write source and target in each row');
});
