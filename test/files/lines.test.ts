import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileError, FormatError, OptionError } from 'stmnet';
import {
  lineError,
  readLineBatches,
  readLines,
  readTextBlocks,
  type Line,
  type LineOptions,
} from '../../src/files/lines';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-lines-'));
  path = join(folder, 'file.txt');
});
afterAll(() => rm(folder, { recursive: true }));

async function linesOf(contents: string | Uint8Array, options: LineOptions = {}): Promise<Line[]> {
  await writeFile(path, contents);
  const found: Line[] = [];
  for await (const line of readLines(path, options)) found.push(line);
  return found;
}
const textsOf = async (contents: string | Uint8Array, options: LineOptions = {}): Promise<string[]> =>
  (await linesOf(contents, options)).map(({ text }) => text);

/** UTF-16 with the mark, the bytes swapped for big endian. */
const utf16 = (text: string, big = false): Buffer => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return big ? bytes.swap16() : bytes;
};

describe('lines', () => {
  test('end with LF or CR LF, and the last one with the file', async () => {
    expect(await linesOf('a\r\nb\n\n c ')).toEqual([
      { text: 'a', line: 1 },
      { text: 'b', line: 2 },
      { text: '', line: 3 },
      { text: ' c ', line: 4 },
    ]);
    expect(await textsOf('a\n')).toEqual(['a']);
    expect(await textsOf('\n\n')).toEqual(['', '']);
    expect(await textsOf('')).toEqual([]);
    expect(await textsOf('one\rtwo\u2028three\u0085\nfour\rfive')).toEqual(['one\rtwo\u2028three\u0085', 'four\rfive']);
  });

  test('may not end with CR alone', async () => {
    for (const text of ['one\rtwo\rthree\r', 'one\rtwo', 'one\r', `one\r${'two '.repeat(200_000)}`]) {
      await expect(textsOf(text)).rejects.toThrow(FormatError);
      await expect(textsOf(gzipSync(text))).rejects.toThrow(`got CR and nowhere an LF in ${path}, line 1, expected`);
      await expect(textsOf(utf16(text, true))).rejects.toThrow("Fix: convert the ends of lines to LF, as by tr '\\r'");
    }
  });

  test('are the same whatever pieces they come in, packed or not', async () => {
    const expected = Array.from({ length: 40_000 }, (_, i) => `${i}\t${'äß語😀'.repeat(i % 17)}${'x'.repeat(i % 301)}`);
    const text = `${expected.join('\n')}\n`;
    expect(await textsOf(text)).toEqual(expected);
    expect(await textsOf(gzipSync(text))).toEqual(expected);
    // Two files behind each other, as `cat a.gz b.gz` makes them.
    const half = text.indexOf('\n', text.length / 2) + 1;
    expect(await textsOf(Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]))).toEqual(expected);
    expect(await textsOf(utf16(text))).toEqual(expected);
    expect(await textsOf(utf16(text, true))).toEqual(expected);
    expect(await textsOf(gzipSync(utf16(text)))).toEqual(expected);
  });

  test('come in batches with the number of the first one', async () => {
    const expected = Array.from({ length: 100_000 }, (_, i) => `line ${i + 1}`);
    await writeFile(path, expected.join('\r\n'));
    const found: string[] = [];
    let batches = 0;
    for await (const { lines, first } of readLineBatches(path)) {
      expect(first).toBe(found.length + 1);
      found.push(...lines);
      batches++;
    }
    expect(found).toEqual(expected);
    expect(batches).toBeLessThan(20);
  });

  test('stay together in blocks, ends included', async () => {
    await writeFile(path, '\uFEFFa\r\nb\nc');
    const blocks: unknown[] = [];
    for await (const block of readTextBlocks(path)) blocks.push(block);
    expect(blocks).toEqual([
      { text: 'a\r\nb\n', first: 1 },
      { text: 'c', first: 3 },
    ]);
  });

  test('before one that is none are given first', async () => {
    const found: Line[] = [];
    const walk = async (contents: string | Uint8Array, options: LineOptions = {}): Promise<void> => {
      found.length = 0;
      await writeFile(path, contents);
      for await (const line of readLines(path, options)) found.push(line);
    };
    const twoLines = [
      { text: 'a', line: 1 },
      { text: 'é', line: 2 },
    ];
    await expect(walk(Buffer.from('610ac3a90ae90a620a', 'hex'))).rejects.toThrow(`no utf-8 in ${path}, line 3`);
    expect(found).toEqual(twoLines);
    await expect(walk('a\né\nlonger than that\nb\n', { maxLineBytes: 8 })).rejects.toThrow(`${path}, line 3`);
    expect(found).toEqual(twoLines);
    const undone = Buffer.concat([utf16('a\né\n'), Buffer.from('00d80a00', 'hex')]);
    await expect(walk(undone)).rejects.toThrow(`no utf-16le in ${path}, line 3`);
    expect(found).toEqual(twoLines);
    await expect(walk(Buffer.from('e90a610a', 'hex'))).rejects.toThrow(`no utf-8 in ${path}, line 1`);
    expect(found).toEqual([]);
  });

  test('can be left before the end', async () => {
    await writeFile(path, gzipSync('a line\n'.repeat(1_000_000)));
    for await (const { line } of readLines(path)) if (line === 3) break;
    await rm(path);
  });
});

describe('encodings', () => {
  test('are those that the file begins with, or UTF-8', async () => {
    expect(await textsOf('\uFEFFgrün\n語')).toEqual(['grün', '語']);
    expect(await textsOf(utf16('grün\n語\n\u0a00\u000b'))).toEqual(['grün', '語', '\u0a00\u000b']);
    expect(await textsOf(utf16('\u0a0a\n\u0a0a', true))).toEqual(['\u0a0a', '\u0a0a']);
  });

  test('or those that are said', async () => {
    expect(await textsOf(Buffer.from('gr\xfcn\x80', 'latin1'), { encoding: 'latin1' })).toEqual(['grün\x80']);
    expect(await textsOf(Buffer.from('gr\xfcn\x80', 'latin1'), { encoding: 'windows-1252' })).toEqual(['grün€']);
    const shiftJis = Buffer.from('93fa967b0a8cea', 'hex');
    expect(await textsOf(shiftJis, { encoding: 'shift_jis' })).toEqual(['日本', '語']);
    expect(await textsOf(Buffer.from('a\nb', 'utf16le'), { encoding: 'UTF-16LE' })).toEqual(['a', 'b']);
    expect(await textsOf('\uFEFFa', { encoding: 'utf8' })).toEqual(['a']);
  });

  test('that the bytes are not in are told with the line', async () => {
    await expect(linesOf(Buffer.from('a\nb\ngr\xfcn\nc', 'latin1'))).rejects.toThrow(
      `readLines: got bytes that are no utf-8 in ${path}, line 3, expected text in utf-8.\n` +
        "  Fix: pass the encoding it has, such as encoding: 'windows-1252'.",
    );
    const late = Buffer.concat([Buffer.from('good\n'.repeat(200_000)), Buffer.of(0xc3)]);
    await expect(linesOf(late)).rejects.toThrow('line 200001, expected text in utf-8');
    await expect(linesOf(Buffer.from('a\nb', 'utf16le'))).rejects.toThrow(
      `got the character NUL in ${path}, line 1, expected text in utf-8.\n` +
        "  Fix: pass encoding: 'utf-16le' or 'utf-16be' if the file is written so; else it is no text.",
    );
    await expect(linesOf(utf16('a\nb').subarray(0, -1))).rejects.toThrow('bytes that are no utf-16le in');
    await expect(linesOf(utf16('a\n\ud800\nb'))).rejects.toThrow('line 2, expected text in utf-16le');
    await expect(linesOf(utf16('a'), { encoding: 'utf-8' })).rejects.toThrow(
      `got ${path}, which begins with the mark of utf-16le, expected text in utf-8, as encoding says`,
    );
    await expect(linesOf('a', { encoding: 'klingon' })).rejects.toThrow(
      'got encoding: "klingon", expected an encoding that TextDecoder knows',
    );
  });
});

describe('refused', () => {
  test('a line longer than allowed, before all of it is read', async () => {
    const contents = `a\n${'x'.repeat(50_000_000)}\n`;
    const refusal = linesOf(contents);
    await expect(refusal).rejects.toThrow(FormatError);
    await expect(refusal).rejects.toThrow(
      `readLines: got more than 16777216 bytes in ${path}, line 2, expected lines of at most 16777216 bytes`,
    );
    await expect(linesOf(gzipSync(contents, { level: 1 }))).rejects.toThrow('line 2');
    expect((await textsOf(contents, { maxLineBytes: 60_000_000 }))[1]).toHaveLength(50_000_000);
    await expect(linesOf('abc\nabcdef\n', { maxLineBytes: 5 })).rejects.toThrow('more than 5 bytes');
    expect(await textsOf('abcd\nabcd', { maxLineBytes: 5 })).toEqual(['abcd', 'abcd']);
    await expect(linesOf('a', { maxLineBytes: 2 ** 40 })).rejects.toThrow(OptionError);
  });

  test('damaged gzip data, and what other programs packed', async () => {
    const whole = gzipSync('a line\n'.repeat(1000));
    await expect(linesOf(whole.subarray(0, -9))).rejects.toThrow(
      `got ${path}, whose gzip data are damaged (unexpected end of file), expected a whole file of gzip`,
    );
    const wrong = Buffer.from(whole);
    wrong[wrong.length - 6]! ^= 1;
    await expect(linesOf(wrong)).rejects.toThrow('(incorrect data check)');
    await expect(linesOf(Buffer.from('504b03041400', 'hex'))).rejects.toThrow(
      `got ${path}, which is a zip archive, expected text, as it is or packed by gzip.\n  Fix: unpack it first.`,
    );
  });

  test('a file that is not there, and a folder', async () => {
    const missing = async (): Promise<void> => {
      for await (const line of readLines({ op: 'readTable', path: join(folder, 'missing') }))
        throw new Error(line.text);
    };
    await expect(missing()).rejects.toThrow(FileError);
    await expect(missing()).rejects.toThrow(
      `readTable: got ${join(folder, 'missing')}, of which the system says ENOENT`,
    );
    await expect(async () => {
      for await (const line of readLines(folder)) throw new Error(line.text);
    }).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

test('errors name line and column', () => {
  const source = { op: 'readTable', path: 'a.csv' };
  const parts = { given: '"x"', expected: 'a number', fix: 'correct it' };
  expect(lineError(source, 3, parts).message).toContain('readTable: got "x" in a.csv, line 3, expected a number');
  expect(lineError(source, 3, parts, 2).message).toContain('in a.csv, line 3, column 2, expected');
  expect(lineError(source, 3, parts, 'age').message).toContain('in a.csv, line 3, column "age", expected');
});
