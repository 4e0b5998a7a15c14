import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { FileError, OptionError, readParallel, streamParallel } from 'stmnet';
import { dataPath, testWithData } from '../../support/shared-data';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

test('several files give a record a line, empty lines too', async () => {
  const source = file('a.en', gzipSync('one\n\nthree\n'));
  const target = file('a.fr', 'un\r\ndeux\r\ntrois');
  expect(await readParallel({ source, target })).toEqual([
    { source: 'one', target: 'un' },
    { source: '', target: 'deux' },
    { source: 'three', target: 'trois' },
  ]);
  const places = [];
  for await (const place of streamParallel({ words: source, tags: target, again: source }).withPlaces())
    places.push(place);
  expect(places[1]).toEqual({ record: { words: '', tags: 'deux', again: '' }, file: source, line: 2 });
});

test('files of which lines have other lengths keep together', async () => {
  const count = 60_000;
  const short = file('short.txt', Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
  const long = file('long.txt', Array.from({ length: count }, (_, i) => `${i} ${'x'.repeat(i % 100)}\n`).join(''));
  let line = 0;
  for await (const { a, b } of streamParallel({ a: short, b: long })) {
    if (a !== String(line) || b !== `${line} ${'x'.repeat(line % 100)}`) throw new Error(`line ${line}: ${a}, ${b}`);
    line++;
  }
  expect(line).toBe(count);
});

test('one file gives its first fields', async () => {
  const path = file('pairs.tsv', 'Go.\tVa !\tCC-BY\n"Hi\tSalut\n');
  expect(await readParallel(path)).toEqual([
    { source: 'Go.', target: 'Va !' },
    { source: '"Hi', target: 'Salut' },
  ]);
  expect(await readParallel(path, { columns: ['english'] })).toEqual([{ english: 'Go.' }, { english: '"Hi' }]);
  const moses = file('pairs.txt', 'a ||| b\nc ||| d\n');
  expect(await readParallel(moses, { delimiter: ' ||| ' })).toEqual([
    { source: 'a', target: 'b' },
    { source: 'c', target: 'd' },
  ]);
});

test('mistakes have file and line', async () => {
  const three = file('three.txt', '1\n2\n3\n');
  const two = file('two.txt', '1\n2\n');
  const empty = file('empty.txt', '');
  expect(await refusal(readParallel({ a: three, b: two }))).toBe(
    'FormatError: readParallel: got two.txt with 2 lines, and three.txt with more, expected files of as many lines, ' +
      'which belong together one by one.\n' +
      '  Fix: look for lines that are missing or divided, also empty ones at the end.',
  );
  expect(await refusal(readParallel({ a: empty, b: two }))).toContain(
    'got empty.txt with 0 lines, and two.txt with more',
  );
  expect(await refusal(readParallel({ a: empty, b: empty }))).toContain('got empty.txt, which is empty');
  expect(await refusal(readParallel(empty))).toContain('got empty.txt, which is empty');
  expect(await refusal(readParallel(file('one.tsv', 'a\tb\n\nc\n')))).toBe(
    'FormatError: readParallel: got 1 text in one.tsv, line 3, expected 2, with a tab between.\n' +
      '  Fix: mend the line, or pass the delimiter it has.',
  );
  const bytes = file('bytes.txt', Buffer.from('a\n\xe9\n', 'latin1'));
  expect(await refusal(readParallel({ a: two, b: bytes }))).toContain('bytes that are no utf-8 in bytes.txt, line 2');
  await expect(readParallel({ a: two, b: dataPath('none') })).rejects.toThrow(FileError);
});

test('options are checked at the call', () => {
  expect(() => streamParallel({})).toThrow(OptionError);
  expect(() => streamParallel({ a: 'a.txt', b: 5 } as never)).toThrow(/5 as path/);
  expect(() => streamParallel(['a', 'b'] as never)).toThrow(OptionError);
  expect(() => streamParallel({ a: 'a.txt' }, { delimiter: ',' })).toThrow(/got delimiter: "," with several files/);
  expect(() => streamParallel({ a: 'a.txt' }, { columns: ['a'] })).toThrow(/got columns: \["a"\] with several files/);
});

testWithData('snips', ['snips/train/seq.in.txt'], async () => {
  const counts = { train: 13_084, valid: 700, test: 700 };
  for (const [part, count] of Object.entries(counts)) {
    const [words, tags, intent] = ['seq.in', 'seq.out', 'label'].map((name) => dataPath(`snips/${part}/${name}.txt`));
    const rows = await readParallel({ words: words ?? '', tags: tags ?? '', intent: intent ?? '' });
    expect(rows).toHaveLength(count);
    const lengths = rows.map(({ words, tags }) => [words, tags].map((text) => text.trim().split(/ +/).length));
    expect(lengths.filter(([a, b]) => a !== b)).toEqual([]);
    expect(new Set(rows.map((row) => row.intent)).size).toBe(7);
  }
});

testWithData('anki-eng-fra', ['anki-eng-fra/eng-fra-5000.tsv'], async ([path]) => {
  const pairs = await readParallel(path);
  expect(pairs).toHaveLength(5000);
  expect(pairs[0]).toEqual({ source: 'Go.', target: 'Va !' });
});
