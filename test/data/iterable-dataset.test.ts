import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  DataLoader,
  getRandomState,
  IterableDataset,
  Linear,
  manualSeed,
  MSELoss,
  permutation,
  setRandomState,
  SGD,
  streamTable,
  Trainer,
  type IterableDatasetOptions,
} from 'stmnet';

const numbers = Array.from({ length: 23 }, (_, i) => i);
async function* later(items: readonly number[] = numbers): AsyncGenerator<number> {
  for (const item of items) {
    await new Promise((resolve) => setImmediate(resolve));
    yield item;
  }
}
const collate = (items: readonly number[]): number[] => [...items];
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
};
const sorted = (items: number[]): number[] => items.toSorted((a, b) => a - b);

describe('an IterableDataset', () => {
  test('walks over an array, an iterable that can wait, or what a function begins for each epoch', async () => {
    const epochs: number[] = [];
    const made = new IterableDataset((epoch) => (epochs.push(epoch), later()));
    for (const dataset of [new IterableDataset(numbers), made, new IterableDataset(() => new Set(numbers))])
      expect([await all(dataset), await all(dataset)]).toEqual([numbers, numbers]);
    expect(epochs).toEqual([0, 1]);
  });
  test('a shuffle buffer gives each item once, another order in each epoch, near its place', async () => {
    const many = Array.from({ length: 2000 }, (_, i) => i);
    const dataset = new IterableDataset(() => many, { shuffleBuffer: 100, seed: 1 });
    const [first, second] = [await all(dataset), await all(dataset)];
    expect([sorted(first), sorted(second)]).toEqual([many, many]);
    expect(first).not.toEqual(second);
    // An item leaves the buffer a geometric number of steps after it came, 100 on average, and never before.
    const late = first.map((item, place) => place + 99 - item).filter((_, place) => place < 1900);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(late.reduce((sum, steps) => sum + steps, 0) / late.length).toBeGreaterThan(80);
    expect(await all(new IterableDataset(many, { shuffleBuffer: 100, seed: 1 }).epoch(1))).toEqual(second);
    expect(await all(new IterableDataset(many, { shuffleBuffer: 100, seed: 2 }))).not.toEqual(first);
  });
  test('a buffer as large as the stream is a full shuffle: every item everywhere equally often', async () => {
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    const dataset = new IterableDataset([0, 1, 2, 3], { shuffleBuffer: 4, seed: 3 });
    for (let round = 0; round < 4000; round++)
      (await all(dataset)).forEach((item, place) => {
        const row = counts[item];
        if (row !== undefined) row[place] = (row[place] ?? 0) + 1;
      });
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(140);
  });
  test('without a seed manualSeed governs', async () => {
    const dataset = new IterableDataset(numbers, { shuffleBuffer: 8 });
    manualSeed(4);
    const [first, second] = [await all(dataset), await all(dataset)];
    manualSeed(4);
    expect(await all(dataset)).toEqual(first);
    expect(second).not.toEqual(first);
    const before = getRandomState();
    await all(new IterableDataset(numbers, { shuffleBuffer: 8, seed: 1 }));
    expect(getRandomState()).toEqual(before);
  });
  test('mistakes', async () => {
    const make = (source: unknown, options?: object) => (): IterableDataset<number> =>
      new IterableDataset(source as number[], options);
    expect(make(later())).toThrow(
      /got .*, which can be walked only once, expected items anew for each epoch\.\n {2}Fix: pass the function/,
    );
    expect(make(numbers.values())).toThrow(/which can be walked only once/);
    expect(make(7)).toThrow('IterableDataset: got 7 from the source, expected something to walk over');
    expect(make(numbers, { seed: 1 })).toThrow(/got seed: 1 without shuffleBuffer/);
    expect(make(numbers, { shuffleBuffer: 0 })).toThrow(/got shuffleBuffer: 0/);
    expect(make(numbers, { buffer: 3 })).toThrow(/got an option buffer/);
    expect(() => make(() => 7)().epoch(0)).toThrow(/got 7 from its function/);
    await expect(all(make(numbers, { length: 20 })())).rejects.toThrow(
      'IterableDataset: got 23 items in an epoch, expected 20, the length that was given.\n' +
        '  Fix: pass length: 23, or leave it out.',
    );
  });
});

describe('a DataLoader of a stream', () => {
  const loader = (
    options: IterableDatasetOptions = {},
    { batchSize = 5, dropLast = false }: { batchSize?: number; dropLast?: boolean } = {},
  ): DataLoader<number, number[]> =>
    new DataLoader<number, number[]>(new IterableDataset(() => later(), options), { batchSize, dropLast, collate });

  test('gives batches in order, the last one smaller or left out', async () => {
    expect(await all(loader())).toEqual([0, 5, 10, 15, 20].map((begin) => numbers.slice(begin, begin + 5)));
    expect(await all(loader({}, { dropLast: true }))).toHaveLength(4);
    expect(await all(new DataLoader<number, number[]>(new IterableDataset([1, 2]), { collate }))).toEqual([[1], [2]]);
  });
  test('has a length where the stream has one', () => {
    const [unknown, known] = [loader(), loader({ length: 23 })];
    expect([unknown.hasLength, known.hasLength, known.length]).toEqual([false, true, 5]);
    expect(loader({ length: 23 }, { dropLast: true }).length).toBe(4);
    expect(() => unknown.length).toThrow(
      'DataLoader.length: got a stream of unknown length, expected a number of items.\n' +
        '  Fix: pass it, new IterableDataset(source, { length }), or ask hasLength first.',
    );
  });
  test.each([{}, { shuffleBuffer: 7 }, { shuffleBuffer: 7, seed: 5 }])('goes on where it was, %j', async (options) => {
    manualSeed(3);
    const whole = loader(options);
    const epochs = [await all(whole), await all(whole), await all(whole)];
    for (let stop = 0; stop <= 5; stop++) {
      manualSeed(3);
      const stopped = loader(options);
      expect(await all(stopped)).toEqual(epochs[0]);
      const walk = stopped[Symbol.asyncIterator]();
      const given: number[][] = [];
      while (given.length < stop) given.push((await walk.next()).value as number[]);
      const [state, generator] = [JSON.stringify(stopped.state()), getRandomState()];
      manualSeed(99);
      const resumed = loader(options);
      resumed.loadState(JSON.parse(state) as ReturnType<typeof resumed.state>);
      setRandomState(generator);
      expect([...given, ...(await all(resumed))]).toEqual(epochs[1]);
      expect(getRandomState()).toEqual(stop > 0 ? generator : expect.anything());
      expect(await all(resumed)).toEqual(epochs[2]);
    }
    expect(() => loader({ ...options, length: 23 }).loadState(whole.state())).toThrow(/\(items none, here 23\)/);
  });
  test('what the source draws while it is read again is not drawn twice', async () => {
    async function* noisy(): AsyncGenerator<number> {
      for await (const item of later()) yield item + 100 * (permutation(2)[0] ?? 0);
    }
    const make = (): DataLoader<number, number[]> =>
      new DataLoader<number, number[]>(new IterableDataset(noisy), { batchSize: 5, collate });
    manualSeed(8);
    const whole = await all(make());
    for (const stop of [3, 5]) {
      manualSeed(8);
      const stopped = make();
      const walk = stopped[Symbol.asyncIterator]();
      for (let batch = 0; batch < stop; batch++) await walk.next();
      const [state, generator] = [stopped.state(), getRandomState()];
      const resumed = make();
      resumed.loadState(state);
      setRandomState(generator);
      expect(await all(resumed)).toEqual(whole.slice(stop));
      if (stop === 5) expect(getRandomState()).toEqual(generator);
    }
  });
  test('closes its source when a walk is left', async () => {
    let closed = 0;
    const source = async function* (): AsyncGenerator<number> {
      try {
        yield* later();
      } finally {
        closed++;
      }
    };
    const walked = new DataLoader(new IterableDataset(source, { shuffleBuffer: 4 }), { batchSize: 2, collate });
    for await (const batch of walked) if (batch.length > 0) break;
    expect([closed, walked.state().batches]).toEqual([1, 1]);
  });
  test('trains, reading a file anew in each epoch; a mistake in it names file and line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stmnet-stream-'));
    try {
      const file = join(folder, 'points.csv');
      writeFileSync(file, `x,y\n${numbers.map((x) => `${x / 23},${(3 * x) / 23 + 1}`).join('\n')}\n`);
      const table = streamTable(file, { types: { x: 'number', y: 'number' } });
      const points = new IterableDataset(table, { shuffleBuffer: 10, seed: 1 });
      const batches = new DataLoader(points, {
        batchSize: 4,
        collate: (rows) => ({ input: rows.map(({ x }) => [x]), target: rows.map(({ y }) => [y]) }),
      });
      const model = new Linear({ inFeatures: 1, outFeatures: 1 });
      const optimizer = new SGD(model.parameters(), { learningRate: 0.3 });
      const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
      const history = await trainer.fit(batches, { epochs: 40, progress: false });
      expect(history.last?.train.loss).toBeLessThan(1e-4);
      writeFileSync(file, 'x,y\n1,2\nseven,3\n');
      await expect(trainer.evaluate(batches)).rejects.toThrow(/points\.csv.*3/s);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  test('mistakes', async () => {
    expect(() => new DataLoader(new IterableDataset(numbers), { shuffle: true })).toThrow(
      'DataLoader: got shuffle for an IterableDataset, expected items in the order in which they come.\n' +
        '  Fix: leave shuffle out; new IterableDataset(source, { shuffleBuffer: 10_000, seed }) shuffles.',
    );
    expect(() => [...loader()]).toThrow(
      'DataLoader: got a walk over a stream by for, expected one that can wait for items.\n' +
        '  Fix: write for await (const batch of loader).',
    );
    const empty = new DataLoader(new IterableDataset<number>([]), { collate });
    await expect(all(empty)).rejects.toThrow(
      'DataLoader: got a source of no item, expected at least one batch in an epoch.\n' +
        '  Fix: look at what the source reads, and whether each walk begins it anew.',
    );
    await expect(all(loader({}, { batchSize: 50, dropLast: true }))).rejects.toThrow(
      /got a source of 23 items, fewer than a batch takes/,
    );
    const long = loader();
    for await (const batch of long) if (batch.includes(19)) break;
    const short = new DataLoader<number, number[]>(new IterableDataset(() => later([1, 2, 3, 4, 5, 6])), {
      batchSize: 5,
      collate,
    });
    short.loadState(long.state());
    await expect(all(short)).rejects.toThrow(
      /got a source that ends after 2 batches, expected the 4 batches that it gave before/,
    );
  });
});
