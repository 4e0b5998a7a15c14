import {
  Accuracy,
  Adam,
  CosineAnnealingLR,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  LastStep,
  Linear,
  LSTM,
  Sequential,
  Trainer,
  crossEntropy,
  getRandomState,
  manualSeed,
  setRandomState,
  type RandomState,
} from 'stmnet';

manualSeed(1);
const items = Array.from({ length: 48 }, (_, i) => ({
  input: Array.from({ length: 2 + (i % 5) }, (__, t) => [Math.sin(i + t), (i % 2) - 0.5 + 0.1 * t]),
  target: i % 2,
}));
const validation = new DataLoader(items.slice(32), { batchSize: 8 });
const model = new Sequential(
  new LSTM({ inputSize: 2, hiddenSize: 8, bidirectional: true }),
  new LastStep({ bidirectional: true }),
  new Dropout({ p: 0.2 }),
  new Linear({ inFeatures: 16, outFeatures: 2 }),
);
const optimizer = new Adam(model.parameters(), { learningRate: 1e-2 });
const trainer = new Trainer({ model, optimizer, loss: new CrossEntropyLoss(), metrics: [new Accuracy()] });
const schedule = new CosineAnnealingLR(optimizer, { tMax: 8 });

// ---- as in the guide
import { existsSync } from 'node:fs';
import { BucketSampler, EarlyStopping, loadCheckpoint, saveCheckpoint } from 'stmnet';

const lengths = items.map(({ input }) => input.length);
const loader = new DataLoader(items, { batchSampler: new BucketSampler(lengths, { batchSize: 8 }) });
const history = await trainer.fit(loader, {
  epochs: 20,
  validation,
  checkpoints: { folder: 'run/checkpoints', everySteps: 500, keep: 2, best: { figure: 'validation.accuracy' } },
  resume: true,
  callbacks: [new EarlyStopping({ figure: 'validation.accuracy', patience: 3 })],
});

// The same for a loop of your own: parts by name, and plain data.
const path = 'run/own.safetensors';
let epoch = 0;
if (existsSync(path)) {
  const parts = { model, schedule, optimizer, loader };
  const rest = await loadCheckpoint<{ epoch: number; random: RandomState }>(path, parts);
  epoch = rest.epoch;
  setRandomState(rest.random);
}
for (; epoch < 4; epoch++) {
  for (const { input, target } of loader) {
    optimizer.zeroGrad();
    crossEntropy(model.forward(input), target).backward();
    optimizer.step();
  }
  schedule.step();
  const parts = { model, schedule, optimizer, loader, epoch: epoch + 1, random: getRandomState() };
  await saveCheckpoint(path, parts);
}

// ---- what the test looks at
export { history, model, path, trainer };
