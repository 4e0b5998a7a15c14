// A user's ES module: `consumer.mjs train FILE` trains a model, saves it and prints what it predicts;
// `consumer.mjs predict FILE` loads it.
import { createRequire } from 'node:module';
import * as stmnet from 'stmnet';
import {
  Adam,
  ArrayDataset,
  CrossEntropyLoss,
  DataLoader,
  GRU,
  LastStep,
  Linear,
  Sequential,
  Standardize,
  Trainer,
  WorkerDataset,
  load,
  noGrad,
  pad,
  save,
} from 'stmnet';
import { japaneseVowels } from 'stmnet/datasets';

const [task, file] = process.argv.slice(2);
const { train, test } = await japaneseVowels();

// One set of classes for both module systems.
const required = createRequire(import.meta.url)('stmnet');
const imported = { ...stmnet };
for (const name of Object.keys(required))
  if (imported[name] !== required[name]) throw new Error(`${name} differs between import and require`);
if (!(train instanceof ArrayDataset) || !(test instanceof required.ArrayDataset))
  throw new Error('stmnet/datasets has classes of its own, expected those of stmnet');

let model;
if (task === 'predict') model = await load(file);
else {
  model = new Sequential(
    new Standardize().fit(train),
    new GRU({ inputSize: 12, hiddenSize: 16 }),
    new LastStep(),
    new Linear({ inFeatures: 16, outFeatures: 9 }),
  );
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new Adam(model.parameters(), { learningRate: 1e-2 }),
  });
  const items = await WorkerDataset.open(new URL('./items.mjs', import.meta.url), { workers: 2 });
  await trainer.fit(new DataLoader(items, { batchSize: 32, shuffle: true, prefetch: 2 }), { epochs: 3 });
  await save(model, file);
}
model.eval();
const scores = noGrad(() => model.forward(pad([0, 100, 200, 369].map((index) => test.at(index).input))));
console.log(JSON.stringify(await scores.array()));
