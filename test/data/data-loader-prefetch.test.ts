import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  BucketSampler,
  DataLoader,
  getRandomState,
  IterableDataset,
  manualSeed,
  permutation,
  setRandomState,
  Subset,
  type AsyncDataset,
  type DataLoaderOptions,
  type Dataset,
  type ItemOptions,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { makeTrainer, items as sequences } from '../support/trainers';
import { allOf, turns } from '../support/walks';

type Batch = readonly string[];
type Options = DataLoaderOptions<string, Batch>;
const count = 23;
const collate = (items: readonly string[]): Batch => [...items];

/** An item with what is random in it: by its seed, and by the generator. */
const drawn = (index: number, { seed }: ItemOptions = {}): string => `${index} ${seed} ${permutation(1000)[0]}`;
/** As `drawn`, of a dataset that notes what it was asked for. */
const sync = (asked: number[] = []): Dataset<string> => ({
  length: count,
  at: (index, options) => (asked.push(index), drawn(index, options)),
});
/** The same, where items come in another order than they were asked for. */
const later = (asked: number[] = []): AsyncDataset<string> => ({
  length: count,
  async at(index, options) {
    asked.push(index);
    const item = drawn(index, options);
    await turns((index * 7) % 5);
    return item;
  },
});
const bucketOf = (options: object): Options => ({
  batchSampler: new BucketSampler(
    Array.from({ length: count }, (_, i) => i % 6),
    { batchSize: 4, ...options },
  ),
});
const orders: [string, Options][] = [
  ['in order', { batchSize: 4 }],
  ['shuffled', { batchSize: 4, shuffle: true }],
  ['shuffled by a seed, full ones alone', { batchSize: 4, shuffle: true, seed: 3, dropLast: true }],
  ['in buckets', bucketOf({})],
  ['in buckets by a seed', bucketOf({ seed: 8 })],
];

describe.each(orders)('batches %s', (_, options) => {
  const loader = (dataset: Dataset<string> | AsyncDataset<string>, prefetch: number): DataLoader<string, Batch> =>
    new DataLoader<string, Batch>(dataset as AsyncDataset<string>, { ...options, prefetch, collate });

  /** Two epochs, between the batches of which steps draw. */
  const walked = async (of: DataLoader<string, Batch>): Promise<unknown[]> => {
    manualSeed(5);
    const seen: unknown[] = [];
    for (let epoch = 0; epoch < 2; epoch++)
      for await (const batch of of) {
        seen.push(batch, permutation(3), of.state());
        await turns(seen.length % 4);
      }
    return [...seen, getRandomState()];
  };

  test('are the same with any prefetch, items at once or later, whatever they draw', async () => {
    const expected = await walked(loader(sync(), 0));
    expect(new Set(expected.slice(0, -1).map(String)).size).toBeGreaterThan(10);
    for (const prefetch of [0, 1, 4])
      for (const dataset of [sync(), later()]) expect(await walked(loader(dataset, prefetch))).toEqual(expected);
  });
  test('come again from a state in the middle, with another prefetch', async () => {
    manualSeed(5);
    const whole = await allOf(loader(sync(), 0));
    for (const [before, after] of [
      [4, 0],
      [0, 4],
      [1, 4],
    ] as const) {
      manualSeed(5);
      const stopped = loader(later(), before);
      const given: Batch[] = [];
      for await (const batch of stopped) if (given.push(batch) === 3) break;
      const [state, generator] = [stopped.state(), getRandomState()];
      expect(state).toMatchObject({ epoch: 0, batches: 3 });
      manualSeed(77);
      const asked: number[] = [];
      const resumed = loader(sync(asked), after);
      resumed.loadState(state);
      setRandomState(generator);
      expect([...given, ...(await allOf(resumed))]).toEqual(whole);
      expect(getRandomState()).toEqual(generator);
      expect(asked).toEqual(whole.slice(3).flatMap((batch) => batch.map((item) => Number.parseInt(item))));
    }
  });
});

describe('the seed of an item', () => {
  const seeds = async (options: Options, at: number): Promise<string[]> => {
    manualSeed(at);
    const dataset: Dataset<string> = { length: 5, at: (index, { seed } = {}) => `${index}:${seed}` };
    const loader = new DataLoader<string, Batch>(dataset, { batchSize: 2, collate, ...options });
    return [...(await allOf(loader)).flat(), ...(await allOf(loader)).flat()];
  };
  test('is another one for each item and epoch, and is not told where nobody walks', async () => {
    const some = await seeds({}, 1);
    expect(new Set(some.map((text) => text.split(':')[1])).size).toBe(10);
    expect(some.every((text) => Number.isSafeInteger(Number(text.split(':')[1])))).toBe(true);
    expect(await seeds({}, 1)).toEqual(some);
    expect(await seeds({}, 2)).not.toEqual(some);
    expect(drawn(3)).toMatch(/^3 undefined /);
  });
  test('follows the seed of the order, if there is one', async () => {
    const options = { shuffle: true, seed: 4 };
    expect(await seeds(options, 1)).toEqual(await seeds(options, 2));
    expect(await seeds({ ...options, seed: 5 }, 1)).not.toEqual(await seeds(options, 1));
  });
  test('goes through a Subset, by the place there', async () => {
    manualSeed(1);
    const [batch] = await allOf(new DataLoader(new Subset(later(), [4, 2]), { batchSize: 2, collate }));
    manualSeed(1);
    const [first] = await allOf(new DataLoader<string, Batch>(sync(), { batchSize: 2, collate }));
    const seedsOf = (items: readonly string[] = []): (string | undefined)[] => items.map((item) => item.split(' ')[1]);
    expect(batch?.map((item) => Number.parseInt(item))).toEqual([4, 2]);
    expect(seedsOf(batch)).toEqual(seedsOf(first));
  });
});

describe('a stream', () => {
  const source = async function* (_: number, { seed }: { seed: number }): AsyncGenerator<string> {
    for (let i = 0; i < count; i++) {
      if (i % 3 === 0) await turn();
      yield `${i} ${seed}`;
    }
  };
  test.each([{}, { shuffleBuffer: 7 }, { shuffleBuffer: 7, seed: 5 }])(
    'is the same with any prefetch, %j',
    async (of) => {
      const make = (prefetch: number, dropLast = false): DataLoader<string, Batch> =>
        new DataLoader<string, Batch>(new IterableDataset(source, of), { batchSize: 4, dropLast, prefetch, collate });
      manualSeed(3);
      const [whole, second] = [make(0), make(0)];
      const epochs = [await allOf(whole), await allOf(whole)];
      for (const prefetch of [0, 1, 4]) {
        manualSeed(3);
        const loader = make(prefetch);
        expect([await allOf(loader), await allOf(loader), loader.state()]).toEqual([...epochs, whole.state()]);
        manualSeed(3);
        expect(await allOf(make(prefetch, true))).toEqual(epochs[0]?.slice(0, 5));
        manualSeed(3);
        const stopped = make(prefetch);
        const given: Batch[] = [];
        for await (const batch of stopped) if (given.push(batch) === 2) break;
        const resumed = make(4 - prefetch);
        resumed.loadState(stopped.state());
        expect([...given, ...(await allOf(resumed))]).toEqual(epochs[0]);
      }
      manualSeed(4);
      expect((await allOf(second)).join() === epochs[0]?.join()).toBe('seed' in of);
    },
  );
  test('that is left is closed once what was asked of it is there, and nothing else is read', async () => {
    const events: string[] = [];
    const slow = async function* (): AsyncGenerator<string> {
      try {
        for (let i = 0; ; i++) {
          events.push(`read ${i}`);
          await turns(3);
          yield String(i);
        }
      } finally {
        events.push('closed');
      }
    };
    for await (const batch of new DataLoader<string, Batch>(new IterableDataset(slow), { prefetch: 3, collate }))
      if (batch[0] === '1') break;
    const read = events.length;
    expect(events).toEqual([...Array.from({ length: read - 1 }, (_, i) => `read ${i}`), 'closed']);
    expect(read).toBeLessThan(1 + 2 + 3 + 1);
    await turns(20);
    expect(events).toHaveLength(read);
  });
  test('that fails does so at its turn, and once', async () => {
    const failing = new IterableDataset(async function* () {
      yield* ['a', 'b', 'c'];
      await turn();
      throw new RangeError('no more');
    });
    const given: Batch[] = [];
    await expect(
      (async () => {
        for await (const batch of new DataLoader<string, Batch>(failing, { batchSize: 2, prefetch: 4, collate })) {
          await turns(4);
          given.push(batch);
        }
      })(),
    ).rejects.toThrow(new RangeError('no more'));
    expect(given).toEqual([['a', 'b']]);
  });
});

describe('prefetch', () => {
  test.each([
    ['at once', sync],
    ['later', later],
  ])('items that come %s are asked for so many batches ahead, and no further', async (_, dataset) => {
    for (const prefetch of [0, 1, 4]) {
      const asked: number[] = [];
      const walk = new DataLoader<string, Batch>(dataset(asked) as Dataset<string>, {
        batchSize: 4,
        prefetch,
        collate,
      });
      const batches = walk[Symbol.asyncIterator]();
      for (let given = 1; given <= 3; given++) {
        await batches.next();
        await turns(30);
        expect(asked).toHaveLength(Math.min(4 * (given + prefetch), count));
        expect(walk.state().batches).toBe(given);
      }
      await batches.return(undefined);
      const before = asked.length;
      await turns(10);
      expect(asked).toHaveLength(before);
    }
  });
  test('leaves a batch to its turn, so that its collate may draw; a walk by for gives the same', async () => {
    const noisy = (items: readonly string[]): Batch => [...items, `${permutation(1000)[0]}`];
    const make = (prefetch: number): DataLoader<string, Batch> =>
      new DataLoader<string, Batch>(sync(), { batchSize: 4, shuffle: true, prefetch, collate: noisy });
    manualSeed(2);
    const expected = [...make(0)];
    for (const prefetch of [0, 1, 4]) {
      manualSeed(2);
      expect(await allOf(make(prefetch))).toEqual(expected);
    }
  });
  test('that takes time on this thread does not hold up the batch that is handed out', async () => {
    const asked: number[] = [];
    const loader = new DataLoader<string, Batch>(sync(asked), { batchSize: 4, prefetch: 4, collate });
    for await (const _ of loader) {
      expect(asked).toHaveLength(4);
      break;
    }
    expect(asked).toHaveLength(4);
  });
  test('a walk that nobody goes on with can be collected, with what was made for it', async () => {
    const abandon = async (): Promise<WeakRef<object>> => {
      const dataset = later();
      await new DataLoader<string, Batch>(dataset, { prefetch: 4, collate })[Symbol.asyncIterator]().next();
      return new WeakRef(dataset);
    };
    const left = await abandon();
    for (let i = 0; i < 20 && left.deref() !== undefined; i++) {
      await turns(10);
      globalThis.gc?.();
    }
    expect(left.deref()).toBeUndefined();
  });
  test('of a training that ends early leaves no tensor behind', async () => {
    const run = async (): Promise<void> => {
      const dataset: AsyncDataset<(typeof sequences)[number]> = {
        length: sequences.length,
        at: async (index) => (await turns(index % 3), sequences[index] ?? { input: [], target: 0 }),
      };
      let steps = 0;
      await makeTrainer().fit(new DataLoader(dataset, { batchSize: 8, shuffle: true, prefetch: 4 }), {
        epochs: 2,
        progress: false,
        callbacks: [{ onStep: (state) => void (++steps === 3 && state.stop({ after: 'step' })) }],
      });
      expect(steps).toBe(3);
    };
    await run();
    const before = handlesKept();
    await run();
    const once = handlesKept() - before; // of the model, which is collected some time
    for (let i = 0; i < 3; i++) await run();
    expect(handlesKept() - before).toBe(4 * once);
  });
});
