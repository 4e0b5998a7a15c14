import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  BucketSampler,
  DataLoader,
  getRandomState,
  manualSeed,
  WorkerDataset,
  type DataLoaderOptions,
  type Dataset,
  type FitOptions,
  type HostArray,
} from 'stmnet';
import { scratchFolder } from '../support/scratch';
import { makeTrainer } from '../support/trainers';

interface Item {
  input: HostArray;
  target: number;
}

const items = new URL('./fixtures/worker-items.mjs', import.meta.url);
const count = 60;
const lengths = Array.from({ length: count }, (_, index) => 1 + (index % 5));
const root = scratchFolder('workers');
const opened = new Map<string, Promise<WorkerDataset<Item>>>();
afterAll(async () => {
  for (const dataset of opened.values()) await (await dataset).close();
});

/** The items of the module, which are random; made at once, or later. */
function itemsOf(kind: string, workers: number): Promise<WorkerDataset<Item>> {
  const known = opened.get(`${kind} ${workers}`);
  const dataset = known ?? WorkerDataset.open<Item>(items, { workers, data: { kind, count } });
  opened.set(`${kind} ${workers}`, dataset);
  return dataset;
}

/** The same of the module's own dataset, without a WorkerDataset. */
async function unwrapped(kind: string): Promise<Dataset<Item>> {
  const { default: make } = (await import(items.href)) as {
    default: (data: object) => Promise<Dataset<Item>> | Dataset<Item>;
  };
  return make({ kind, count });
}

const kinds: [string, string, () => DataLoaderOptions<Item, Batch>][] = [
  ['shuffled', 'drawn', () => ({ batchSize: 7, shuffle: true })],
  ['full ones alone, by a seed', 'later', () => ({ batchSize: 7, shuffle: true, seed: 3, dropLast: true })],
  ['in buckets', 'drawn', () => ({ batchSampler: new BucketSampler(lengths, { batchSize: 7 }) })],
];
type Batch = ReturnType<DataLoader<Item>['batchMakers']> extends AsyncGenerator<() => infer B> ? B : never;

async function train(
  dataset: Dataset<Item> | WorkerDataset<Item>,
  loading: DataLoaderOptions<Item, Batch>,
  options: Partial<FitOptions<Batch>> = {},
  seed = 6,
): Promise<unknown> {
  manualSeed(seed);
  const trainer = makeTrainer();
  const loader = new DataLoader(dataset as Dataset<Item>, loading);
  const history = await trainer.fit(loader, { epochs: 2, progress: false, ...options });
  const weights = Object.values(trainer.model.stateDict()).map(async (x) => [...(await x.data())]);
  return {
    losses: history.epochs.map((record) => record.train),
    weights: await Promise.all(weights),
    random: getRandomState(),
    state: loader.state(),
  };
}

describe.each(kinds)('training on batches %s', (_, kind, options) => {
  test('comes to the same bits with any number of workers and any prefetch', async () => {
    const expected = await train(await unwrapped(kind), options());
    expect(await train(await unwrapped(kind), options(), {}, 7)).not.toEqual(expected);
    for (const workers of [0, 1, 3])
      for (const prefetch of [0, 1, 4])
        expect(await train(await itemsOf(kind, workers), { ...options(), prefetch })).toEqual(expected);
  });
  test('goes on in the middle of an epoch, with other workers', async () => {
    const expected = await train(await unwrapped(kind), options());
    for (const [[workers, prefetch], [then, ahead]] of [
      [
        [3, 4],
        [0, 0],
      ],
      [
        [0, 1],
        [1, 4],
      ],
      [
        [1, 0],
        [3, 1],
      ],
    ] as const) {
      const checkpoints = { folder: await mkdtemp(join(root, 'case-')), everySteps: 3 };
      let steps = 0;
      const fail = (): void => {
        if (++steps === 5) throw new Error('struck by lightning'); // between two checkpoints in the first epoch
      };
      const before = { ...options(), prefetch };
      const struck = train(await itemsOf(kind, workers), before, { checkpoints, callbacks: [{ onStep: fail }] });
      await expect(struck).rejects.toThrow('struck by lightning');
      const after = { ...options(), prefetch: ahead };
      expect(await train(await itemsOf(kind, then), after, { checkpoints, resume: true }, 99)).toEqual(expected);
    }
  });
});
