import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FileError, OptionError, readTable, streamTable, type TableOptions } from 'stmnet';
import { random } from '../../support/random';
import { dataPath, testWithData } from '../../support/shared-data';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

/** The rows of a file with these contents. */
const rowsOf = (contents: string | Uint8Array, options: TableOptions = {}, name = 'table.csv'): Promise<object[]> =>
  readTable(file(name, contents), options);

/** The message that a file with these contents is refused with. */
const refused = (contents: string | Uint8Array, options: TableOptions = {}, name = 'table.csv'): Promise<string> =>
  refusal(readTable(file(name, contents), options));

describe('columns', () => {
  test('are named by the header, by the user, or by numbers', async () => {
    const text = 'label,text\nham,hello\nspam,"win, now"\n';
    expect(await rowsOf(text)).toEqual([
      { label: 'ham', text: 'hello' },
      { label: 'spam', text: 'win, now' },
    ]);
    expect(await rowsOf('ham,hello\n', { header: false, columns: ['label', 'text'] })).toEqual([
      { label: 'ham', text: 'hello' },
    ]);
    expect(await rowsOf('ham,hello\n', { header: false })).toEqual([{ 0: 'ham', 1: 'hello' }]);
    expect(await rowsOf(text, { columns: ['text'] })).toEqual([{ text: 'hello' }, { text: 'win, now' }]);
    expect(await rowsOf('made by X\n"\n\na,b\n1,2\n', { skipLines: 3 })).toEqual([{ a: '1', b: '2' }]);
    expect(await rowsOf('label,text\n')).toEqual([]);
  });

  test('have the types that are asked for', async () => {
    const text = 'name,age,score\nAda,36,-1.5e3\nAlan, 41 ,.5\n';
    const rows = await readTable(file('types.csv', text), {
      columns: ['name', 'age', 'score'],
      types: { age: 'integer', score: 'number' },
    });
    expect(rows).toEqual([
      { name: 'Ada', age: 36, score: -1500 },
      { name: 'Alan', age: 41, score: 0.5 },
    ]);
    const total: number = rows.reduce((sum, { age }) => sum + age, 0);
    expect(total).toBe(77);
    expect(await rowsOf('1,2\n3,4.25\n', { header: false, types: 'number' })).toEqual([
      { 0: 1, 1: 2 },
      { 0: 3, 1: 4.25 },
    ]);
  });

  test('hold null for what stands for a missing value', async () => {
    const path = file('missing.csv', 'a,b\nNA,NA\n1,x\n,\n');
    const rows = await readTable(path, { columns: ['a', 'b'], types: { a: 'number' }, missing: ['NA', ''] });
    expect(rows).toEqual([
      { a: null, b: null },
      { a: 1, b: 'x' },
      { a: null, b: null },
    ]);
    const known: string[] = rows.flatMap(({ b }) => b ?? []);
    expect(known).toEqual(['x']);
  });

  test('that are not there are named with what was meant', async () => {
    expect(await refused('Label,text\nham,hello\n', { columns: ['label'] })).toBe(
      'FormatError: readTable: got a column "label", which table.csv does not have, expected one that line 1 names: ' +
        '"Label", "text".\n  Fix: write "Label", if that is meant.',
    );
    expect(await refused('a,b\n', { types: { zzz: 'number' } })).toContain(
      'Fix: ask for columns that are there, or pass header: false where line 1 is a row.',
    );
    expect(await refused('a;b\n1;2\n', { columns: ['a'] })).toContain(`Fix: pass delimiter: ";", which the only name`);
    expect(await refused('a,b\n1,2\n', { header: false, types: { age: 'number' } })).toContain('one of "0", "1"');
    const many = Array.from({ length: 300 }, (_, i) => `column${i}`).join(',');
    expect(await refused(many, { columns: ['x'] })).toContain('"column19", … 300 in all');
  });

  test('of which there is one: a quoted empty field is a row, a line without a character is none', async () => {
    const rows = [{ note: '' }, { note: 'x' }, { note: '' }, { note: 'y' }, { note: '' }];
    expect(await rowsOf('note\n""\n\nx\n"" \n\n\ny\n""')).toEqual(rows);
    expect(await rowsOf('\r\nnote\r\n""\r\n\r\nx\r\n""\r\ny\r\n""\r\n\r\n')).toEqual(rows);
    expect(await rowsOf('""\n\nx\n', { header: false, missing: [''] })).toEqual([{ 0: null }, { 0: 'x' }]);
    expect(await rowsOf('note\n\n""\n', {}, 'table.tsv')).toEqual([{ note: '""' }]);
    const places = streamTable(file('notes.csv', 'note\n\n""\n\nx\n"a\n\nb"\n\ny\n')).withPlaces();
    const lines: [string | undefined, number][] = [];
    for await (const { record, line } of places) lines.push([record['note'], line]);
    expect(lines).toEqual([
      ['', 3],
      ['x', 5],
      ['a\n\nb', 6],
      ['y', 10],
    ]);
  });

  test('need names that differ', async () => {
    expect(await refused('id,x,x\n1,2,3\n')).toBe(
      'FormatError: readTable: got two columns named "x" in table.csv, line 1, expected a header with a name of its ' +
        'own for each column.\n  Fix: rename one, or pass header: false, skipLines: 1 and columns with the names.',
    );
    expect(await refused('\n__proto__,x\n1,2\n')).toContain('a column named "__proto__" in table.csv, line 2');
  });
});

describe('quotes', () => {
  test('hold delimiters, ends of lines and quotes', async () => {
    const text = 'a,b\n"1,2","three ""quoted"" words"\n"two\nlines",""\n"",x"y\n';
    const expected = [
      { a: '1,2', b: 'three "quoted" words' },
      { a: 'two\nlines', b: '' },
      { a: '', b: 'x"y' },
    ];
    expect(await rowsOf(text)).toEqual(expected);
    expect(await rowsOf(text.slice(0, -1))).toEqual(expected);
    expect(await rowsOf(text.replaceAll('\n', '\r\n'))).toEqual(expected);
    expect(await rowsOf('a\n"last"')).toEqual([{ a: 'last' }]);
  });

  test('are characters in text with tabs, unless they are asked for', async () => {
    const text = 'ham\t"Hi" he said\nspam\t"win\n';
    const expected = [
      { label: 'ham', text: '"Hi" he said' },
      { label: 'spam', text: '"win' },
    ];
    const options = { header: false, columns: ['label', 'text'] };
    expect(await rowsOf(text, options, 'spam.tsv')).toEqual(expected);
    expect(await rowsOf(gzipSync(text), options, 'spam.TSV.gz')).toEqual(expected);
    expect(await rowsOf(text, { ...options, delimiter: '\t' }, 'spam.csv')).toEqual(expected);
    expect(await rowsOf('a\t"b\tc"\n', { ...options, quote: '"' }, 'x.tsv')).toEqual([{ label: 'a', text: 'b\tc' }]);
    expect(await rowsOf('"a",b\n', { header: false, quote: false })).toEqual([{ 0: '"a"', 1: 'b' }]);
    expect(await rowsOf("a|'b|c\n", { header: false, delimiter: '|' }, 'x.txt')).toEqual([{ 0: 'a', 1: "'b", 2: 'c' }]);
  });

  test('that are not closed, or closed too early, have a place', async () => {
    expect(await refused('a,b\n1,2\n3,"four\n5,6\n')).toBe(
      'FormatError: readTable: got a quote that is not closed in table.csv, line 3, column 3, expected a closing ' +
        'quote for each opening one.\n  Fix: close it, or pass quote: false if quotes are text.',
    );
    expect(await refused('a,b\n"x\ny",2\n3,"four" and\n')).toBe(
      'FormatError: readTable: got a quoted field whose closing quote has text behind it in table.csv, line 4, ' +
        'column 3, expected a delimiter or the end of the line there.\n  Fix: double the quotes within a field, as ' +
        'in "", or pass quote: false if quotes are text.',
    );
  });

  test('that are not closed are noticed before they fill the memory', async () => {
    const text = `a,b\n1,"two\n${'3,4\n'.repeat(500_000)}`;
    expect(await refused(text, { maxLineBytes: 1 << 20 })).toContain(
      'a quote that is not closed within 1048576 characters in table.csv, line 2, column 3',
    );
  });

  test('may hold more than is read at once', async () => {
    const long = 'a line of text, with "quotes"\n'.repeat(50_000); // 1.5 MB
    const text = `id,text\n1,"${long.replaceAll('"', '""')}"\n2,x\n`;
    const places = [];
    for await (const place of streamTable(file('long.csv', text)).withPlaces()) places.push(place);
    expect(places.map(({ record, line }) => [record['id'], line])).toEqual([
      ['1', 2],
      ['2', 50_003],
    ]);
    expect(places[0]?.record['text']).toBe(long);
  });
});

describe('mistakes in a file', () => {
  test('ragged rows have their line and what was expected', async () => {
    expect(await refused('a,b\n1,2\n\n3\n')).toBe(
      'FormatError: readTable: got 1 field in table.csv, line 4, expected 2: "a", "b".\n' +
        '  Fix: mend the line, or pass the delimiter it has; here it is ",".',
    );
    expect(await refused('a,b\n"x\ny",2\n1,2,3\n')).toContain(
      'got 3 fields in table.csv, line 4, expected 2: "a", "b"',
    );
    expect(await refused('a\tb\n1\t"2\t3"\n', {}, 'x.tsv')).toContain(`Fix: pass quote: '"' if quotes go around`);
    expect(await refused('a\tb\n1\t2\t3\n', {}, 'x.tsv')).toContain('Fix: take the tab out of the field');
    expect(await refused('1,2,3\n', { header: false, columns: ['a', 'b'] })).toContain(
      'got 3 fields in table.csv, line 1',
    );
  });

  test('numbers that are none have line and column', async () => {
    const options: TableOptions = { types: { age: 'number' } };
    expect(await refused('name,age\nAda,36\nAlan,old\n', options)).toBe(
      'FormatError: readTable: got "old" in table.csv, line 3, column "age", expected a finite number in decimal ' +
        'notation, as 12 or -3.5e4.\n  Fix: mend it, pass missing: ["old"] if it stands for a value that is not ' +
        'known, or leave types out.',
    );
    for (const text of ['nan', 'Infinity', '1e999', '0x10', '1,5', '1 2', '--1', '1_000', '٣'])
      expect(await refused(`age\n"${text}"\n`, options)).toContain(`got ${JSON.stringify(text)} in table.csv, line 2`);
    expect(await refused('name,age\nAda,\n', options)).toContain(
      'got an empty field in table.csv, line 2, column "age"',
    );
    for (const text of ['1.5', '9007199254740993'])
      expect(await refused(`age\n${text}\n`, { types: 'integer' })).toContain('expected a whole number of at most');
    expect(await refused(`age\n${'x'.repeat(1000)}\n`, options)).toContain(`got "${'x'.repeat(40)}…" in table.csv`);
  });

  test('an empty file is refused', async () => {
    for (const empty of ['', '\n\r\n', '\uFEFF'])
      expect(await refused(empty)).toBe(
        'FormatError: readTable: got table.csv, which is empty, expected a file with a line with the names of ' +
          'columns.\n  Fix: look whether it is the file that is meant, and was written to its end.',
      );
    expect(await refused('', { header: false })).toContain('a file with rows');
    expect(await refused('a\n', { skipLines: 5 })).toContain('which is empty');
  });

  test('bytes of another encoding have their line', async () => {
    expect(await refused(Buffer.from('a,b\n1,2\ncafé,3\n', 'latin1'))).toBe(
      'FormatError: readTable: got bytes that are no utf-8 in table.csv, line 3, expected text in utf-8.\n' +
        "  Fix: pass the encoding it has, such as encoding: 'windows-1252'.",
    );
    expect(await rowsOf(Buffer.from('café,3\n', 'latin1'), { header: false, encoding: 'latin1' })).toEqual([
      { 0: 'café', 1: '3' },
    ]);
  });

  test('a line of 50 MB is refused, or read if it is meant', async () => {
    const path = file('wide.csv', `text,label\nshort,1\n${'x'.repeat(50_000_000)},2\n`);
    await expect(readTable(path)).rejects.toThrow(/got more than 16777216 bytes in .*wide\.csv, line 3/);
    const rows = await readTable(path, { maxLineBytes: 2 ** 26 });
    expect(rows.map(({ text, label }) => [text?.length, label])).toEqual([
      [5, '1'],
      [50_000_000, '2'],
    ]);
  });

  test('a file that is not there', async () => {
    await expect(readTable(dataPath('none.csv'))).rejects.toThrow(FileError);
    await expect(readTable(dataPath('none.csv'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a table is the same packed, with CR LF, with marks and in UTF-16', async () => {
  const text = 'name,text\nÅsa,"x, ""y""\nz"\n北京,😀\n';
  const expected = [
    { name: 'Åsa', text: 'x, "y"\nz' },
    { name: '北京', text: '😀' },
  ];
  const marked = `\uFEFF${text}`;
  const wide = Buffer.from(marked, 'utf16le');
  for (const contents of [text, gzipSync(text), text.replaceAll('\n', '\r\n'), marked, wide, gzipSync(wide)])
    expect(await rowsOf(contents)).toEqual(expected);
  expect(await rowsOf(Buffer.from(marked, 'utf16le').swap16())).toEqual(expected);
});

test.each([1, 2])('what is written is what is read, seed %i', async (seed) => {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const signs = ['"', ',', '\n', 'word', ' ', 'é', '😀', '""', '\t', ';'];
  const text = (): string =>
    Array.from({ length: below(below(20) === 0 ? 30_000 : 12) }, () => signs[below(10)]).join('');
  const rows = Array.from({ length: 800 }, (_, i) => ({ id: String(i), first: text(), second: text() }));
  const field = (value: string): string =>
    /[",\n]/.test(value) || below(4) === 0 ? `"${value.replaceAll('"', '""')}"` : value;
  let [csv, line] = ['id,first,second\n', 2];
  const lines = rows.map(({ id, first, second }) => {
    const row = [id, first, second].map(field).join(',');
    csv += `${row}\n`;
    line += row.split('\n').length;
    return line - row.split('\n').length;
  });
  expect(csv.length).toBeGreaterThan(1 << 20); // several pieces of what is read at once
  const path = file('random.csv.gz', gzipSync(csv));
  const found = [];
  for await (const place of streamTable(path).withPlaces()) found.push(place);
  expect(found.map(({ record }) => record)).toEqual(rows);
  expect(found.map((place) => place.line)).toEqual(lines);
});

test('options are checked at the call', async () => {
  const wrong = (path: unknown, options: unknown): string => {
    try {
      streamTable(path as string, options as TableOptions);
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError);
      return String(error);
    }
    return 'no error';
  };
  expect(wrong('table.txt', {})).toContain(
    'got table.txt without a delimiter, expected a file named .csv, .tsv or .tab, or the option delimiter',
  );
  expect(wrong('a.csv', { seperator: ';' })).toContain('got an option seperator');
  expect(wrong('a.csv', { sep: ';' })).toContain('write delimiter, if that is what you mean by sep');
  expect(wrong('a.csv', { delimiter: '"' })).toContain('a character, or several, without quotes');
  expect(wrong('a.csv', { quote: '`' })).toContain(`got quote: "\`", expected '"' or false`);
  expect(wrong('a.csv', { columns: ['a', 'a'] })).toContain('names that differ');
  expect(wrong('a.csv', { columns: [] })).toContain('at least one');
  expect(wrong('a.csv', { columns: 'label' })).toContain('an array of strings');
  expect(wrong('a.csv', { types: { age: 'int' } })).toContain("types.age: \"int\", expected one of 'string', 'number'");
  expect(wrong('a.csv', { types: { age: 'int' } })).toContain("Fix: write 'integer', if that is what you mean");
  expect(wrong('a.csv', { types: { age: 'float' } })).toContain("Fix: write 'number', if that is what you mean");
  expect(wrong('a.csv', { columns: ['Age'], types: { age: 'number' } })).toBe(
    'OptionError: streamTable: got types of a column "age", expected types of columns that are read: "Age".\n' +
      '  Fix: write "Age", if that is meant.',
  );
  expect(wrong('a.csv', { types: ['number'] })).toContain("pass an object of options: types: { age: 'number' }");
  expect(wrong('a.csv', { missing: [null] })).toContain('an array of strings');
  expect(wrong('a.csv', { skipLines: -1 })).toContain('skipLines: -1');
  expect(wrong('a.csv', { encoding: 'utf8000' })).toContain('an encoding that TextDecoder knows');
  expect(wrong('', {})).toContain('call streamTable(path, options)');
  await expect(readTable('table.txt')).rejects.toThrow(OptionError);
});

test('a stream can be walked again, and left early', async () => {
  const text = `n\n${Array.from({ length: 40_000 }, (_, i) => `${i}\n`).join('')}`;
  const table = streamTable(file('numbers.csv', text), { types: 'integer' });
  for (let walk = 0; walk < 2; walk++) {
    let sum = 0;
    for await (const { n } of table) sum += n ?? 0;
    expect(sum).toBe((40_000 * 39_999) / 2);
  }
  for await (const { record, line } of table.withPlaces()) {
    expect(line).toBe((record['n'] ?? 0) + 2);
    if (record['n'] === 33_333) break;
  }
  expect(await table.all()).toHaveLength(40_000);
});

describe('real tables', () => {
  testWithData('sms-spam', ['sms-spam/SMSSpamCollection.tsv'], async ([path]) => {
    const rows = await readTable(path, { header: false, columns: ['label', 'text'] });
    expect(rows).toHaveLength(5574);
    expect(rows.filter(({ label }) => label === 'spam')).toHaveLength(747);
    expect(rows.filter(({ label }) => label === 'ham')).toHaveLength(4827);
    expect(rows.filter(({ text }) => text.includes('"')).length).toBeGreaterThan(100);
  });

  testWithData('movie-reviews-pl04, packed', ['movie-reviews-pl04/reviews.tsv.gz'], async ([path]) => {
    const rows = await readTable(path, {
      header: false,
      columns: ['label', 'file', 'text'],
      types: { label: 'integer' },
    });
    expect(rows).toHaveLength(2000);
    expect(rows.reduce((sum, { label }) => sum + label, 0)).toBe(1000);
    expect(rows[0]?.file).toBe('cv000_29416.txt');
  });

  testWithData('beijing-pm25, with missing values', ['beijing-pm25/pollution.csv.gz'], async ([path]) => {
    const rows = await readTable(path, { types: { 'pm2.5': 'number', TEMP: 'number' }, missing: ['NA'] });
    expect(rows).toHaveLength(43_824);
    expect(rows.filter((row) => row['pm2.5'] === null)).toHaveLength(2067);
    expect(rows[0]?.TEMP).toBe(-11);
  });

  testWithData('exchange-rate, without a header', ['exchange-rate/exchange_rate.txt.gz'], async ([path]) => {
    const rows = await readTable(path, { header: false, delimiter: ',', types: 'number' });
    expect(rows).toHaveLength(7588);
    expect(Object.keys(rows[0] ?? {})).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  testWithData('airline-passengers, quoted', ['airline-passengers/airline-passengers.csv'], async ([path]) => {
    const rows = await readTable(path, { columns: ['Month', 'Passengers'], types: { Passengers: 'integer' } });
    expect(rows).toHaveLength(144);
    expect(rows[0]).toEqual({ Month: '1949-01', Passengers: 112 });
  });
});

describe('a table of another delimiter', () => {
  const SIGNS = { ';': ';', '\t': '\\t', '|': '|' };
  test.each(Object.entries(SIGNS))('%j is named', async (sign, shown) => {
    const text = ['a,b,c', '1,2,3', '4,5,6'].join('\n').replaceAll(',', sign);
    const fix = `Fix: pass delimiter: "${shown}", which seems to divide the fields.`;
    const said = (options: TableOptions): Promise<string> => refused(text, options, 'x.csv');
    expect(await said({ types: 'number' })).toBe(
      `FormatError: readTable: got "1${shown}2${shown}3" in x.csv, line 2, column "a${shown}b${shown}c", expected a ` +
        `finite number in decimal notation, as 12 or -3.5e4.\n  ${fix}`,
    );
    expect(await said({ header: false, skipLines: 1, types: 'integer' })).toContain(fix);
    expect(await said({ header: false, columns: ['a', 'b', 'c'] })).toContain(fix);
  });

  test('also where commas are of its numbers', async () => {
    const text = 'a;b\n1,5;2,5\n';
    expect(await refused(text)).toContain('Fix: pass delimiter: ";", which seems');
    const fix =
      "leave types out for this column, and write its decimal commas as points: Number(text.replace(',', '.'))";
    expect(await refused(text, { delimiter: ';', types: 'number' })).toContain(
      'got "1,5" in table.csv, line 2, column "a", expected a finite number in decimal notation, as 12 or -3.5e4.\n' +
        `  Fix: ${fix}.`,
    );
  });

  test.each([
    [
      '1,234',
      'read its commas as what they are: decimal ones as points, ' +
        "Number(text.replace(',', '.')), those between thousands as nothing, Number(text.replaceAll(',', ''))",
    ],
    ['-12,345,678.5', "take out the commas between thousands: Number(text.replaceAll(',', ''))"],
    ['0,234', "write its decimal commas as points: Number(text.replace(',', '.'))"],
    ['1234,567', "write its decimal commas as points: Number(text.replace(',', '.'))"],
  ])('what the commas of %s may be', async (text, fix) => {
    expect(await refused(`a;b\n${text};1\n`, { delimiter: ';', types: 'number' })).toContain(
      `Fix: leave types out for this column, and ${fix}.`,
    );
  });
});
