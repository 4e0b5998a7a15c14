import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  DataError,
  DataLoader,
  FileError,
  IterableDataset,
  OptionError,
  permutation,
  readWav,
  type AsyncDataset,
  type Dataset,
} from 'stmnet';
import { allOf, turns } from '../support/walks';

type Batch = readonly string[];
const count = 23;
const collate = (items: readonly string[]): Batch => [...items];

describe('a DataLoader tells', () => {
  const failing = (at: (index: number) => unknown, prefetch: number) =>
    new DataLoader<string, Batch>({ length: count, at } as Dataset<string>, { batchSize: 4, prefetch, collate });
  const givenBefore = async (loader: AsyncIterable<Batch>): Promise<[number, unknown]> => {
    let given = 0;
    try {
      for await (const _ of loader) {
        given++;
        await turns(6);
      }
      return [given, undefined];
    } catch (error) {
      return [given, error];
    }
  };
  test.each([0, 1, 4])('an item that cannot be made is told at its turn, with its number, prefetch: %d', async (n) => {
    const cause = new RangeError('no such file');
    const message =
      'DataLoader: got an error from at(9), expected item 9 of the dataset.\n' +
      '  Fix: call at(9) of the dataset by itself, it says: RangeError: no such file.';
    const throws = (index: number): string => {
      if (index === 9) throw cause;
      return String(index);
    };
    const rejects = async (index: number): Promise<string> => {
      await turns(index >= 9 ? 20 - index : 0); // those behind it are the first to fail
      if (index >= 9) throw index === 9 ? cause : new Error('another');
      return String(index);
    };
    for (const at of [throws, rejects]) {
      const [given, error] = await givenBefore(failing(at, n));
      expect([given, error instanceof DataError]).toEqual([2, true]);
      expect(error).toMatchObject({ message, cause, op: 'DataLoader', code: 'ERR_STM_DATA' });
    }
    const [, odd] = await givenBefore(failing(() => Promise.reject('words'), n));
    expect(odd).toMatchObject({ message: expect.stringContaining('it says: "words".'), cause: 'words' });
  });
  test.each([0, 2])('what stmnet says of an item gets the number of it, prefetch: %d', async (prefetch) => {
    const path = 'no-such-folder/5.wav';
    const [given, error] = await givenBefore(failing((index) => (index === 5 ? readWav(path) : 'x'), prefetch));
    expect([given, error instanceof FileError]).toEqual([1, true]);
    expect(error).toMatchObject({
      code: 'ENOENT',
      message: expect.stringMatching(
        /^readWav: got no-such-folder\/5\.wav, .*\n {2}It came up in item 5 of the dataset\.$/s,
      ),
      cause: { op: 'readWav', code: 'ENOENT', cause: { syscall: 'open' } },
    });
    const cause = new OptionError('pad', 'pad: got 7');
    expect((await givenBefore(failing(() => Promise.reject(cause), prefetch)))[1]).toMatchObject({
      message: 'pad: got 7\n  It came up in item 0 of the dataset.',
      cause,
    });
    class Own extends OptionError {
      readonly row = 3;
    }
    const own = new Own('pad', 'pad: got 8');
    expect((await givenBefore(failing(() => Promise.reject(own), prefetch)))[1]).toBe(own); // it cannot be made anew
    expect(() => [...failing((index) => (index > 2 ? JSON.parse('{') : ''), 0)]).toThrow(/at\(3\).*SyntaxError/s);
  });
  test('an item that fails where others of its batch are yet to come', async () => {
    const mixed = failing((index) => {
      if (index === 2) throw new Error('now');
      return Promise.reject(new Error('later'));
    }, 0);
    expect((await givenBefore(mixed))[1]).toMatchObject({ cause: new Error('now') });
    await turns(3); // where the others would be reported
  });
  test('a walk by for, which cannot wait', () => {
    expect(() => [...failing(String, 2)]).toThrow(
      'DataLoader: got a walk by for with prefetch: 2, expected one that can wait for items.\n' +
        '  Fix: write for await (const batch of loader).',
    );
    expect(() => failing(String, -1)).toThrow('DataLoader: got prefetch: -1, expected a whole number');
  });
  test('random numbers that are drawn after a wait, and so at a moment that nobody knows', async () => {
    const message =
      /got prefetch: 1, and random numbers were drawn while the first batch was awaited, .*\n {2}Fix: take them from/;
    const waits = async (index: number): Promise<string> => (await turn(), `${index} ${permutation(9)[0]}`);
    const stream = new IterableDataset(async function* () {
      for (let i = 0; i < count; i++) yield await waits(i);
    });
    const options = { batchSize: 4, collate };
    await expect(allOf(failing(waits, 1))).rejects.toThrow(message);
    await expect(allOf(new DataLoader<string, Batch>(stream, { ...options, prefetch: 1 }))).rejects.toThrow(message);
    expect(await allOf(new DataLoader<string, Batch>(stream, options))).toHaveLength(6);
  });
  test('random numbers of items that wait side by side, in whichever batch', async () => {
    const rarely = async (index: number): Promise<string> => {
      await turn();
      return index === 9 ? `${index} ${permutation(9)[0]}` : String(index);
    };
    const [given, error] = await givenBefore(failing(rarely, 0));
    expect([given, error instanceof OptionError]).toEqual([2, true]);
    expect(error).toMatchObject({
      message:
        'DataLoader: got random numbers that were drawn while a batch was awaited, expected items that draw none ' +
        'after they have waited: what they get would depend on time.\n' +
        '  Fix: take them from the seed that at(index, { seed }) gets, or draw before the first await; items of a ' +
        'WorkerDataset may draw at any time, if it has workers, and other code between two batches.',
    });
    const early: AsyncDataset<string> = {
      length: count,
      at: async (index) => {
        const item = `${index} ${permutation(9)[0]}`;
        await turns(index % 3);
        return item;
      },
    };
    const own = new DataLoader<string, Batch>(early, { batchSize: 4, collate });
    for await (const _ of own) permutation(9); // whoever walks may draw, and items before they wait
  });
});
