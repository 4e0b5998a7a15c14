import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
const asked = async (from: string): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const input of entry.inputs({ from, settings: {} })) all.push(input);
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

test('names lines that are none', async () => {
  const refused = (from: string): Promise<string> => read(from).then(String, String);
  expect(await refused(written('c.txt', '1 Al sat.\nWho sat?\tAl\n'))).toContain(
    'line 2, expected a number and a sentence',
  );
  expect(await refused(written('d.txt', '1 Al sat.\n2 Who sat?\n'))).toContain('no answer to "Who sat?" in ');
  expect(await refused(written('c.jsonl', '{"story":"Al sat."}\n'))).toContain('line 1, expected a story, a question');
  expect(await refused(written('c.csv', 'story,question\nAl sat.,Who sat?\n'))).toContain('"answer" (--answer-column)');
  expect(await refused(written('e.txt', `${JSON.stringify(one)}\n`))).toContain('pass --format jsonl');
});
