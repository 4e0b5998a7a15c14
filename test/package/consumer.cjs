// A user's CommonJS program: `consumer.cjs train FILE` trains a model, saves it and prints what it predicts;
// `consumer.cjs predict FILE` loads it.
const {
  Accuracy,
  Adam,
  CrossEntropyLoss,
  DataLoader,
  LSTM,
  LastStep,
  Linear,
  Sequential,
  Standardize,
  Trainer,
  WorkerDataset,
  load,
  manualSeed,
  noGrad,
  pad,
  save,
} = require('stmnet');
const { japaneseVowels } = require('stmnet/datasets');

const [task, file] = process.argv.slice(2);

async function predict(model, test) {
  model.eval();
  const scores = noGrad(() => model.forward(pad([0, 100, 200, 369].map((index) => test.at(index).input))));
  console.log(JSON.stringify(await scores.array()));
}

async function main() {
  const { train, test } = await japaneseVowels();
  if (task === 'predict') return predict(await load(file), test);
  manualSeed(3);
  const model = new Sequential(
    new Standardize().fit(train),
    new LSTM({ inputSize: 12, hiddenSize: 16 }),
    new LastStep(),
    new Linear({ inFeatures: 16, outFeatures: 9 }),
  );
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new Adam(model.parameters(), { learningRate: 1e-2 }),
    metrics: [new Accuracy()],
  });
  const items = await WorkerDataset.open(require.resolve('./items.cjs'), { data: { count: train.length } });
  await trainer.fit(new DataLoader(items, { batchSize: 32, shuffle: true, prefetch: 2 }), { epochs: 5 });
  const { accuracy } = await trainer.evaluate(new DataLoader(test, { batchSize: 64 }));
  if (!(accuracy > 0.5)) throw new Error(`accuracy: got ${accuracy}, expected more than 0.5`);
  await save(model, file);
  await predict(model, test);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
