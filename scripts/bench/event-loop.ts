import {
  Adam,
  ArrayDataset,
  CrossEntropyLoss,
  DataLoader,
  LSTM,
  LastStep,
  Linear,
  Sequential,
  Trainer,
  numThreads,
  scope,
  type HostArray,
} from 'stmnet';
import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { shapes } from './shapes';
import { quantile } from './statistics';
import { mostLagMs, periodMs, watchTimer } from './turns/lag';

/** How late a timer is while a model trains as fast as it can. */
export const eventLoop: Benchmark = {
  summary: `lag of a ${periodMs} ms timer while a model of shape S5 trains flat out; p99 must be below ${mostLagMs} ms`,
  options: { seconds: { type: 'string', default: '15', description: 'how long to train' } },
  run: measure,
};

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const seconds = wholeNumber(values, 'seconds');
  const [shape] = shapes.filter(({ name }) => name === 'S5');
  if (shape === undefined) throw new Error('shapes.ts has no S5.');
  const { T, N, D, H, L } = shape;
  const utterance = (): HostArray => ({
    data: Float32Array.from({ length: T * D }, () => Math.random() - 0.5),
    shape: [T, D],
  });
  const dataset = new ArrayDataset(
    Array.from({ length: 2 * N }, (_, index) => ({ input: utterance(), target: index % 10 })),
  );
  const model = new Sequential(
    new LSTM({ inputSize: D, hiddenSize: H, numLayers: L }),
    new LastStep(),
    new Linear({ inFeatures: H, outFeatures: 10 }),
  );
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new Adam(model.parameters(), { learningRate: 1e-3 }),
  });
  const loader = new DataLoader(dataset, { batchSize: N, shuffle: true });
  let steps = 0;
  const epoch = async (): Promise<void> => {
    for await (const batch of loader) {
      scope(() => trainer.step(batch)).dispose();
      await trainer.fence();
      steps += 1;
    }
  };
  await epoch();
  steps = 0;
  const start = performance.now();
  const watch = watchTimer();
  while (performance.now() - start < seconds * 1000) await epoch();
  const stepMs = (performance.now() - start) / steps;
  watch.stop();
  const [p50 = Number.NaN, p99 = Number.NaN, max = Number.NaN] = [0.5, 0.99, 1].map((fraction) =>
    quantile(watch.lags, fraction),
  );
  return {
    tables: [
      {
        title: `lag of ${watch.lags.length} calls of a ${periodMs} ms timer beside ${steps} training steps of S5`,
        header: ['threads', 'ms a step', 'p50 ms', 'p99 ms', 'max ms'],
        rows: [[String(numThreads()), ...[stepMs, p50, p99, max].map((ms) => ms.toFixed(2))]],
        note: '',
      },
    ],
    figures: { steps, stepMs, p50, p99, max },
    goals: [{ text: `p99 below ${mostLagMs} ms`, got: `${p99.toFixed(2)} ms`, held: p99 < mostLagMs }],
  };
}
