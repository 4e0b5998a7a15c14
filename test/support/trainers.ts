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
  Sequential,
  tensor,
  Trainer,
  type Batch,
} from 'stmnet';

/** Sequences of 1 to 6 steps; the class says whether they rise or fall. */
export const items = Array.from({ length: 60 }, (_, i) => {
  const sign = i % 2 === 0 ? 1 : -1;
  return {
    input: Array.from({ length: 1 + (i % 6) }, (__, t) => [sign * (0.3 + 0.1 * t), Math.sin(i + t)]),
    target: i % 2,
  };
});

export const loader = (): DataLoader<(typeof items)[number]> =>
  new DataLoader(new ArrayDataset(items), { batchSize: 8, shuffle: true });

export const classifier = (): Sequential =>
  new Sequential(
    new LSTM({ inputSize: 2, hiddenSize: 8 }),
    new LastStep(),
    new Dropout({ p: 0.1 }),
    new Linear({ inFeatures: 8, outFeatures: 2 }),
  );

export function makeTrainer(model = classifier()): Trainer {
  return new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new Adam(model.parameters(), { learningRate: 2e-2 }),
    metrics: [new Accuracy()],
    clipGradNorm: 5,
  });
}

/** One linear unit, whose numbers can be followed by hand. */
export function unit(weight: number): { model: Linear; batches: Batch[] } {
  const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
  model.loadStateDict({ weight: tensor([[weight]]) });
  return {
    model,
    batches: [
      { input: tensor([[1], [2]]), target: tensor([[1], [2]]) },
      { input: tensor([[3]]), target: tensor([[5]]) },
    ],
  };
}
