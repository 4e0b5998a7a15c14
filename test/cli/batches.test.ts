import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { streamTextLines } from 'stmnet';
import { batchesOf } from '../../src/cli/batches';

test('a batch is as large as what is there, up to the most', async () => {
  const pipe = new PassThrough();
  const batches = batchesOf(streamTextLines(pipe), 3);
  pipe.write('1\n2\n3\n4\n');
  expect((await batches.next()).value).toEqual(['1', '2', '3']);
  expect((await batches.next()).value).toEqual(['4']); // nobody waits for the end
  const later = batches.next();
  pipe.end('5');
  expect((await later).value).toEqual(['5']);
  expect(await batches.next()).toEqual({ done: true, value: undefined });
});

test('an error of the source is thrown behind what it gave', async () => {
  const pipe = new PassThrough();
  pipe.end('1\n\0\n');
  const batches = batchesOf(streamTextLines(pipe), 1);
  expect((await batches.next()).value).toEqual(['1']);
  await expect(batches.next()).rejects.toThrow('the character NUL in the stream, line 2');
});

test('what came before an error is given first, also where it waits behind a full batch', async () => {
  const failing = async function* (): AsyncGenerator<number> {
    yield* [1, 2, 3];
    throw new Error('the source broke off');
  };
  const full = batchesOf(failing(), 3);
  expect((await full.next()).value).toEqual([1, 2, 3]);
  await new Promise((resolve) => setTimeout(resolve, 20)); // as while the batch is computed
  await expect(full.next()).rejects.toThrow('the source broke off');
  const partial = batchesOf(failing(), 2);
  expect((await partial.next()).value).toEqual([1, 2]);
  expect((await partial.next()).value).toEqual([3]);
  await expect(partial.next()).rejects.toThrow('the source broke off');
});
