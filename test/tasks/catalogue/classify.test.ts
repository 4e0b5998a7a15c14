import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { classify } from '../../../src/tasks/catalogue/classify';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

test('columns by name, in any order, and several labels of a text', async () => {
  const from = file('texts.csv', 'label,2020,text\n"a, b",x,"one, two"\n,y,three\n');
  const settings = { multiLabel: true };
  expect(await classify.examples({ from, settings })).toEqual([
    { text: 'one, two', labels: ['a', 'b'] },
    { text: 'three', labels: [] },
  ]);
  expect((await classify.examples({ from, settings: { ...settings, textColumn: '2020' } }))[0]?.text).toBe('x');
  expect(await refusal(classify.examples({ from, settings: {} }))).toMatch(
    /got an empty label in .*, line \d, expected a label\.\n {2}Fix: .*; where texts may have none, .* --multi-label/,
  );
});

test('what divides labels is refused where each text has one', async () => {
  const from = file('texts.csv', 'label,text\na;b,one\n');
  const settings = { labelDelimiter: ';' };
  expect(await classify.examples({ from, settings: { ...settings, multiLabel: true } })).toEqual([
    { text: 'one', labels: ['a', 'b'] },
  ]);
  await expect(classify.examples({ from, settings })).rejects.toThrow('labelDelimiter: ";" where each text has one');
});

test('several labels in JSON Lines: a text, an array or a value, and nothing else', async () => {
  const read = (label: string): ReturnType<typeof classify.examples> =>
    classify.examples({ from: file('texts.jsonl', `{"text":"one"${label}}\n`), settings: { multiLabel: true } });
  const labels = async (label: string): Promise<unknown> => (await read(label))[0]?.labels;
  expect(await labels(',"label":"a, b"')).toEqual(['a', 'b']);
  expect(await labels(',"labels":["a",2,true]')).toEqual(['a', '2', 'true']);
  expect(await labels(',"labels":[" a "," ",""]')).toEqual(['a']);
  expect(await labels(',"labels":[" "]')).toEqual([]);
  expect(await labels(',"labels":[]')).toEqual([]);
  expect(await labels(',"labels":["a,b"]')).toEqual(['a,b']);
  expect(await labels(',"labels":null')).toEqual([]);
  expect(await labels(',"label":null')).toEqual([]);
  expect(await labels(',"label":3')).toEqual(['3']);
  expect(await labels(',"label":false')).toEqual(['false']);
  expect(await refusal(read(''))).toContain('got label: undefined in');
  expect(await refusal(read(',"label":{"a":1}'))).toContain(
    'expected labels: a text of them, or an array, [] for none.',
  );
  expect(await refusal(read(',"labels":["a",{"b":1}]'))).toContain('texts.jsonl, line 1');
});

test('a file without a header is told from one with it', async () => {
  const from = file('plain.tsv', `ham\t${'a text that is long '.repeat(5)}\n`);
  const reading = classify.examples({ from, settings: {} });
  await expect(reading).rejects.toThrow(
    'expected one of the columns ham, a text that is long a text that is long ….\n' +
      '  Fix: name the column that is meant by --text-column, or give its number; where the first line is an ' +
      'example, pass --no-header.',
  );
});

test.each([
  ['texts.csv', 'text;label\na;b\n', {}, ';'],
  ['texts.csv', 'text\tlabel\na\tb\n', {}, '\\t'],
  ['texts.tsv', 'text,label\na,b\n', {}, ','],
  ['texts.csv', 'note, or text;label\na, b;c\n', {}, ';'],
  ['texts.csv', 'a|b\n', { header: false, textColumn: '1', labelColumn: '0' }, '|'],
])('a delimiter that the fields of %s seem to have is named: %j', async (name, content, settings, sign) => {
  const reading = classify.examples({ from: file(name, content), settings });
  await expect(reading).rejects.toThrow(`Fix: pass --delimiter '${sign}' if that divides the fields, or name the`);
});

test('a header without a row is told', async () => {
  const from = file('empty.csv', 'label,text\n');
  expect(await refusal(classify.examples({ from, settings: {} }))).toContain('which has a header and no row');
});

test('each label is in both parts, and one that is there once stays in training', () => {
  const labels = [...new Array<string>(20).fill('a'), ...new Array<string>(10).fill('b'), 'c'];
  const all = labels.map((label, at) => ({ text: String(at), label }));
  const { train = [], validation = [] } = classify.holdBack(all, 0.1, 3, {}) ?? {};
  expect(validation.map(({ label }) => label)).toEqual(['a', 'a', 'b']);
  expect(train.map(({ label }) => label)).toContain('c');
  expect(train.length + validation.length).toBe(all.length);
  expect(classify.holdBack(all.slice(0, 4), 0.1, 3, {})).toBeUndefined();
});

test('blanks around a label are no part of it: of the only one the task takes them off', async () => {
  const from = file('blanks.csv', 'text,label\none,spam \ntwo, spam\nthree,spam\nfour,  \n');
  const rows = file('three.csv', 'text,label\none,spam \ntwo, spam\nthree,spam\n');
  const all = await classify.examples({ from: rows, settings: {} });
  expect(all.map(({ label }) => label)).toEqual(['spam ', ' spam', 'spam']);
  expect(classify.holdBack(all, 0.34, 3, {})?.validation).toHaveLength(1);
  expect(await refusal(classify.examples({ from, settings: {} }))).toContain(
    'got an empty label in blanks.csv, line 5',
  );
  const lines = file('blanks.jsonl', '{"text":"one","label":" a"}\n{"text":"two","label":["b ","c"]}\n');
  expect(
    (await classify.examples({ from: lines, settings: { multiLabel: true } })).map(({ labels }) => labels),
  ).toEqual([['a'], ['b', 'c']]);
});

test('a column whose name another one has is refused, unless it is given by its number', async () => {
  const from = file('twice.csv', 'text,label,label,other,other\none,a,x,1,2\n');
  expect(await refusal(classify.examples({ from, settings: {} }))).toBe(
    `FormatError: classify: got 2 columns named "label" in twice.csv, line 1, expected one that --label-column can ` +
      'mean.\n' +
      '  Fix: rename the others, or give the number of the one that is meant: --label-column 1.',
  );
  expect(await classify.examples({ from, settings: { labelColumn: '2' } })).toEqual([{ text: 'one', label: 'x' }]);
});

const piped = async (contents: string, settings: object, like?: string): Promise<string[]> => {
  const all: string[] = [];
  const from = new PassThrough().end(contents);
  for await (const text of classify.inputs({ from, settings: { ...settings }, like })) all.push(text);
  return all;
};

test('a stream of texts that begins as a table with the column of the texts is refused', async () => {
  const settings = { textColumn: 'message' };
  for (const header of ['id,message', 'message\tkind', 'id;"message"'])
    await expect(piped(`${header}\n1,one\n`, settings)).rejects.toThrow(
      `which seems to be a table that begins with ${header}, expected a text a line.\n` +
        '  Fix: pass --format table, or --format text if each line is a text.',
    );
  await expect(piped('{"message":"one"}\n', settings)).rejects.toThrow('seems to be JSON Lines that begins with');
  expect(await piped('id,message\n', { ...settings, format: 'text' })).toEqual(['id,message']);
  expect(await piped('id,message\n', { ...settings, header: false })).toEqual(['id,message']);
  expect(await piped('message\nid,my message\n{"text":"a"}\n', settings)).toEqual([
    'message',
    'id,my message',
    '{"text":"a"}',
  ]);
});

test('a table of a stream is divided by what its header has, or else the file of the training', async () => {
  const table = { format: 'table' };
  expect(await piped('id,text\n1,one\n', table)).toEqual(['one']);
  expect(await piped('text;id\n"one; two";2\n', table, 'texts.csv')).toEqual(['one; two']);
  expect(await piped('text\tid\none, two\t2\n', table, 'texts.csv')).toEqual(['one, two']);
  const second = { ...table, header: false, textColumn: '1' };
  expect(await piped('1,one\n', second, 'texts.csv.gz')).toEqual(['one']);
  expect(await piped('1\tone, two\n', second)).toEqual(['one, two']);
  expect(await piped('1|one\n', { ...second, delimiter: '|' }, 'texts.csv')).toEqual(['one']);
});

test('a row that is too long is told without names that its columns do not have', async () => {
  const from = file('texts.csv', 'label,text\na,one\nb,two,three\n');
  expect(await refusal(classify.examples({ from, settings: {} }))).toContain(', line 3, expected 2, as before.');
});

test('a line of JSON with another field names it, and what stands there', async () => {
  const from = file('field.jsonl', '{"text":"one","label":"a"}\n{"text":7,"label":"b"}\n');
  expect(await refusal(classify.examples({ from, settings: {} }))).toContain('got text: 7 in ');
});
