import { expect, test } from 'vitest';
import {
  Accuracy,
  Adam,
  ArrayDataset,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  LastStep,
  Linear,
  LSTM,
  memory,
  Sequential,
  synchronize,
  Trainer,
} from 'stmnet';

// A file of its own, so a process of its own: nothing that other tests left is collected meanwhile.
test('steps, epochs and evaluations leave handles and live bytes where they were, without the collector', async () => {
  const items = Array.from({ length: 60 }, (_, i) => ({
    input: Array.from({ length: 1 + (i % 6) }, (__, t) => [Math.cos(i * t), Math.sin(i + t)]),
    target: i % 2,
  }));
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 8 }),
    new LastStep(),
    new Dropout({ p: 0.1 }),
    new Linear({ inFeatures: 8, outFeatures: 2 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 2e-2 });
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer,
    metrics: [new Accuracy()],
    clipGradNorm: 5,
  });
  const batches = new DataLoader(new ArrayDataset(items), { batchSize: 10, shuffle: true });
  const measure = async (epochs: number): Promise<number[]> => {
    await trainer.fit(batches, { epochs, validation: batches, progress: false });
    await trainer.evaluate(batches);
    for (const output of await trainer.predict(batches)) output.dispose();
    await synchronize();
    const { handles, usedBytes, collectedByGc } = memory();
    return [handles, usedBytes, collectedByGc];
  };
  const first = await measure(2);
  expect(await measure(30)).toEqual(first);
  expect(first[2]).toBe(0);
});
