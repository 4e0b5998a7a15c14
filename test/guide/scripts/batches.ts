import { writeFileSync } from 'node:fs';

const rows = Array.from({ length: 120 }, (_, i) => ({
  text: 'call me now or never '.repeat((i % 5) + 1),
  label: i % 6 === 0 ? 'spam' : 'ham',
  customer: i % 40,
}));
const book = 'To be, or not to be, that is the question. '.repeat(30);
const power = Float32Array.from({ length: 400 }, (_, hour) => Math.sin(hour / 4));
const temperature = Float32Array.from({ length: 400 }, (_, hour) => 20 + Math.cos(hour / 4));
writeFileSync('points.csv', `x,y\n${power.join(',1\n')},1\n`);

// ---- as in the guide
import {
  BucketSampler,
  DataLoader,
  IterableDataset,
  kFold,
  SequenceList,
  splitDataset,
  streamTable,
  TextStream,
  windows,
} from 'stmnet';

const parts = splitDataset(
  rows,
  { train: 0.8, validation: 0.1, test: 0.1 },
  { stratifyBy: (row) => row.label, seed: 1 },
);
const folds = kFold(rows, 5, { groupBy: (row) => row.customer, seed: 1 }); // no customer on both sides

const items = [...parts.train].map(({ text, label }) => ({
  input: Int32Array.from(text, (letter) => letter.charCodeAt(0)),
  target: label === 'spam' ? 1 : 0,
}));
const lengths = items.map(({ input }) => input.length);
const loader = new DataLoader(items, { batchSampler: new BucketSampler(lengths, { maxTokens: 1000, seed: 1 }) });

for (const _ of loader) if (loader.state().batches === 2) break; // stopped …
const saved = JSON.stringify(loader.state());
loader.loadState(JSON.parse(saved)); // … and in another process, from the third batch on

const points = streamTable('points.csv', { types: 'number' }); // read anew in each epoch
const stream = new DataLoader(new IterableDataset(points, { shuffleBuffer: 100, seed: 1 }), {
  batchSize: 32,
  collate: (batch) => ({ input: batch.map(({ x }) => [x]), target: batch.map(({ y }) => [y]) }),
});
for await (const { input } of stream) console.log(input.length);

const letters = Int32Array.from(book, (letter) => letter.charCodeAt(0));
const text = new TextStream(letters, { batchSize: 4, steps: 35 }); // { input, target }, each i32 [4, 35]
const hours = windows({ power, temperature }, { length: 168, horizon: 24, target: 'power' }); // [168, 2] → [24]
const sentence = { words: Int32Array.of(7, 3), characters: new SequenceList([[3, 1, 4], [1]]) };

export { folds, hours, loader, parts, sentence, text };
