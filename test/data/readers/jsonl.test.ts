import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { OptionError, readJsonLines, streamJsonLines } from 'stmnet';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

test('each line is a value', async () => {
  const text = '{"text":"a\\nb","label":1}\n\n  \n[1,null]\n"x"\r\n{"__proto__":2}';
  const expected = [{ text: 'a\nb', label: 1 }, [1, null], 'x', JSON.parse('{"__proto__":2}') as object];
  for (const contents of [text, gzipSync(text), `\uFEFF${text}`, Buffer.from(`\uFEFF${text}`, 'utf16le')])
    expect(await readJsonLines<unknown>(file('values.jsonl', contents))).toEqual(expected);
  const lines = [];
  for await (const { line } of streamJsonLines(file('values.jsonl', text)).withPlaces()) lines.push(line);
  expect(lines).toEqual([1, 4, 5, 6]);
});

test('fields are picked, and have the types that the user says', async () => {
  const path = file('fields.jsonl', '{"text":"a","label":1,"more":{}}\n{"label":2,"text":"b"}\n');
  const rows = await readJsonLines<{ text: string; label: number }>(path, { fields: ['text', 'label'] });
  expect(rows).toEqual([
    { text: 'a', label: 1 },
    { text: 'b', label: 2 },
  ]);
  expect(rows.reduce((sum, { label }) => sum + label, 0)).toBe(3);
});

test('mistakes have file and line, and say what was meant', async () => {
  const refused = (text: string, fields?: string[]): Promise<string> =>
    refusal(readJsonLines(file('bad.jsonl', text), { fields }));
  const broken = await refused('{"a":1}\n{"a":}\n');
  expect(broken).toContain('readJsonLines: got "{\\"a\\":}", which is no JSON (Unexpected token');
  expect(broken).toContain(
    ', in bad.jsonl, line 2, expected one value of JSON, whole in its line.\n  Fix: mend the line.',
  );
  expect(await refused('{"a":NaN}\n')).toContain(
    'Fix: write null for numbers that JSON does not have, NaN and Infinity',
  );
  expect(await refused('[\n{"a":1}\n]\n')).toContain('Fix: read a file of one JSON value by JSON.parse(');
  expect(await refused('{"a":1}{"a":2}\n')).toContain('bad.jsonl, line 1');
  expect(await refused('{"Text":"a"}\n', ['text'])).toBe(
    'FormatError: readJsonLines: got an object without "text" in bad.jsonl, line 1, expected the fields "text"; it ' +
      'has "Text".\n  Fix: write "Text", if that is meant.',
  );
  expect(await refused('{"a":1}\n[1]\n', ['a'])).toContain('got [1] in bad.jsonl, line 2, expected an object');
  expect(await refused('{"b":1}\n', ['toString'])).toContain('an object without "toString"');
  expect(await refused(`"${'x'.repeat(10_000)}\n`)).toMatch(
    /got ".{41}…", which is no JSON \(Unterminated string\), in bad.jsonl, line 1, column 10002,/,
  );
  for (const empty of ['', '\n \n'])
    expect(await refused(empty)).toContain(
      'got bad.jsonl, which is empty, expected a file with one value of JSON a line',
    );
});

test('options are checked at the call', () => {
  expect(() => streamJsonLines('a.jsonl', { fields: [] })).toThrow(OptionError);
  expect(() => streamJsonLines('a.jsonl', { columns: ['a'] } as object)).toThrow(/got an option columns/);
});
