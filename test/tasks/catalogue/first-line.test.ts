import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readTextLines } from 'stmnet';
import { firstLineOf } from '../../../src/tasks/catalogue/first-line';

test('the first line is told, and still read with the others', async () => {
  const stream = new PassThrough();
  stream.write('one\r\ntw');
  expect(await firstLineOf('test', stream, undefined)).toBe('one'); // before the end
  expect(await firstLineOf('test', stream, undefined)).toBe('one');
  stream.end('o\n');
  expect(await readTextLines(stream)).toEqual(['one', 'two']);
});

test('also in another encoding, and where the stream has come to its end', async () => {
  const stream = new PassThrough().end(Buffer.from('caf\xe9', 'latin1'));
  expect(await firstLineOf('test', stream, 'latin1')).toBe('café');
  expect(await readTextLines(stream, { encoding: 'latin1' })).toEqual(['café']);
});

test('what is no text, or nothing, has none', async () => {
  const packed = new PassThrough().end(gzipSync('a,b\n'));
  expect(await firstLineOf('test', packed, undefined)).toBe('a,b');
  const binary = new PassThrough().end(Buffer.from([0, 1, 2, 10]));
  expect(await firstLineOf('test', binary, undefined)).toBe('');
  expect(await firstLineOf('test', new PassThrough().end(), undefined)).toBe('');
});

test('a stream that fails is told', async () => {
  const stream = new PassThrough();
  stream.destroy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }));
  await expect(firstLineOf('test', stream, undefined)).rejects.toThrow('standard input');
});
