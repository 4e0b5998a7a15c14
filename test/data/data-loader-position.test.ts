import { describe, expect, test } from 'vitest';
import {
  DataLoader,
  getRandomState,
  kFold,
  Linear,
  manualSeed,
  MSELoss,
  permutation,
  RandomSampler,
  setRandomState,
  SGD,
  splitDataset,
  Subset,
  Trainer,
  type DataLoaderOptions,
  type DataLoaderState,
  type Sampler,
} from 'stmnet';

interface Item {
  input: number[];
  target: number[];
}
const items: Item[] = Array.from({ length: 11 }, (_, i) => ({ input: [i], target: [2 * i] }));
const collate = (batch: readonly Item[]): number[] => batch.map(({ input: [place = -1] }) => place);
type Loader = DataLoader<Item, number[]>;
type Options = DataLoaderOptions<Item, number[]>;

/** Draws only when its first index is asked for, as a generator function does. */
const lazy: Sampler = {
  length: 11,
  *[Symbol.iterator]() {
    yield* permutation(11);
  },
};
/** Batches of two, in an order that depends on the epoch alone. */
const inPairs = {
  length: 5,
  epoch: (epoch: number) => [0, 1, 2, 3, 4].map((pair) => [(2 * pair + epoch) % 10, (2 * pair + epoch + 1) % 10]),
  *[Symbol.iterator]() {
    yield* this.epoch(0);
  },
};
const kinds: [string, () => Options][] = [
  ['in order', () => ({ batchSize: 3 })],
  ['shuffled by manualSeed', () => ({ batchSize: 3, shuffle: true })],
  ['shuffled by a seed', () => ({ batchSize: 3, shuffle: true, seed: 5 })],
  ['full batches alone', () => ({ batchSize: 4, shuffle: true, dropLast: true })],
  ['a RandomSampler', () => ({ batchSize: 2, sampler: new RandomSampler(11, { seed: 8 }) })],
  ['a sampler that draws when it is read', () => ({ batchSize: 2, sampler: lazy })],
  ['a batchSampler', () => ({ batchSampler: inPairs })],
];
const through = (state: DataLoaderState): DataLoaderState => JSON.parse(JSON.stringify(state)) as DataLoaderState;

describe.each(kinds)('the position of batches %s', (_, options) => {
  const loader = (): Loader => new DataLoader<Item, number[]>(items, { collate, ...options() });

  test('goes on at the next batch, and into the next epochs, from any moment', () => {
    manualSeed(3);
    const whole = loader();
    const epochs = [[...whole], [...whole], [...whole]];
    for (let stop = 0; stop <= whole.length; stop++) {
      manualSeed(3);
      const stopped = loader();
      expect([...stopped]).toEqual(epochs[0]);
      const walk = stopped[Symbol.iterator]();
      const given = Array.from({ length: stop }, () => walk.next().value as number[]);
      const [state, random] = [through(stopped.state()), getRandomState()];
      expect([state.epoch, state.batches]).toEqual([1, stop]);

      manualSeed(99); // another process stands elsewhere
      const resumed = loader();
      resumed.loadState(state);
      setRandomState(random);
      const rest = [...resumed];
      expect([...given, ...rest]).toEqual(epochs[1]);
      expect([resumed.state().epoch, resumed.state().batches]).toEqual([2, 0]);
      expect([...resumed]).toEqual(epochs[2]);
    }
  });
  test('draws nothing while it goes on', () => {
    const stopped = loader();
    stopped[Symbol.iterator]().next();
    const state = stopped.state();
    const resumed = loader();
    resumed.loadState(state);
    const before = getRandomState();
    expect([...resumed]).toHaveLength(resumed.length - 1);
    expect(getRandomState()).toEqual(before);
  });
});

describe('the order of an epoch', () => {
  const orders = (seed: number, count = 3): number[][] => {
    const sampler = new RandomSampler(50, { seed });
    return Array.from({ length: count }, () => [...sampler]);
  };
  test('is a function of seed and epoch, whatever was drawn before', () => {
    const before = getRandomState();
    const epochs = orders(1);
    expect(getRandomState()).toEqual(before);
    manualSeed(70);
    expect(orders(1)).toEqual(epochs);
    expect(new Set([...epochs, ...orders(2), permutation(50)].map((order) => order.join())).size).toBe(7);
    for (const order of epochs)
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([...new RandomSampler(50, { seed: 1 }).epoch(2)]).toEqual(epochs[2]);
  });
  test('no number shared between epochs and seeds, also where they are neighbours or large', () => {
    const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
    expect(new Set(seeds.flatMap((seed) => orders(seed, 20)).map((order) => order.join())).size).toBe(120);
  });
  test('without a seed is the permutation that the generator gives when the walk begins, as ever', () => {
    const loader = new DataLoader<Item, number[]>(items, { batchSize: 11, shuffle: true, collate });
    manualSeed(12);
    const orders = [permutation(11), permutation(11)];
    const after = getRandomState();
    manualSeed(12);
    expect([[...loader][0], [...loader][0], getRandomState()]).toEqual([...orders, after]);
  });
  test('that is longer than its sampler says is refused before the first batch, and its walk is closed', () => {
    let [given, closed] = [0, 0];
    class Endless implements Sampler {
      readonly length = 11;
      *[Symbol.iterator](): Generator<number> {
        try {
          for (;;) yield given++ % 11;
        } finally {
          closed++;
        }
      }
    }
    const walk = (options: Options) => () => [...new DataLoader<Item, number[]>(items, { collate, ...options })];
    expect(walk({ batchSize: 2, sampler: new Endless() })).toThrow(
      'DataLoader: got a sampler Endless that gives more than its length, 11, ' +
        'expected as many in an epoch as its length says.\n  Fix: correct its length, or let its walk end there.',
    );
    expect([given, closed]).toEqual([12, 1]);
    const pairs = { length: 4, epoch: inPairs.epoch, [Symbol.iterator]: inPairs[Symbol.iterator] };
    expect(walk({ batchSampler: pairs })).toThrow('got a sampler that gives more than its length, 4, expected');
    expect(walk({ batchSampler: inPairs })()).toHaveLength(5);
  });

  test('that is shorter than its sampler says is refused, too: schedules and progress go by the length', () => {
    const once = [0, 1, 2][Symbol.iterator]();
    const sampler = { length: 3, [Symbol.iterator]: () => once };
    const loader = new DataLoader([5, 6, 7], { sampler, collate: (given) => given[0] });
    expect([...loader]).toEqual([5, 6, 7]);
    expect(() => [...loader]).toThrow(
      'DataLoader: got a sampler that gives 0, fewer than its length, 3, expected as many in an epoch as its length ' +
        'says.\n  Fix: correct its length, or let each walk begin anew.',
    );
    const batchSampler = { length: 3, epoch: () => [[0], [1]], *[Symbol.iterator](): Generator<number[]> {} };
    expect(() => [...new DataLoader([5, 6], { batchSampler })]).toThrow('gives 2, fewer than its length, 3, expected');
  });
  test('of a loader with a seed is that of its sampler', () => {
    const loader = new DataLoader<Item, number[]>(items, { batchSize: 11, shuffle: true, seed: 4, collate });
    const sampler = new RandomSampler(11, { seed: 4 });
    expect([[...loader], [...loader]]).toEqual([[sampler.epoch(0)], [sampler.epoch(1)]]);
  });
});

describe('state()', () => {
  const loader = (options: Options = {}, of: Item[] | Subset<Item> = items): Loader =>
    new DataLoader<Item, number[]>(of as Item[], { collate, batchSize: 3, ...options });

  test('speaks of the walk that began last; one that was left stays there, and the next one is another epoch', () => {
    const left = loader();
    for (const [first] of left) if (first === 3) break;
    expect(left.state()).toMatchObject({ epoch: 0, batches: 2 });
    expect([...left]).toHaveLength(4);
    expect(left.state()).toEqual({ epoch: 2, batches: 0, data: left.state().data });
  });
  test('is not moved by walks that are no epochs, nor by the end of an earlier one', async () => {
    const walked = loader({ shuffle: true, seed: 1 });
    const [first, second] = [walked[Symbol.iterator](), walked[Symbol.iterator]()];
    first.next();
    second.next();
    second.next();
    for await (const make of walked.batchMakers({ counted: false })) make();
    while (first.next().done !== true);
    expect(walked.state()).toMatchObject({ epoch: 1, batches: 2 });
  });
  test('stays that of the training while a callback evaluates on the same loader', async () => {
    const train = new DataLoader(items, { batchSize: 3, shuffle: true, seed: 2 });
    const model = new Linear({ inFeatures: 1, outFeatures: 1 });
    const optimizer = new SGD(model.parameters(), { learningRate: 1e-4 });
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
    const states: [number, number][] = [];
    const onStep = async (): Promise<void> => {
      await trainer.evaluate(train);
      await trainer.predict(train);
      const { epoch, batches } = train.state();
      states.push([epoch, batches]);
    };
    await trainer.fit(train, { epochs: 2, progress: false, callbacks: [{ onStep }] });
    expect(states).toEqual([0, 1].flatMap((epoch) => [1, 2, 3, 4].map((batches) => [epoch, batches])));
  });
  test('is plain data', () => {
    const fresh = loader({ shuffle: true, seed: 7 });
    expect(fresh.state()).toEqual({
      epoch: 0,
      batches: 0,
      data: {
        items: 11,
        order: 'RandomSampler',
        seed: 7,
        batchSize: 3,
        dropLast: false,
        content: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    });
    expect(through(fresh.state())).toEqual(fresh.state());
  });
});

describe('loadState refuses', () => {
  const state = new DataLoader(items, { batchSize: 3, shuffle: true }).state();
  const into = (of: readonly Item[] | Subset<Item>, options: DataLoaderOptions<Item, unknown>) => () =>
    new DataLoader<Item, unknown>(of as Item[], options).loadState(state);

  test('another number of items, other options, another order', () => {
    expect(into(items.slice(1), { batchSize: 3, shuffle: true })).toThrow(
      /^DataLoader\.loadState: got a state of other batches \(items 11, here 10; content ".*", here ".*"\), /,
    );
    expect(into(items, { batchSize: 4, shuffle: true })).toThrow(
      'DataLoader.loadState: got a state of other batches (batchSize 3, here 4), ' +
        'expected the data and options that the state was saved with.\n' +
        '  Fix: make dataset and loader as they were then, or begin anew without the state.',
    );
    expect(into(items, { batchSize: 3 })).toThrow(/order "RandomSampler", here "SequentialSampler"/);
    expect(into(items, { batchSize: 3, shuffle: true, seed: 1 })).toThrow(/\(seed none, here 1\)/);
  });
  test('as many other items, and another part of the same', () => {
    const others = items.map(({ input, target }, i) => ({ input: i === 5 ? [0] : input, target }));
    expect(into(others, { batchSize: 3, shuffle: true })).toThrow(/\(content/);
    const part = (indices: number[]) => new DataLoader(new Subset(items, indices), { batchSize: 2 });
    expect(() => part([0, 1, 4]).loadState(part([0, 2, 4]).state())).toThrow(/\(part "\w+", here "\w+"\)/);
    part([0, 1, 4]).loadState(part([0, 1, 4]).state());
  });
  test('a part of another part', () => {
    const rows = Array.from({ length: 400 }, (_, i) => ({ input: [i], target: [i] }));
    const fold = (seed: number) => {
      const { train } = splitDataset(rows, { train: 0.8, test: 0.2 }, { seed });
      return new DataLoader(kFold(train, 4, { seed: 5 })[0]?.train ?? train, { batchSize: 8 });
    };
    expect(() => fold(2).loadState(fold(1).state())).toThrow(/got a state of other batches \(part "\w+", here "\w+"\)/);
    fold(1).loadState(fold(1).state());
    const state = new DataLoader(new Subset(new Subset(rows, [7, 5, 3]), [2, 0]), { batchSize: 1 }).state();
    new DataLoader(new Subset(rows, [3, 7]), { batchSize: 1 }).loadState(state); // the same items
  });
  test('what is no state', () => {
    const loader = new DataLoader(items, { batchSize: 3, shuffle: true });
    const load = (value: unknown) => () => loader.loadState(value as DataLoaderState);
    expect(load(undefined)).toThrow('DataLoader.loadState: got undefined, expected an object of options');
    expect(load({ ...state, batches: -1 })).toThrow(/got batches: -1/);
    expect(load({ ...state, epoch: 0.5 })).toThrow(/got epoch: 0.5/);
    expect(load({ ...state, batches: 5 })).toThrow(
      'DataLoader.loadState: got a state after 5 batches, expected at most 4, the batches of an epoch.\n' +
        '  Fix: pass what state() gave, unchanged.',
    );
    expect(load({ ...state, random: 3 })).toThrow(/DataLoader\.loadState: got 3/);
    expect(load({ ...state, random: { seed: 1, offset: 'x' } })).toThrow(/got offset: "x"/);
    expect(load({ ...state, data: null })).toThrow(/got data: null, expected a record/);
    expect(load({ ...state, position: 1 })).toThrow(/got an option position/);
  });
});
