import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { streamConll, streamJsonLines, streamTable, streamTextLines, type FileRecords } from 'stmnet';

const stream = (contents: string): PassThrough => new PassThrough().end(Buffer.from(contents, 'latin1'));

test.each<[string, (contents: PassThrough) => FileRecords<unknown>, string, readonly unknown[], string]>([
  ['lines', streamTextLines, 'a\nb\ncaf\xe9\nd\n', ['a', 'b'], 'line 3'],
  ['JSON Lines', streamJsonLines, '1\n\n"two"\n{bad\n4\n', [1, 'two'], 'line 4'],
  [
    'a table',
    (from) => streamTable(from, { delimiter: ',' }),
    'a,b\n1,2\n3,4\n5\n6,7\n',
    [
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ],
    'line 4',
  ],
  [
    'a table with quotes',
    (from) => streamTable(from, { delimiter: ',' }),
    'a,b\n"1",2\n3,"4"5\n6,7\n',
    [{ a: '1', b: '2' }],
    'line 3',
  ],
  [
    'columns',
    streamConll,
    'Ann N\n\nran V\n\nfar\n',
    [
      { 0: ['Ann'], 1: ['N'] },
      { 0: ['ran'], 1: ['V'] },
    ],
    'line 5',
  ],
])('%s before a mistake are given first', async (_, open, contents, before, place) => {
  const found: unknown[] = [];
  const walk = async (): Promise<void> => {
    for await (const record of open(stream(contents))) found.push(record);
  };
  await expect(walk()).rejects.toThrow(place);
  expect(found).toEqual(before);
});
