import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Adam,
  CrossEntropyLoss,
  DataLoader,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  Sequential,
  Trainer,
  WorkerDataset,
  type AsyncDataset,
} from 'stmnet';
import makeDataset, { BANDS, type Source, type Spectra } from './spectra';
import type { Outcome } from './benchmark';
import { median } from './statistics';
import { repository } from './tarball';

/** Recordings of an epoch. */
const COUNT = 320;
const BATCH = 16;

/**
 * How long a training waits for its batches where an item takes time: recordings of fsdd where they are, else made
 * ones, as spectra for an LSTM; read and transformed in this thread, and in others.
 *
 * @param rounds  epochs of each, the median of which counts
 */
export async function measureWorkers(rounds: number): Promise<Outcome> {
  const sources = readSources();
  const results: { workers: number; prefetch: number; step: number; share: number; loss: number }[] = [];
  for (const [workers, prefetch] of [
    [0, 0],
    [0, 2],
    [1, 0],
    [1, 2],
    [2, 2],
  ] as const) {
    const module = join(__dirname, 'spectra.js');
    const opened = workers === 0 ? undefined : await WorkerDataset.open<Spectra>(module, { workers, data: sources });
    results.push({ workers, prefetch, ...(await epochs(opened ?? makeDataset(sources), prefetch, rounds)) });
    await opened?.close();
  }
  const [first] = results;
  const odd = results.find(({ loss }) => loss !== first?.loss);
  if (odd !== undefined) throw new Error(`workers: ${odd.workers} came to loss ${odd.loss}, none to ${first?.loss}`);
  return {
    tables: [
      {
        title: 'items that take time, in this thread and in workers',
        header: ['workers', 'prefetch', 'ms a step', 'of it waiting for the batch'],
        rows: results.map(({ workers, prefetch, step, share }) => [
          String(workers),
          String(prefetch),
          step.toFixed(1),
          `${(100 * share).toFixed(0)} %`,
        ]),
        note: '',
      },
    ],
    figures: results,
    goals: [],
  };
}

function readSources(): Source[] {
  const folder = join(process.env['STMNET_DATA'] ?? join(repository, '..', 'shared', 'data'), 'fsdd');
  if (!existsSync(folder)) return Array.from({ length: COUNT }, (_, i) => ({ path: i, target: i % 10 }));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.wav'));
  const all = files.sort().map((file) => ({ path: join(folder, file), target: Number(/(\d)_[^/]*$/.exec(file)?.[1]) }));
  return Array.from({ length: COUNT }, (_, i) => all[i % all.length] ?? { path: i, target: i % 10 });
}

/** Milliseconds of a step, the share of them in which nothing but the batch is awaited, and the last loss. */
async function epochs(
  dataset: AsyncDataset<Spectra>,
  prefetch: number,
  rounds: number,
): Promise<{ step: number; share: number; loss: number }> {
  manualSeed(1);
  const model = new Sequential(
    new LSTM({ inputSize: BANDS, hiddenSize: 128, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new Linear({ inFeatures: 256, outFeatures: 10 }),
  );
  const optimizer = new Adam(model.parameters());
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer });
  const loader = new DataLoader(dataset, { batchSize: BATCH, shuffle: true, prefetch });
  let waiting = 0;
  // As the loader's own, with a clock at each side.
  const batches = {
    async *[Symbol.asyncIterator]() {
      const walk = loader[Symbol.asyncIterator]();
      for (;;) {
        const start = performance.now();
        const { done, value } = await walk.next();
        waiting += performance.now() - start;
        if (done === true) return;
        yield value;
      }
    },
  };
  const [steps, shares]: [number[], number[]] = [[], []];
  let loss = Number.NaN;
  for (let round = 0; round <= rounds; round++) {
    waiting = 0;
    const start = performance.now();
    const history = await trainer.fit(batches, { epochs: 1, progress: false });
    const taken = performance.now() - start;
    loss = history.last?.train.loss ?? Number.NaN;
    if (round === 0) continue; // warms up
    steps.push(taken / loader.length);
    shares.push(waiting / taken);
  }
  return { step: median(steps), share: median(shares), loss };
}
