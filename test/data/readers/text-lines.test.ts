import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { FileError, OptionError, readTable, readTextLines, streamTextLines } from 'stmnet';
import { dataPath, testWithData } from '../../support/shared-data';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

test('lines come without their ends, empty ones too', async () => {
  const expected = ['one', '', ' two ', 'drei 😀'];
  const text = 'one\n\n two \ndrei 😀\n';
  const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le');
  for (const contents of [
    text,
    text.slice(0, -1),
    text.replaceAll('\n', '\r\n'),
    `\uFEFF${text}`,
    gzipSync(text),
    utf16,
  ])
    expect(await readTextLines(file('lines.txt', contents))).toEqual(expected);
  expect(await readTextLines(file('one.txt', '\n'))).toEqual(['']);
  expect(await readTextLines(file('latin.txt', Buffer.from('café\n', 'latin1')), { encoding: 'latin1' })).toEqual([
    'café',
  ]);
});

test('empty lines can be left out, and places stay', async () => {
  const path = file('gaps.txt', '\na\n\n\nb\n');
  expect(await readTextLines(path, { skipEmpty: true })).toEqual(['a', 'b']);
  const places = [];
  for await (const place of streamTextLines(path, { skipEmpty: true }).withPlaces()) places.push(place);
  expect(places).toEqual([
    { record: 'a', file: path, line: 2 },
    { record: 'b', file: path, line: 5 },
  ]);
  expect(await readTextLines(file('blank.txt', '\n\n'), { skipEmpty: true })).toEqual([]);
});

test('a stream is walked anew each time', async () => {
  const expected = Array.from({ length: 50_000 }, (_, i) => `line ${i}`);
  const lines = streamTextLines(file('many.txt', expected.join('\n')));
  for (let walk = 0; walk < 2; walk++) {
    const found = [];
    for await (const line of lines) found.push(line);
    expect(found).toEqual(expected);
  }
});

test('mistakes have file and line', async () => {
  expect(await refusal(readTextLines(file('empty.txt', '')))).toBe(
    'FormatError: readTextLines: got empty.txt, which is empty, expected a file with lines of text.\n' +
      '  Fix: look whether it is the file that is meant, and was written to its end.',
  );
  expect(await refusal(readTextLines(file('bytes.txt', Buffer.from('ab\ncaf\xe9\n', 'latin1'))))).toContain(
    'got bytes that are no utf-8 in bytes.txt, line 2',
  );
  const long = file('long.txt', `a\n${'x'.repeat(2000)}\n`);
  expect(await refusal(streamTextLines(long, { maxLineBytes: 1000 }).all())).toContain(
    'streamTextLines: got more than 1000 bytes in long.txt, line 2',
  );
  await expect(readTextLines(dataPath('none.txt'))).rejects.toThrow(FileError);
  await expect(readTextLines('')).rejects.toThrow(OptionError);
  expect(() => streamTextLines('a.txt', { encoding: 'klingon' })).toThrow(OptionError);
  expect(() => streamTextLines('a.txt', { skip: true } as object)).toThrow(/got an option skip, .*Fix: /s);
});

const languages: readonly (readonly [string, number])[] = [
  ['Russian', 9384],
  ['English', 3668],
  ['Czech', 519],
  ['Vietnamese', 73],
];
testWithData('names', ['names/Czech.txt'], async () => {
  const counts = languages.map(async ([language]) => {
    const lines = await readTextLines(dataPath(`names/${language}.txt`), { skipEmpty: true });
    return [language, lines.length] as const;
  });
  expect(await Promise.all(counts)).toEqual(languages);
});

testWithData('cmudict, packed', ['cmudict/cmudict.txt.gz'], async ([path]) => {
  const lines = await readTextLines(path);
  expect(lines).toHaveLength(133_737);
  expect(lines.filter((line) => line.split(' ')[1] === '1')).toHaveLength(123_455);
});

testWithData('tinyshakespeare', ['tinyshakespeare/input.txt'], async ([path]) => {
  expect(await readTextLines(path)).toHaveLength(40_000);
});

test('lines of a stream, as of a pipe, and what is wrong with it', async () => {
  const stream = Readable.from([Buffer.from('on'), Buffer.from('e\ntw'), Buffer.from('o')]);
  expect(await readTextLines(stream)).toEqual(['one', 'two']);
  await expect(readTextLines(Readable.from([Buffer.from('one\ntw\0o\n')]))).rejects.toThrow(
    'got the character NUL in the stream, line 2',
  );
  await expect(readTextLines(Readable.from([]))).rejects.toThrow('got the stream, which is empty');
  const rows = await readTable(Readable.from([Buffer.from('a\tb\n1\t2\n')]), { delimiter: '\t' });
  expect(rows).toEqual([{ a: '1', b: '2' }]);
});
