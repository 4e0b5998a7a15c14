import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  DataError,
  DataLoader,
  DisposedError,
  getRandomState,
  manualSeed,
  OptionError,
  SequenceList,
  Subset,
  TextVectorizer,
  WordTokenizer,
  WorkerDataset,
  type HostArray,
} from 'stmnet';
import { runScript } from '../support/child';
import { moduleOf, open, workersFolder } from '../support/worker-datasets';

const items = new URL('./fixtures/worker-items.mjs', import.meta.url);
const everyNumber = [0, 1, 3] as const;

describe('a WorkerDataset', () => {
  test.each(everyNumber)('gives what the dataset of an ES module gives, workers: %d', async (workers) => {
    const dataset = await open<Record<string, unknown>>(items, { workers, data: { kind: 'forms', count: 9 } });
    expect([dataset.length, dataset.settings]).toEqual([9, {}]);
    for (const index of [0, 8]) {
      const { words, nested, ...plain } = await dataset.at(index);
      const from = (begin: number, count: number): Float64Array =>
        Float64Array.from({ length: count }, (_, i) => begin + i);
      expect(plain).toEqual({
        small: from(index, 3),
        large: from(index, 4000),
        bytes: Uint8Array.of(97, 98, 99),
        view: expect.any(DataView),
        when: new Date(index),
        known: new Map([['a', index]]),
      });
      expect((plain['view'] as DataView).getFloat64(0, true)).toBe(index);
      expect((plain['small'] as Float64Array).buffer.byteLength).toBe(24); // and not the numbers around
      const list = (nested as { list: [{ words: unknown }, number, number] }).list;
      expect(words).toBeInstanceOf(SequenceList);
      expect((words as SequenceList).sequences).toEqual([[index], Int32Array.of(1, 2)]);
      expect(list[0].words).toBeInstanceOf(SequenceList);
      expect(list.slice(1)).toEqual([-0, Number.NaN]);
      expect(nested).toMatchObject({ big: 10n, missing: undefined, none: null });
    }
  });
  test.each(everyNumber)('takes CommonJS, a promise of a dataset, and an array, workers: %d', async (workers) => {
    const data = [{ x: 1 }, { x: Float32Array.of(2) }];
    const compiled = createRequire(import.meta.url).resolve('./fixtures/worker-items.cjs');
    const plain = moduleOf('module.exports = async (data) => data.slice(0, 1);', 'cjs');
    for (const [module, expected] of [
      [compiled, data],
      [plain, data.slice(0, 1)],
      [pathToFileURL(plain).href, data.slice(0, 1)],
    ] as const) {
      const dataset = await open(module, { workers, data });
      expect(await Promise.all(Array.from({ length: dataset.length }, (_, index) => dataset.at(index)))).toEqual(
        expected,
      );
    }
  });
  test.each(everyNumber)('takes typed arrays that the module keeps, again and again, workers: %d', async (workers) => {
    const dataset = await open(items, { workers, data: { kind: 'forms', count: 2 } });
    const [first, second] = [await dataset.at(1), await dataset.at(1)];
    expect(second).toEqual(first);
  });
  test.each(everyNumber)('makes the same items of the same seeds, in any order, workers: %d', async (workers) => {
    const own = await open(items, { workers: 0, data: { kind: 'drawn', count: 20 } });
    const dataset = await open(items, { workers, data: { kind: 'later', count: 20 } });
    const before = getRandomState();
    const order = [3, 19, 3, 0, 7, 11, 12, 13];
    const made = await Promise.all(order.map((index) => dataset.at(index, { seed: 100 + index })));
    for (const [place, index] of order.entries())
      expect(made[place]).toEqual(await own.at(index, { seed: 100 + index }));
    expect(made[0]).toEqual(made[2]);
    expect(await dataset.at(3, { seed: 4 })).not.toEqual(made[0]);
    expect(getRandomState()).toEqual(before);
  });
  test.each([1, 3])('lets an item draw after it has waited, workers: %d', async (workers) => {
    const own = await open(items, { workers: 0, data: { kind: 'drawn', count: 20 } });
    const late = await open(items, { workers, data: { kind: 'late', count: 20 } });
    const made = await Promise.all([3, 0, 7, 8].map((index) => late.at(index, { seed: 100 + index })));
    for (const [place, index] of [3, 0, 7, 8].entries())
      expect(made[place]).toEqual(await own.at(index, { seed: 100 + index }));
  });
  test.each([0, 2])(
    'has a loader refuse what draws after it has waited in this thread, prefetch: %d',
    async (prefetch) => {
      const walk = async (workers: number): Promise<number> => {
        const dataset = await open<{ input: HostArray; target: number }>(items, {
          workers,
          data: { kind: 'late', count: 20 },
        });
        let batches = 0;
        for await (const _ of new DataLoader(dataset, { batchSize: 4, prefetch })) batches++;
        return batches;
      };
      expect(await walk(1)).toBe(5);
      await expect(walk(0)).rejects.toThrow(/drawn while .* batch was awaited, .*\n {2}Fix: .* WorkerDataset may draw/);
    },
  );
  test('shares what is asked for at once among its workers', async () => {
    const module = moduleOf(
      "import { threadId } from 'node:worker_threads';\n" +
        'export default () => ({ length: 100, at: () => threadId });',
    );
    const dataset = await open<number>(module, { workers: 3 });
    const threads = await Promise.all(Array.from({ length: 30 }, (_, index) => dataset.at(index)));
    expect(new Set(threads).size).toBe(3);
    expect(threads.filter((id) => id === threads[0])).toHaveLength(10);
  });
  test('has each number of workers one state of a loader, that of the dataset itself', async () => {
    const states = [];
    for (const workers of everyNumber) {
      const dataset = await open<{ input: number[]; target: number }>(items, {
        workers,
        data: { kind: 'array', count: 9 },
      });
      states.push(new DataLoader(dataset, { batchSize: 2 }).state());
      const part = new DataLoader(new Subset(dataset, [4, 2]), { batchSize: 2 });
      for await (const { target } of part) expect(await target.array()).toEqual([1, 2]);
    }
    const here = Array.from({ length: 9 }, (_, index) => ({ input: [index, index / 3], target: index % 3 }));
    expect(states).toEqual(everyNumber.map(() => new DataLoader(here, { batchSize: 2 }).state()));
    const other = await open(items, { data: { kind: 'drawn', count: 9 } });
    expect(new DataLoader(other, { batchSize: 2 }).state().data).toMatchObject({ version: 3, items: 9 });
  });
  test('shares the memory of a SharedArrayBuffer with its workers', async () => {
    const numbers = new Int32Array(new SharedArrayBuffer(8));
    const module = moduleOf('export default (numbers) => ({ length: 1, at: () => ++numbers[0] });');
    const dataset = await open(module, { workers: 1, data: numbers });
    expect([await dataset.at(0), await dataset.at(0), numbers[0]]).toEqual([1, 2, 2]);
  });
  test.each([0, 2])('ends its workers, and then gives nothing, workers: %d', async (workers) => {
    const slow = moduleOf('export default () => ({ length: 9, at: () => new Promise(() => {}) });');
    const dataset = await WorkerDataset.open(slow, { workers });
    const waiting = [dataset.at(1), dataset.at(2)].map((item) => item.catch((error: unknown) => error));
    await Promise.resolve();
    await dataset[Symbol.asyncDispose]();
    const message =
      'WorkerDataset.at: got a dataset that was closed, expected one that is open.\n' +
      '  Fix: close it after the last walk over it, or open another one.';
    for (const error of [...(await Promise.all(waiting)), await dataset.at(0).catch((thrown: unknown) => thrown)]) {
      expect(error).toBeInstanceOf(DisposedError);
      expect(error).toMatchObject({ message });
    }
    await dataset.close();
  });
});

describe('a process with workers', () => {
  const script = (body: string): string => `
    const { WorkerDataset, DataLoader } = require('stmnet');
    (async () => {
      const options = { workers: 2, data: { kind: 'later', count: 20 } };
      const dataset = await WorkerDataset.open(${JSON.stringify(items.href)}, options);
      ${body}
    })();`;
  test('ends by itself, but not while items are awaited', () => {
    const child = runScript(
      script("await dataset.at(3); console.log('a'); console.log((await dataset.at(7)).target);"),
    );
    expect(child).toMatchObject({ code: 0, stderr: '', stdout: 'a\n1\n' });
    expect(child.ms).toBeLessThan(20_000);
  });
  test('ends by itself in the middle of a walk that was left', () => {
    const child = runScript(
      script(
        "for await (const b of new DataLoader(dataset, { batchSize: 4, prefetch: 2 })) { console.log('b'); break; }",
      ),
    );
    expect(child).toMatchObject({ code: 0, stderr: '', stdout: 'b\n' });
  });
  test('can exit at any moment', () => {
    const child = runScript(script('dataset.at(3); setTimeout(() => process.exit(7), 1);'));
    expect(child).toMatchObject({ code: 7, stderr: '' });
  });
  test('is told that a worker is out of memory', () => {
    const hoard = moduleOf(
      'export default () => ({ length: 9, at() { for (const a = []; ; ) a.push(Array(1e5).fill(a.length)); } });',
    );
    const child = runScript(
      `require('stmnet').WorkerDataset.open(${JSON.stringify(hoard)}).then((dataset) => dataset.at(4))
        .catch((error) => console.log(error.name, error.message));`,
      { environment: { NODE_OPTIONS: '--max-old-space-size=48' } },
    );
    expect(child).toMatchObject({
      code: 0,
      stdout:
        "DataError WorkerDataset: got a worker that ended before it gave item 4 of the module's dataset" +
        ', out of memory, expected one that lives until close().\n' +
        '  Fix: let the module keep less, as by reading in at(index), or start node with --max-old-space-size=MB.\n',
    });
  });
});

describe('WorkerDataset.open refuses', () => {
  const refused = async (module: unknown, options?: object): Promise<Error> => {
    const none = await WorkerDataset.open(module as string, options).then(
      async (dataset) => dataset.close(),
      (error: unknown) => error as Error,
    );
    return none ?? expect.fail('it was opened');
  };
  test('what is no module', async () => {
    const relative = await refused('./items.mjs');
    expect(relative).toBeInstanceOf(OptionError);
    expect(relative.message).toBe(
      'WorkerDataset.open: got the module "./items.mjs", expected a file: URL, or a whole path.\n' +
        "  Fix: pass new URL('./items.mjs', import.meta.url), or in CommonJS require.resolve('./items.cjs').",
    );
    expect((await refused(() => [])).message).toMatch(/^WorkerDataset\.open: got the module a function, expected/);
    expect((await refused(new URL('https://example.org/a.mjs'))).message).toMatch(/got the module "https:/);
    expect((await refused(join(workersFolder, 'none.mjs'))).message).toMatch(
      /none\.mjs, which is not there, expected the path of a file\.\n {2}Fix: check the path/,
    );
  });
  test('options that it cannot use', async () => {
    expect((await refused(items, { workers: -1 })).message).toMatch(/got workers: -1/);
    expect((await refused(items, { workers: 65 })).message).toBe(
      'WorkerDataset.open: got workers: 65, expected at most 64 threads.\n' +
        '  Fix: use no more than the processor has cores.',
    );
    expect((await refused(items, { worker: 2 })).message).toMatch(/got an option worker, .*\n {2}Fix: write workers/);
  });
  test('data that would come as something else', async () => {
    const text = TextVectorizer.fit(['a b'], { tokenizer: new WordTokenizer() });
    const error = await refused(items, { data: { texts: [{ text }] } });
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toMatch(
      /^WorkerDataset\.open: got TextVectorizer.* as data\.texts\[0\]\.text, expected .*\n {2}Fix: pass what/,
    );
    expect((await refused(items, { data: { make: () => 1 } })).message).toMatch(/got function make as data\.make/);
    expect((await refused(items, { data: Symbol('x') })).message).toMatch(/got Symbol\(x\) as data,/);
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect((await refused(items, { data: loop })).message).toMatch(/got a value that holds itself as data\.self\.self/);
    expect((await refused(items, { data: new Map([['a', new SequenceList([])]]) })).message).toMatch(
      /got a SequenceList within a Map or a Set as data/,
    );
  });
  describe.each([0, 2])('with workers: %d', (workers) => {
    test('a module that gives no dataset', async () => {
      const none = await refused(moduleOf('export const items = () => [];'), { workers });
      expect(none).toBeInstanceOf(OptionError);
      expect(none.message).toMatch(
        /^WorkerDataset\.open: got file:.*mjs, whose default export is undefined, expected a .*\n {2}Fix: write export/,
      );
      expect((await refused(moduleOf('export default 7;'), { workers })).message).toMatch(/whose default export is 7/);
      const nothing = await refused(moduleOf('export default () => {};'), { workers });
      expect(nothing).toBeInstanceOf(OptionError);
      expect(nothing.message).toMatch(
        /got undefined from the function of file:.*, expected a dataset with length and at\(index\), or an array/,
      );
      expect((await refused(moduleOf('export default () => ({ at() {} });'), { workers })).message).toMatch(
        /Fix: give it a/,
      );
    });
    test('a module that throws', async () => {
      const bad = await refused(moduleOf("import 'no-such-package'; export default () => [];"), { workers });
      expect(bad).toBeInstanceOf(DataError);
      expect(bad).toMatchObject({ code: 'ERR_STM_DATA', cause: expect.any(Error) });
      expect(bad.message).toMatch(
        /^WorkerDataset\.open: got an error from file:.*mjs, expected .*\n {2}Fix: import .*: Error: .*no-such-package/,
      );
      const thrown = await refused(moduleOf("export default () => { throw new TypeError('no data'); };"), { workers });
      expect(thrown.message).toMatch(/got an error from the function of file:.*it says: TypeError: no data\.$/s);
      expect(thrown.cause).toMatchObject({
        name: 'TypeError',
        message: 'no data',
        stack: expect.stringMatching(/\.mjs:1/),
      });
    });
  });
  test('a module that ends its worker, or gives each another dataset', async () => {
    const exits = await refused(moduleOf('process.exit(3); export default () => [];'));
    expect(exits).toBeInstanceOf(DataError);
    expect(exits.message).toBe(
      'WorkerDataset: got a worker that ended while it loaded the module, with exit code 3, ' +
        'expected one that lives until close().\n' +
        '  Fix: look for process.exit in the module and in what it loads.',
    );
    const other = moduleOf(
      "import { threadId } from 'node:worker_threads';\n" +
        'export default () => ({ length: threadId, at: (index) => index });',
    );
    expect((await refused(other, { workers: 2 })).message).toMatch(
      /got datasets that differ from worker to worker from file:.*: \{"length":\d+,.*\}, \{.*expected the same one/,
    );
  });
});

describe('a worker that ends by itself', () => {
  test('tells who waits, and who asks later', async () => {
    const module = moduleOf(
      'export default () => ({ length: 30, at(i) { if (i === 5) process.exit(9); return i; } });',
    );
    const dataset = await open<number>(module, { workers: 2 });
    const asked = await Promise.allSettled([4, 5, 6, 7].map((index) => dataset.at(index)));
    const message =
      "WorkerDataset: got a worker that ended before it gave items 4 to 5 of the module's dataset, with exit code 9, " +
      'expected one that lives until close().\n  Fix: look for process.exit in the module and in what it loads.';
    expect(asked.map((one) => (one.status === 'rejected' ? String(one.reason.message) : one.value))).toEqual([
      message,
      message,
      6,
      7,
    ]);
    await expect(dataset.at(1)).rejects.toThrow(message);
  });
  test('by an error that nobody catches', async () => {
    const module = moduleOf(
      "const later = () => { throw new TypeError('late'); };\n" +
        'export default () => ({ length: 3, at: () => new Promise(() => setTimeout(later)) });',
    );
    const error = await (await open(module)).at(2).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /ended before it gave item 2 of the module's dataset, with .* 1,.*\n {2}Fix: catch .*: TypeError: late\.$/,
      ),
      cause: { message: 'late' },
    });
  });
  test('ends a walk with prefetch', async () => {
    const module = moduleOf('export default () => ({ length: 40, at: (i) => (i === 33 ? process.exit(2) : i) });');
    manualSeed(1);
    const loader = new DataLoader(await open<number>(module, { workers: 2 }), { batchSize: 4, prefetch: 4 });
    const walk = async (): Promise<void> => {
      for await (const _ of loader);
    };
    await expect(walk()).rejects.toThrow(/^WorkerDataset: got a worker that ended before it gave item.* 33/);
  });
});
