import { describe, expect, test } from 'vitest';
import { DataError, DataLoader, OptionError, Subset, WorkerDataset } from 'stmnet';
import { moduleOf, open } from '../support/worker-datasets';

const items = new URL('./fixtures/worker-items.mjs', import.meta.url);

describe.each([0, 1])('an item that goes wrong, workers: %d,', (workers) => {
  const failing = async (at: string): Promise<[unknown, WorkerDataset<unknown>]> => {
    const dataset = await open(moduleOf(`export default () => ({ length: 30, at(index) { ${at} } });`), { workers });
    return [await dataset.at(17).catch((error: unknown) => error), dataset];
  };
  test('says which it is, why, and where', async () => {
    const [error, dataset] = await failing("if (index === 17) throw new RangeError('no such file'); return index;");
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({
      message:
        "WorkerDataset: got an error from at(17), expected item 17 of the module's dataset.\n" +
        "  Fix: call at(17) of the module's dataset by itself, it says: RangeError: no such file.",
      cause: { name: 'RangeError', message: 'no such file', stack: expect.stringMatching(/at .*\.mjs:1/) },
    });
    expect(await dataset.at(18)).toBe(18);
    expect((await failing("return Promise.reject('words');"))[0]).toMatchObject({
      message: expect.stringMatching(/"words"/),
    });
    expect((await failing('null.x;'))[0]).toMatchObject({ message: expect.stringMatching(/TypeError: Cannot read/) });
  });
  test('with the causes that it has, also where they form a ring', async () => {
    const ring =
      "const [a, b] = [new Error('a'), new Error('b')]; a.cause = b; b.cause = a; " +
      'if (index === 17) throw a; return index;';
    const [error, dataset] = await failing(ring);
    expect(error).toMatchObject({
      message: expect.stringMatching(/it says: Error: a\.$/),
      cause: { message: 'a', cause: { message: 'b', cause: { message: 'a', cause: { message: 'b' } } } },
    });
    expect(await dataset.at(18)).toBe(18);
  });
  test('as one of a loader, at its turn', async () => {
    const module = moduleOf(
      'export default () => ({ length: 30, at(i) { if (i > 8) throw new Error(`no ${i}`); return i; } });',
    );
    for (const prefetch of [0, 4]) {
      const loader = new DataLoader(await open<number>(module, { workers }), { batchSize: 4, prefetch });
      let batches = 0;
      const walk = async (): Promise<void> => {
        for await (const _ of loader) batches++;
      };
      await expect(walk()).rejects.toThrow(
        /^WorkerDataset: got an error from at\(9\).*no 9\.\n {2}It came up in item 9 of the dataset\.$/s,
      );
      expect(batches).toBe(2);
    }
  });
  test('as one of a part of the dataset, with its number there', async () => {
    const dataset = await open<number>(items, { workers, data: { kind: 'unread', count: 9 } });
    const [error] = await Promise.allSettled([
      new DataLoader(new Subset(dataset, [8, 4]))[Symbol.asyncIterator]().next(),
    ]);
    const lines = "It came up in item 8 of the module's dataset.\n  It came up in item 0 of the dataset.";
    expect(error).toMatchObject({ reason: { name: 'DataError', code: 'ENOENT' } });
    expect(error).toMatchObject({ reason: { message: expect.stringMatching(`^readWav: [^]*\\n  ${lines}$`) } });
  });
  test('holds what cannot be sent', async () => {
    const message =
      /^WorkerDataset: got function f as item 17\.input\[1\], expected numbers, texts, .*\n {2}Fix: give the numbers/;
    const [error] = await failing('return { input: [1, function f() {}] };');
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    const [own] = await failing('return { input: new (class Wave {})() };');
    expect(own).toMatchObject({ message: expect.stringMatching(/got Wave as item 17\.input, expected/) });
  });
  test('is none of the dataset', async () => {
    const dataset = await open(items, { workers, data: { kind: 'drawn', count: 4 } });
    await expect(dataset.at(4)).rejects.toThrow(/^WorkerDataset\.at: got index 4, expected a whole number in 0\.\.3/);
  });
  test.each([
    ['date', /got a value that cannot be copied \(DataCloneError: .*\) as item 17, expected numbers/],
    ['bytes', /got an ArrayBuffer that was handed over before, and is empty now as item 17\.x, expected numbers/],
    ['numbers', /got an ArrayBuffer that was handed over before, and is empty now as item 17\.x, expected numbers/],
    ['list', /got a SequenceList within another one as item 17\.x\[1\], expected numbers/],
    ['sequence', /got a SequenceList within another one as item 17\.x\[0\]\.a\[0\], expected numbers/],
  ])('holds what comes to no thread, %s', async (form, message) => {
    const dataset = await open(new URL('./fixtures/worker-mistakes.mjs', import.meta.url), { workers, data: form });
    const asked = await Promise.all([16, 17, 18].map((index) => dataset.at(index).catch((error: unknown) => error)));
    expect([asked[0], asked[2]]).toEqual([{ x: 16 }, { x: 18 }]);
    expect(asked[1]).toBeInstanceOf(DataError);
    expect(asked[1]).toMatchObject({ message: expect.stringMatching(message) });
    expect(await dataset.at(19)).toEqual({ x: 19 });
  });
  test('but not by an array with properties of its own, which come to nothing', async () => {
    const dataset = await open(
      moduleOf(`
        class Row extends Array { sum = () => this[0]; }
        const row = (...parts) => Object.assign([...parts], { sum: () => 1 });
        const known = new Map([['e', row(6)]]);
        const at = (index) => ({ a: row(index, 2), b: row([index], 3), c: Row.of(4, [5]), known });
        export default () => ({ length: 30, at });`),
      { workers },
    );
    expect(await dataset.at(3)).toEqual({ a: [3, 2], b: [[3], 3], c: [4, [5]], known: new Map([['e', [6]]]) });
  });
});

describe('data for the workers', () => {
  test('that another thread has are refused', async () => {
    const bytes = Float32Array.of(1, 2);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    for (const workers of [0, 1]) {
      const error = await WorkerDataset.open(items, { workers, data: { bytes } }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OptionError);
      expect(error).toMatchObject({ message: expect.stringMatching(/got an ArrayBuffer that .* as data\.bytes, /) });
    }
  });
});
