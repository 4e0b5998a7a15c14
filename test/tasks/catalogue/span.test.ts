import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { entryOf } from '../../../src/tasks/catalogue';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('catalogue-span', (made) => (folder = made));

const entry = entryOf('stmnet', 'span');
const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const read = (from: string, settings: object = {}): Promise<readonly unknown[]> =>
  entry.examples({ from, settings: { ...settings } });
const asked = async (from: string | Readable, settings: object = {}): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const input of entry.inputs({ from, settings: { ...settings } })) all.push(input);
  return all;
};
const lines = (...records: readonly object[]): string => records.map((one) => `${JSON.stringify(one)}\n`).join('');

const one = { context: 'Al sat in Rome. Bo sat, too.', question: 'Who sat?', answer: 'Al' };
const two = { ...one, answer: ['Bo', 'Al'], start: 16 };

test('reads JSON Lines and tables, with and without a start', async () => {
  expect(await read(written('a.jsonl', lines(one, two)))).toEqual([one, two]);
  expect(await read(written('a.txt', lines(one)))).toEqual([one]);
  const table = 'text,question,answer,start\n"Al sat, Bo ran.",Who ran?,Bo,8\n"Al sat.",Who sat?,Al,\n';
  expect(await read(written('a.csv', table), { contextColumn: 'text' })).toEqual([
    { context: 'Al sat, Bo ran.', question: 'Who ran?', answer: 'Bo', start: 8 },
    { context: 'Al sat.', question: 'Who sat?', answer: 'Al' },
  ]);
  expect(await read(written('b.csv', 'context,question,answer\nAl sat.,Who sat?,Al\n'))).toEqual([
    { context: 'Al sat.', question: 'Who sat?', answer: 'Al' },
  ]);
});

test('asks about files with or without answers, and about a text whose last sentence is the question', async () => {
  const { answer: _, ...question } = one;
  expect(await asked(written('c.jsonl', lines(question)))).toEqual([question]);
  expect(await asked(written('c.csv', 'context,question\nAl sat.,Who sat?\n'))).toEqual([
    { context: 'Al sat.', question: 'Who sat?' },
  ]);
  expect(entry.inputOf('Al sat in Rome.  Bo sat, too. Who sat?')).toEqual({
    context: 'Al sat in Rome.  Bo sat, too.',
    question: 'Who sat?',
  });
  expect(entry.row(question, { answer: 'Al', start: 0, end: 2, probability: 0.5 })).toEqual({
    answer: 'Al',
    probability: 0.5,
    question: 'Who sat?',
  });
});

test('a line of a pipe is a context and its question, unless it begins as JSON', async () => {
  const piped = (text: string, settings: object = {}): Promise<unknown[]> =>
    asked(Readable.from([Buffer.from(text)]), settings);
  const { answer: _, ...question } = one;
  const other = { context: 'Al sat.', question: 'Who sat?' };
  const text = 'Al sat in Rome. Bo sat, too. Who sat?\n\nAl sat. Who sat?\n';
  expect(await piped(text)).toEqual([question, other]);
  expect(await piped(lines(question, other))).toEqual([question, other]);
  await expect(piped(`${text}Who?\n`)).rejects.toThrow('got "Who?" in standard input, line 4, one sentence, expected');
  await expect(piped('{"data": []}', { format: 'squad' })).rejects.toThrow(
    'span: got --format squad of standard input, expected a file, which is read as a whole.\n  Fix: name the file',
  );
});

test('takes whole numbers alone for a start', async () => {
  const starts = async (...given: readonly unknown[]): Promise<unknown[]> =>
    (await read(written('s.jsonl', lines(...given.map((start) => ({ ...one, start })))))).map(
      (read) => (read as { start?: number }).start,
    );
  expect(await starts(0, ' 16 ', '16', ' ', '', null)).toEqual([0, 16, 16, undefined, undefined, undefined]);
  for (const odd of [false, true, [], '0x10', '1e1', 1.5, -1, '-0'])
    await expect(starts(odd)).rejects.toThrow(`got start ${JSON.stringify(odd)} in `);
});

test('names lines that are none', async () => {
  const refused = (from: string): Promise<string> => read(from).then(String, String);
  const { answer: _, ...question } = one;
  expect(await refused(written('d.jsonl', lines(one, question)))).toContain('no answer to "Who sat?" in ');
  expect(await refused(written('d.jsonl', lines(one, question)))).toContain('d.jsonl, line 2');
  expect(await refused(written('e.jsonl', lines(one, { ...one, start: -1 })))).toContain('start -1 in ');
  expect(await refused(written('f.jsonl', '{"context":"Al sat."}\n'))).toContain('line 1, expected a context, a');
  expect(await refused(written('h.jsonl', lines(one, { ...one, question: 5 })))).toContain('got question: 5 in ');
  expect(await refused(written('f.csv', 'context,question\nAl sat.,Who?\n'))).toContain('"answer" (--answer-column)');
  expect(await refused(written('g.jsonl', 'context,question\nAl sat.,Who?\n'))).toContain('pass --format table');
});

test('keeps all questions of a context in one part', () => {
  const all = Array.from({ length: 60 }, (_, at) => ({ ...one, context: `Al ${at % 20}`, question: String(at) }));
  const { train = [], validation = [], how } = entry.holdBack(all, 0.1, 3, {}) ?? {};
  expect([train.length, validation.length, how]).toEqual([54, 6, '10 % of the contexts, drawn by seed 3']);
  const learned = new Set((train as typeof all).map(({ context }) => context));
  expect((validation as typeof all).filter(({ context }) => learned.has(context))).toEqual([]);
  expect(entry.holdBack(all.slice(0, 3), 0.1, 3, {})).toBeUndefined();
});

test('refuses a question without a text, and nothing', () => {
  expect(() => entry.inputOf('')).toThrow('got "", nothing, expected sentences');
  expect(() => entry.inputOf('Who sat?')).toThrow('got "Who sat?", one sentence, expected sentences');
});
