import { mkdirSync, writeFileSync } from 'node:fs';
import { Adam, CrossEntropyLoss, LastStep, Linear, LSTM, Sequential, Trainer, manualSeed } from 'stmnet';

manualSeed(1);
mkdirSync('speech');
const files = Array.from({ length: 24 }, (_, i) => ({ path: `speech/${i}.wav`, digit: i % 2 }));
for (const [i, { path, digit }] of files.entries()) {
  const samples = Int16Array.from({ length: 800 * (2 + (i % 3)) }, (_, t) => 9000 * digit * Math.sin(t / 3));
  const data = Buffer.from(samples.buffer);
  const header = Buffer.from('524946462400000057415645666d74201000000001000100401f0000803e00000200100064617461', 'hex');
  const size = Buffer.alloc(4);
  size.writeUInt32LE(data.length);
  writeFileSync(path, Buffer.concat([header, size, data]));
}
const model = new Sequential(
  new LSTM({ inputSize: 1, hiddenSize: 8 }),
  new LastStep(),
  new Linear({ inFeatures: 8, outFeatures: 2 }),
);
const trainer = new Trainer({
  model,
  loss: new CrossEntropyLoss(),
  optimizer: new Adam(model.parameters(), { learningRate: 0.02 }),
});

// ---- as in the guide
import { DataLoader, WorkerDataset, type HostArray } from 'stmnet';

const recordings = await WorkerDataset.open<{ input: HostArray; target: number }>(
  new URL('./recordings.mjs', import.meta.url), // in CommonJS: require.resolve('./recordings.cjs')
  { workers: 2, data: { files } },
);
const loader = new DataLoader(recordings, { batchSize: 8, shuffle: true, prefetch: 2 });
const history = await trainer.fit(loader, { epochs: 10 });
await recordings.close();

export { history, loader, recordings };
