import { describe, expect, test } from 'vitest';
import { catalogue } from '../../../src/tasks/catalogue';
import { seemingOfLines } from '../../../src/tasks/catalogue/seeming';
import { fileMaker } from '../../support/text-file';

const file = fileMaker();

describe('what lines seem to be', () => {
  test.each([
    ['text,label\ngood one,good\n"a, b",bad', 'table', 'a table divided by commas that begins with text, label'],
    [
      'id,text\n1,"Good, line one\nand more\n\nbye"\n2,"so\nit is\nand was"\n3,x',
      'table',
      'a table divided by commas that begins with id, text',
    ],
    ['a, b, c\n1, 2, 3', 'table', 'a table divided by commas that begins with a, b, c'],
    ['ham\thello there\nspam\twin it\n', 'table', 'a table divided by tabs that begins with ham, hello there'],
    ['\n# of 2020\n\na\tb\n1\t2\n \n', 'table', 'a table divided by tabs that begins with a, b'],
    ['a\tb\n1\t2', 'table', 'a table divided by tabs that begins with a, b'],
    ['The DET\ndog NOUN\n\nIt PRON', 'columns', 'sentences in 2 columns, a token a line, as the task tag reads'],
    ['# sent_id = 1\n1\tThe\tthe\n2\tdog\tdog\n\n1\tIt\tit', 'columns', 'sentences in 3 columns, a token a line'],
    ['The DET\ndog\n\nIt PRON\nran VERB', 'columns', 'sentences in 2 columns, a token a line'],
    ['A dull day\nNobody\n\nIt rained\nso it did', 'text', 'a plain text'],
    ['The\ndog', 'columns', 'words, one a line'],
    ['{"text":"a"}\n{"text":"b"}', 'jsonl', 'JSON Lines'],
    ['{\n  "epochs": 3\n}', 'json', 'JSON that goes over several lines'],
    ['It was a day.\nIt was cold, and it was late.\n\nNobody came.', 'text', 'a plain text'],
    ['It was late.\nNobody came too.\nIt rained all.', 'text', 'a plain text'],
    ['Nobody, who came, said', 'text', 'a plain text'],
  ])('%j is %s, whether an LF ends it or not', (text, form, told) => {
    for (const end of ['', '\n', '\n\n'])
      expect(seemingOfLines((text + end).split('\n'))).toMatchObject({
        form,
        told: expect.stringContaining(told) as string,
      });
  });
});

describe('a long line', () => {
  const megabytes = (characters: string, count: number): string => characters.repeat((count << 20) / characters.length);

  test.each([
    ['a quote that nothing ends', `"${megabytes('x', 16)}`, 'columns'],
    ['pairs of quotes', `"${megabytes('""', 16)}`, 'columns'],
    ['words', `${megabytes('a day ', 16)}`, 'text'],
    ['many fields', `a,b\n${megabytes('1,', 16)}`, 'columns'],
    ['a document in quotes among fields', `text,label\n"${megabytes('a ""day"", ', 16)}",x\n"a, b",y`, 'text'],
    ['nested brackets', megabytes('[', 1), 'json'],
  ])('of %s is looked at', (_, text, form) => {
    expect(seemingOfLines(text.split('\n')).form).toBe(form);
  });

  test('of less than 64 Ki characters is divided in whole', () => {
    const row = `"${'a ""good"" day, '.repeat(2000)}",good`;
    expect(seemingOfLines(['text,label', row, row])).toMatchObject({ form: 'table', delimiter: ',' });
  });

  test('is read from a file', async () => {
    const path = file('quote.dat', `"${megabytes('x', 10)}\n`);
    expect(await refusedAs(entryOf('classify').examples({ from: path, settings: {} }))).toContain('which seems to be');
  });
});

const contents = {
  'c.csv': 'text,label\na good one,good\n"a bad, bad one",bad\n',
  'c.data': 'text;label\na good one;good\n',
  't.conll': 'The\tDET\ndog\tNOUN\n\nIt\tPRON\nran\tVERB\n',
  'c.txt': 'ham\thello there\nspam\twin it now\n',
  'd.txt': 'a, b, c\n1, 2, 3\n',
  't.txt': 'It was a day.\nIt was cold, and it was late.\n',
  'e.csv': 'customer,date,amount\na,2024-01-01,3\nb,2024-01-02,4\n',
  'j.dat': '{"text":"a","label":"b"}\n',
  'none.txt': '',
} as const;
const pathOf = Object.fromEntries(Object.entries(contents).map(([name, text]) => [name, file(name, text)]));

type Name = keyof typeof contents;
const refusedAs = (reading: Promise<unknown>): Promise<string> =>
  reading.then(
    () => 'nothing was refused',
    (error: unknown) => String(error).replaceAll(/\S*\/stmnet-files-\w+\//g, ''),
  );
const entryOf = (task: string) => catalogue.find(({ name }) => name === task)!;
const inputs = async (task: string, from: string, settings: object = {}): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const input of entryOf(task).inputs({ from, settings: { ...settings } })) all.push(input);
  return all;
};

describe('a file of another form is refused as what it seems to be', () => {
  /** What a file is read for. */
  const readings = {
    'to learn from': (task: string, from: string) => entryOf(task).examples({ from, settings: {} }),
    'to be asked about': (task: string, from: string) => inputs(task, from),
  } as const;
  const [learnt, asked] = ['to learn from', 'to be asked about'] as const;
  const texts = 'a table divided by commas that begins with text, label';

  test.each<[task: string, what: keyof typeof readings, name: Name, given: string, fix: string]>([
    ['classify', learnt, 't.txt', 'a plain text', 'write a text and its label in each row'],
    ['classify', learnt, 't.conll', 'sentences in 2 columns', 'give a file of this form'],
    ['classify', learnt, 'c.data', 'a table divided by semicolons', "pass --delimiter ';'"],
    ['classify', learnt, 'c.txt', 'a table divided by tabs that begins with ham, hello', "pass --delimiter '\\t'"],
    ['classify', learnt, 'j.dat', 'JSON Lines', 'pass --format jsonl'],
    ['tag', learnt, 'c.csv', texts, 'write each token in a line'],
    ['tag', learnt, 'd.txt', 'a table divided by commas that begins with a, b, c', 'write each token in a line'],
    ['tag', learnt, 't.txt', 'a plain text', 'write each token in a line'],
    ['lm', learnt, 'c.csv', texts, 'write the texts alone into a file, or pass --format text'],
    ['lm', learnt, 't.conll', 'sentences in 2 columns', 'write the texts alone into a file, or pass --format text'],
    ['events', learnt, 't.txt', 'a plain text', 'write each event in a row'],
    ['classify', asked, 't.txt', 'a plain text', 'pass --format text if each line is a text'],
    ['tag', asked, 't.txt', 'a plain text', 'pass --format text if each line is a sentence, or --format tokens'],
    ['tag', asked, 'e.csv', 'a table divided by commas that begins with customer, date, amount', 'write each token'],
    ['lm', asked, 'c.csv', texts, 'write the texts alone into a file, or pass --format lines'],
  ])('%s %s: %s', async (task, what, name, given, fix) => {
    const message = await refusedAs(readings[what](task, pathOf[name]!));
    expect(message).toContain(`FormatError: ${task}: got ${name}, which seems to be ${given}`);
    expect(message).toContain(`\n  Fix: ${fix}`);
  });

  test('but not for one line of a few that lacks its tag, which is named', async () => {
    const path = file('few.conll', 'The DET\ndog\n\nIt PRON\nran VERB\n');
    expect(await refusedAs(entryOf('tag').examples({ from: path, settings: {} }))).toContain(
      'got 1 column in few.conll, line 2, expected 2',
    );
  });

  test('unless its form is said', async () => {
    expect(await inputs('lm', pathOf['c.csv']!, { format: 'lines' })).toHaveLength(3);
    expect(await inputs('classify', pathOf['t.txt']!, { format: 'text' })).toHaveLength(2);
    expect(await inputs('tag', pathOf['t.txt']!, { format: 'text' })).toHaveLength(2);
    expect(await inputs('classify', pathOf['c.data']!, { delimiter: ';' })).toEqual(['a good one']);
  });

  test('formats without labels or tags teach nothing', async () => {
    const teach = (task: string): Promise<string> =>
      refusedAs(entryOf(task).examples({ from: pathOf['t.txt']!, settings: { format: 'text' } }));
    expect(await teach('classify')).toContain('got --format text for examples to learn from or to measure on');
    expect(await teach('tag')).toContain('expected conll or jsonl, which have tags beside the tokens');
  });
});

test.each(['classify', 'tag', 'lm', 'events', 'speech', 'qa', 'span'])(
  '%s names what is no file, or is empty',
  async (task) => {
    const read = (from: string): Promise<string> => refusedAs(entryOf(task).examples({ from, settings: {} }));
    const folder = pathOf['c.csv']!.replace('/c.csv', '');
    expect(await read(`${folder}/nothing.csv`)).toContain(`${task}: got nothing.csv, which is not there, expected`);
    expect(await read(folder)).toContain(', which is a folder, expected');
    expect(await read(pathOf['none.txt']!)).toContain(`${task}: got none.txt, which is empty, expected`);
  },
);

test('events name the file that lacks their columns', async () => {
  const read = (from: string, settings: object = {}): Promise<string> =>
    refusedAs(entryOf('events').examples({ from, settings: { ...settings } }));
  expect(await read(pathOf['c.csv']!)).toContain(
    'got c.csv without columns customer and date, expected columns that say who and when (--key customer, --time ' +
      'date) among text, label.',
  );
  expect(await read(pathOf['e.csv']!, { key: 'who' })).toContain('got e.csv without a column who, expected');
  expect(await read(pathOf['e.csv']!, { delimiter: '\t' })).toContain("Fix: pass --delimiter ',' if that divides");
});
