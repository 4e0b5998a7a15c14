import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { entryOf } from '../../../src/tasks/catalogue';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('catalogue-qa', (made) => (folder = made));

const entry = entryOf('stmnet', 'qa');
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

const one = { story: ['Mary moved to the bathroom.'], question: 'Where is Mary?', answer: 'bathroom' };
const two = { ...one, story: [...one.story, 'John went home.'] };
const three = { story: ['Al sat.'], question: 'Who sat?', answer: 'Al' };
const babi =
  '1 Mary moved to the bathroom.\n2 Where is Mary? \tbathroom\t1\n3 John went home.\n4 Where is Mary?\tbathroom\t1\n' +
  '1 Al sat.\n2 Who sat?\tAl\t1\n';

test('reads files of bAbI, JSON Lines and tables', async () => {
  expect(await read(written('a.txt', babi))).toEqual([one, two, three]);
  const lines = [one, { ...three, story: 'Al sat.' }].map((record) => `${JSON.stringify(record)}\n`).join('');
  expect(await read(written('a.jsonl', lines))).toEqual([one, { ...three, story: 'Al sat.' }]);
  const table = 'told,question,answer\n"Al sat. Bo ran.",Who ran?,Bo\n';
  expect(await read(written('a.csv', table), { storyColumn: 'told' })).toEqual([
    { story: 'Al sat. Bo ran.', question: 'Who ran?', answer: 'Bo' },
  ]);
});

test('asks about files with or without answers, and about a text whose last sentence is the question', async () => {
  const { answer: _, ...question } = one;
  expect(await asked(written('b.txt', '1 Mary moved to the bathroom.\n2 Where is Mary?\n'))).toEqual([question]);
  expect(await asked(written('b.jsonl', `${JSON.stringify(question)}\n`))).toEqual([question]);
  expect(await asked(written('b.csv', 'story,question\nAl sat.,Who sat?\n'))).toEqual([
    { story: 'Al sat.', question: 'Who sat?' },
  ]);
  expect(entry.inputOf('Mary moved to the bathroom. Where is Mary?')).toEqual(question);
  expect(entry.row(question, { answer: 'bathroom', probability: 0.5 })).toEqual({
    answer: 'bathroom',
    probability: 0.5,
    question: 'Where is Mary?',
  });
});

test('a line of a pipe is a story and its question, unless it begins as bAbI or JSON', async () => {
  const piped = (text: string, settings: object = {}): Promise<unknown[]> =>
    asked(Readable.from([Buffer.from(text)]), settings);
  const { answer: _, ...question } = one;
  const other = { story: ['Al sat.', 'Bo ran.'], question: 'Who ran?' };
  const lines = 'Mary moved to the bathroom. Where is Mary?\nAl sat. Bo ran. Who ran?\n';
  expect(await piped(lines)).toEqual([question, other]);
  expect(await asked(written('f.txt', lines), { format: 'text' })).toEqual([question, other]);
  expect(await piped('1 Mary moved to the bathroom.\n2 Where is Mary?\n')).toEqual([question]);
  expect(await piped(`${JSON.stringify(question)}\n`, { format: 'jsonl' })).toEqual([question]);
  await expect(piped(`${JSON.stringify(question)}\n`)).rejects.toThrow('give JSON Lines (.jsonl)');
  await expect(piped(`${lines}Who ran?\n`)).rejects.toThrow(
    'qa: got "Who ran?" in standard input, line 3, one sentence, expected sentences, of which the last one is the ' +
      'question.\n  Fix: write such as "Mary went to the garden. Where is Mary?"',
  );
  await expect(asked(join(folder, 'f.txt'))).rejects.toThrow(
    'if each line is a story and its question, pass --format text',
  );
  await expect(read(join(folder, 'f.txt'), { format: 'text' })).rejects.toThrow('got --format text for examples');
});

test('a line of a pipe that begins with a number is one of bAbI only with 1 and one sentence', async () => {
  const piped = (text: string, settings: object = {}): Promise<unknown[]> =>
    asked(Readable.from([Buffer.from(text)]), settings);
  expect(await piped('3 men went to the garden. Where are they?\n')).toEqual([
    { story: ['3 men went to the garden.'], question: 'Where are they?' },
  ]);
  expect(await piped('1 man went home. Where is he?\n')).toEqual([
    { story: ['1 man went home.'], question: 'Where is he?' },
  ]);
  const none = '1 Al sat. Bo ran.\n2 Who sat?\n';
  await expect(piped(none)).rejects.toThrow('got "2 Who sat?" in standard input, line 2, one sentence');
  expect(await piped(none, { format: 'babi' })).toEqual([{ story: ['Al sat. Bo ran.'], question: 'Who sat?' }]);
  expect(await piped('1 Who sat?\tAl\t1\n')).toEqual([{ story: [], question: 'Who sat?' }]);
});

test('blank lines of texts are passed over', async () => {
  const lines = '\nAl sat. Who sat?\n  \nBo ran. Who ran?\n\n';
  const expected = [
    { story: ['Al sat.'], question: 'Who sat?' },
    { story: ['Bo ran.'], question: 'Who ran?' },
  ];
  expect(await asked(Readable.from([Buffer.from(lines)]))).toEqual(expected);
  expect(await asked(written('j.txt', lines), { format: 'text' })).toEqual(expected);
  await expect(asked(Readable.from([Buffer.from(`${lines}Who?\n`)]))).rejects.toThrow('standard input, line 6');
});

test('refuses a question without a story, and nothing', () => {
  expect(() => entry.inputOf('')).toThrow('got "", nothing, expected sentences, of which the last one is the question');
  expect(() => entry.inputOf('Where is Mary?')).toThrow('got "Where is Mary?", one sentence');
});

test('names what has no tab in a file of bAbI', async () => {
  const blanks = written('g.txt', babi.replaceAll('\t', '    '));
  await expect(read(blanks)).rejects.toThrow(
    `got "Where is Mary?     bathroom    1" in ${blanks}, line 2, expected a question as a number, a question, a tab`,
  );
  const single = written('h.txt', '1 Al sat.\n2 Who sat? Al 1\n');
  await expect(read(single)).rejects.toThrow(`got "Who sat? Al 1" in ${single}, line 2`);
  const none = written('i.txt', '1 Al sat.\n2 "Who sat?" asked Bo.\n3 Who sat? Bo asked.\n');
  await expect(read(none)).rejects.toThrow(`got 3 lines of ${none}, of which none is a question`);
});

test('names lines that are none', async () => {
  const refused = (from: string): Promise<string> => read(from).then(String, String);
  expect(await refused(written('c.txt', '1 Al sat.\nWho sat?\tAl\n'))).toContain(
    'line 2, expected a number and a sentence',
  );
  expect(await refused(written('d.txt', '1 Al sat.\n2 Who sat?\n'))).toContain('no answer to "Who sat?" in ');
  expect(await refused(written('c.jsonl', '{"story":"Al sat."}\n'))).toContain('line 1, expected a story, a question');
  expect(await refused(written('k.jsonl', '{"story":5,"question":"Who?","answer":"Al"}\n'))).toContain(
    'got story: 5 in ',
  );
  expect(await refused(written('l.jsonl', `${JSON.stringify({ ...one, answer: 5 })}\n`))).toContain(
    'got answer: 5 in ',
  );
  expect(await refused(written('c.csv', 'story,question\nAl sat.,Who sat?\n'))).toContain('"answer" (--answer-column)');
  expect(await refused(written('e.txt', `${JSON.stringify(one)}\n`))).toContain('pass --format jsonl');
});
