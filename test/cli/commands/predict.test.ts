import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { dayTexts, stmnet, trainDays } from '../../support/cli';
import { scratchFolder } from '../../support/scratch';

const folder = scratchFolder('cli-predict');
let run = '';
beforeAll(() => {
  run = trainDays(folder);
});

const predict = (args: readonly string[], input: string | Buffer = ''): ReturnType<typeof stmnet> =>
  stmnet(['predict', ...args], {}, { input });

test('answers what stands behind the run, a line each', () => {
  const { code, stdout, stderr } = predict([run, 'what a lovely day', 'a sad one']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^good\t0\.9\d{3}\twhat a lovely day\nbad\t0\.9\d{3}\ta sad one\n$/);
});

test('writes an answer on one line, whatever its text holds', () => {
  const { stdout } = predict([run, 'a sad\tone\nand \\n another']);
  expect(stdout).toMatch(/^bad\t0\.\d+\ta sad\\tone\\nand \\\\n another\n$/);
});

test('answers a pipe of any length in its order, with or without - for it, as JSON Lines', () => {
  const texts = Array.from({ length: 40 }, () => dayTexts.map(([, text]) => text)).flat();
  const { code, stdout, stderr } = predict([run, '-', '--json'], texts.map((text) => `${text}\n`).join(''));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { label: string; input: string });
  expect(answers.map(({ input }) => input)).toEqual(texts);
  expect(answers.slice(0, 60).map(({ label }) => label)).toEqual(dayTexts.map(([label]) => label));
  expect(predict([run], 'a sad one').stdout).toMatch(/^bad\t/);
});

test('an answer that is an array stands beside its input in JSON', () => {
  const [text, output] = [join(folder, 'text.txt'), join(folder, 'lm')];
  writeFileSync(text, 'abcd abcd\n'.repeat(40));
  const small = ['--hidden-size', '4', '--embedding-dim', '4', '--epochs', '1', '--quiet', '--output', output];
  expect(stmnet(['train', 'lm', '--data', text, ...small])).toMatchObject({ code: 0, stderr: '' });
  const { stdout } = predict([output, 'abc', '--json']);
  const { input, prediction, ...rest } = JSON.parse(stdout) as { input: string; prediction: { token: string }[] };
  expect({ input, rest }).toEqual({ input: 'abc', rest: {} });
  expect(prediction.map(({ token }) => token).toSorted()).toEqual(['\n', ' ', '<unk>', 'a', 'b', 'c', 'd']);
});

test('answers a file, and JSON Lines of a pipe', () => {
  const file = predict([run, '--data', join(folder, 'days.tsv')]);
  expect(file.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([...dayTexts.map(([label]) => label), '']);
  const lines = '{"text":"a sad one"}\n"what a lovely day"\n';
  expect(predict([run, '-', '--format', 'jsonl', '--text-column', 'text'], lines).stdout).toMatch(/^bad\t.*\ngood\t/);
});

test.each([
  [[], '', 'standard input, which is empty'],
  [['-'], Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]), 'got standard input, which is a picture (PNG), expected'],
  [['-'], Buffer.from([0xff, 0xfd, 0xff, 0xe0, 0xc3, 0x28]), 'got bytes that are no utf-8 in standard input, line 1'],
  [['-', '--format', 'jsonl'], '{"message": 1}\n', 'in standard input, line 1'],
])('what is wrong with a pipe is said: %j', (args, input, message) => {
  const { code, stdout, stderr } = predict([run, ...args], input);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
});

test.each([
  ['texts', [], (at: number) => `text number ${at}`, 'caf\xe9'],
  [
    'JSON Lines',
    ['--format', 'jsonl', '--text-column', 'text'],
    (at: number) => `{"text":"text number ${at}"}`,
    '{bad',
  ],
  ['JSON Lines of no text', ['--format', 'jsonl'], (at: number) => `"${at}"`, '[1]'],
])('all %s before a bad line are answered', (_, args, line, bad) => {
  const lines = Array.from({ length: 1000 }, (_, at) => line(at));
  const { code, stdout, stderr } = predict([run, '-', ...args], Buffer.from([...lines, bad, ''].join('\n'), 'latin1'));
  expect(stdout.split('\n')).toHaveLength(1001);
  expect({ code, place: stderr.includes('in standard input, line 1001') }).toEqual({ code: 1, place: true });
});

test('a table of a pipe is read as that of the training, where it is told to be one', () => {
  const table = join(folder, 'days.csv');
  writeFileSync(table, `label,text\n${dayTexts.map(([label, text]) => `${label},"${text}"\n`).join('')}`);
  const output = join(folder, 'of-csv');
  const args = ['--data', table, '--epochs', '1', '--hidden-size', '4', '--quiet', '--output', output];
  expect(stmnet(['train', 'classify', ...args]).code).toBe(0);
  const whole = readFileSync(table);
  const { code, stdout, stderr } = predict([output, '-'], whole);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('got standard input, which seems to be a table that begins with label,text, expected');
  const answers = predict([output, '--data', table]);
  expect(answers.stdout.split('\n')).toHaveLength(61);
  for (const data of [['-'], ['--data', '-'], ['--data', '/dev/stdin']])
    expect(predict([output, ...data, '--format', 'table'], whole)).toEqual(answers);
});

test('what says how data are read is refused beside inputs', () => {
  expect(predict([run, 'a day', '--text-column', 'foo'])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'stmnet: got --text-column beside inputs, which are taken as they are, expected it with --data or a pipe. ' +
      'Fix: leave it out.\n',
  });
});

test('both a file and inputs are too much', () => {
  expect(predict([run, 'a day', '--data', 'x.csv'])).toMatchObject({
    code: 2,
    stderr: 'stmnet: got both --data and inputs, expected one of them. Fix: leave one out.\n',
  });
});

test('--help has the forms and columns of the data of any task', () => {
  const text = stmnet(['predict', '--help']).stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain(
    '--format <auto|table|jsonl|text|conll|tokens|lines|paths|babi|squad> what a file is, of which each task takes ' +
      'some; auto goes by its name (default: auto)',
  );
  expect(text).toContain(
    '--text-column <text> column or field of the text: its name, or its number from 0 (default: text)',
  );
  expect(text).toContain(
    '--label-column <text> column or field of the label: its name, or its number from 0 (default:',
  );
});

test('takes a file of texts, and refuses a form that the task of the run does not know', () => {
  const texts = join(folder, 'texts.txt');
  writeFileSync(texts, 'a sad one\nwhat a lovely day\n');
  expect(predict([run, '--data', texts, '--format', 'text']).stdout).toMatch(/^bad\t.*\ngood\t.*\n$/);
  expect(predict([run, '--data', texts, '--format', 'lines'])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'stmnet: got --format lines, expected one of auto, table, jsonl, text for the task classify, ' +
      'which the run holds. Fix: write one of those, or leave --format out.\n',
  });
  expect(predict([run, '--data', texts, '--tag-column', 'tag'])).toMatchObject({
    code: 2,
    stderr:
      'stmnet: got --tag-column, which is no option of the task classify, which the run holds. Fix: leave it out.\n',
  });
});
