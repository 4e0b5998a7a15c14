import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Linear, readTable, readTextLines, save } from 'stmnet';
import { fileMaker, refusal } from '../support/text-file';

const file = fileMaker();
const TEXT = 'give the path of a file of text';

const kinds: [name: string, begin: string, kind: string, fix: string][] = [
  ['a.png', '89504e470d0a1a0a0000000d49484452', 'a picture (PNG)', TEXT],
  ['a.jpg', 'ffd8ffe000104a464946', 'a picture (JPEG)', TEXT],
  ['a.gif', '474946383961', 'a picture (GIF)', TEXT],
  ['a.wav', '524946462400000057415645666d7420', 'a recording (WAV)', TEXT],
  ['a.pdf', '255044462d312e370a25', 'a PDF', 'take its text out of it, as by pdftotext'],
  [
    'a.xls',
    'd0cf11e0a1b11ae1',
    'a document of Office (.xls, .doc)',
    'save it as CSV, or as a plain text, in the program that wrote it',
  ],
  ['a.h5', '894844460d0a1a0a00', 'an HDF5 file', TEXT],
];

describe('what a file is that is no text', () => {
  test.each(kinds)('%s', async (name, begin, kind, fix) => {
    const bytes = Buffer.from(begin, 'hex');
    expect(await refusal(readTextLines(file(name, bytes)))).toBe(
      `FormatError: readTextLines: got ${name}, which is ${kind}, expected text.\n  Fix: ${fix}.`,
    );
    await expect(readTable(Readable.from([bytes]), { delimiter: ',' })).rejects.toThrow(
      `got the stream, which is ${kind}, expected text`,
    );
  });

  test('a model', async () => {
    const path = file('model.safetensors', '');
    await save(new Linear({ inFeatures: 1, outFeatures: 1 }), path);
    expect(await refusal(readTextLines(path))).toContain(
      'got model.safetensors, which is a file of safetensors, such as a model, expected text.',
    );
  });

  test('a workbook, which is a zip archive', async () => {
    expect(await refusal(readTable(file('a.xlsx', Buffer.from('504b03041400', 'hex')), { delimiter: ',' }))).toContain(
      'a zip archive, expected text, as it is or packed by gzip.\n  Fix: save it as CSV',
    );
  });

  test('texts that begin like one are read', async () => {
    for (const text of ['RIFF and raff', 'ID3', 'PAR1', 'GIF8', '%PDF', 'SQLite format 3'])
      expect(await readTextLines(file('a.txt', text))).toEqual([text]);
  });

  test('what is of no known kind is binary data, unless another encoding may have it', async () => {
    const read = (bytes: Buffer): Promise<string> => refusal(readTextLines(file('x', bytes)));
    expect(await read(Buffer.from([200, 1, 2, 3, 250, 10, 7]))).toBe(
      'FormatError: readTextLines: got binary data in x, line 1, expected text in utf-8.\n' +
        '  Fix: give a file of text; if it is one, pass encoding with the one it has.',
    );
    expect(await read(Buffer.from('gr\xfcn', 'utf16le'))).toContain("'utf-16le'");
    for (const lead of ['', 'a', 'ab', 'abc'])
      for (const character of ['é', '語', '𝄞'])
        expect(await read(Buffer.from(`${lead}\0${character.repeat(4096)}`))).toContain('got the character NUL in x');
    expect(await read(Buffer.from('gr\xfcn\tund\x1b[0m\n', 'latin1'))).toContain("'windows-1252'");
  });
});
