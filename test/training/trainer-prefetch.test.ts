import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  augmentSeries,
  BucketSampler,
  DataLoader,
  getRandomState,
  IterableDataset,
  manualSeed,
  permutation,
  type AsyncDataset,
  type DataLoaderOptions,
  type Dataset,
  type FitOptions,
  type HostArray,
  type ItemOptions,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { classifier, items, makeTrainer } from '../support/trainers';
import { scratchFolder } from '../support/scratch';

interface Item {
  input: HostArray;
  target: number;
}
type Source = Dataset<Item> | AsyncDataset<Item> | IterableDataset<Item>;

const root = scratchFolder('prefetch');

/** An item that is another one each time, by its seed and by the generator. */
function augmented(index: number, { seed = 0 }: ItemOptions = {}): Item {
  const { input, target } = items[index] ?? { input: [[0, 0]], target: 0 };
  const series = augmentSeries(input, { seed, noise: 0.1 });
  const scale = 1 + (permutation(5)[0] ?? 0) / 50;
  return { input: { ...series, data: Float32Array.from(series.data, (x) => x * scale) }, target };
}

const atOnce: Dataset<Item> = { length: items.length, at: augmented };
const later: AsyncDataset<Item> = {
  length: items.length,
  async at(index, options) {
    const item = augmented(index, options);
    for (let i = 0; i < index % 4; i++) await turn();
    return item;
  },
};
const stream = (): IterableDataset<Item> =>
  new IterableDataset(
    async function* (_, { seed }) {
      for (let index = 0; index < items.length; index++) {
        if (index % 5 === 0) await turn();
        const { input, target } = items[index] ?? { input: [[0, 0]], target: 0 };
        yield { input: augmentSeries(input, { seed: seed + index, noise: 0.1 }), target };
      }
    },
    { shuffleBuffer: 16 },
  );
const bucketSampler = (): BucketSampler =>
  new BucketSampler(
    items.map(({ input }) => input.length),
    { batchSize: 7 },
  );

const kinds: [string, () => Source, () => DataLoaderOptions<Item, Batch>][] = [
  ['shuffled', () => atOnce, () => ({ batchSize: 7, shuffle: true })],
  ['in buckets', () => later, () => ({ batchSampler: bucketSampler() })],
  ['full ones alone, by a seed', () => later, () => ({ batchSize: 7, shuffle: true, seed: 3, dropLast: true })],
  ['of a stream', stream, () => ({ batchSize: 7 })],
];
type Batch = ReturnType<DataLoader<Item>['batchMakers']> extends AsyncGenerator<() => infer B> ? B : never;

describeDevices('training with prefetch', (device) => {
  const train = async (
    make: () => DataLoader<Item>,
    options: Partial<FitOptions<Batch>> = {},
    seed = 6,
  ): Promise<unknown> => {
    manualSeed(seed);
    const trainer = makeTrainer(classifier().to(device));
    const loader = make();
    const history = await trainer.fit(loader, { epochs: 2, progress: false, ...options });
    const weights = Object.values(trainer.model.stateDict()).map(async (x) => [...(await x.data())]);
    return {
      losses: history.epochs.map((record) => record.train),
      weights: await Promise.all(weights),
      random: getRandomState(),
      state: loader.state(),
    };
  };

  test.each(kinds)('comes to the same bits, %s', async (_, source, options) => {
    const loader = (prefetch: number) => (): DataLoader<Item> =>
      new DataLoader(source() as Dataset<Item>, { ...options(), prefetch });
    const expected = await train(loader(0));
    expect(await train(loader(0), {}, 7)).not.toEqual(expected);
    for (const prefetch of [1, 4]) expect(await train(loader(prefetch))).toEqual(expected);
    for (const [before, after] of [
      [4, 0],
      [0, 1],
      [1, 4],
    ] as const) {
      const checkpoints = { folder: await mkdtemp(join(root, 'case-')), everySteps: 3 };
      let steps = 0;
      const fail = (): void => {
        if (++steps === 5) throw new Error('struck by lightning'); // between two checkpoints in the first epoch
      };
      const struck = train(loader(before), { checkpoints, callbacks: [{ onStep: fail }] });
      await expect(struck).rejects.toThrow('struck by lightning');
      expect(await train(loader(after), { checkpoints, resume: true }, 99)).toEqual(expected);
    }
  });
});
