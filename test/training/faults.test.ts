// Mistakes in the data that a training meets: of which item they are.
import { expect, test } from 'vitest';
import {
  CrossEntropyLoss,
  DataLoader,
  LastStep,
  Linear,
  NativeError,
  OptionError,
  Sequential,
  SGD,
  tensor,
  Trainer,
  TrainingError,
  type Tensor,
} from 'stmnet';

interface Item {
  input: number[][];
  target: number;
}

const itemsWith = (change: Partial<Item>): Item[] =>
  Array.from({ length: 10 }, (_, index) => {
    const item = { input: [[1, 2]], target: index % 2 };
    return index === 5 ? { ...item, ...change } : item;
  });

async function train(items: readonly Item[], options: { accumulate?: number } = {}): Promise<unknown> {
  const model = new Sequential(new LastStep(), new Linear({ inFeatures: 2, outFeatures: 2 }));
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
    ...options,
  });
  try {
    await trainer.fit(new DataLoader(items, { batchSize: 4 }), { epochs: 1, progress: false });
    return undefined;
  } catch (error) {
    return error;
  }
}

const WHERE = '\n  It came up in epoch 1, batch 2 (step 2 of the trainer), with items 4 to 7 of the dataset.';

test('a label that is NaN', async () => {
  const error = await train(itemsWith({ target: Number.NaN }));
  expect(error).toBeInstanceOf(NativeError);
  expect(String(error)).toBe(
    'NativeError: crossEntropy: got NaN as element 1 of the labels or indices, expected whole numbers.\n' +
      '  Fix: give the item its label, or leave it out; where a loss is to pass over it, give it the ignoreIndex of ' +
      `the loss, -100 by default.${WHERE}`,
  );
});

test('a label that is a fraction, or that there is no class for', async () => {
  expect(String(await train(itemsWith({ target: 0.5 })))).toContain(
    `crossEntropy: got 0.5 as element 1, expected whole numbers`,
  );
  const error = await train(itemsWith({ target: 7 }));
  expect(error).toBeInstanceOf(OptionError);
  expect(String(error)).toContain('got target with the value 7, expected 0..1');
  expect(String(error)).toContain(WHERE);
});

test('an input that is NaN, also where several batches make a step', async () => {
  const items = itemsWith({ input: [[1, Number.NaN]] });
  for (const options of [{}, { accumulate: 3 }]) {
    const error = await train(items, options);
    expect(error).toBeInstanceOf(TrainingError);
    expect(String(error)).toContain(
      'Fix: take NaN or infinity out of input of item 5 of the dataset (item 1 of its batch); a smaller learningRate',
    );
  }
});

test('an input that is NaN, among sequences of other lengths', async () => {
  const items = itemsWith({
    input: [
      [1, 2],
      [3, 4],
      [5, Number.NaN],
    ],
  });
  expect(String(await train(items))).toContain(
    'Fix: take NaN or infinity out of input of item 5 of the dataset (item 1',
  );
});

test("an input that is NaN, in batches of a collate of one's own, whose first axis may be another one", async () => {
  const model = new Linear({ inFeatures: 2, outFeatures: 1 });
  const trainer = new Trainer({
    model,
    loss: (output) => (output as Tensor).mean(),
    optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
  });
  // As many steps as items: [T, N, D] = [4, 4, 2], where NaN is in each step of item 5, the second of its batch.
  const steps = [1, 2, 3, 4];
  const items = itemsWith({}).map((item, index) => ({ ...item, input: steps.map((t) => [t, index === 5 ? NaN : 1]) }));
  const timeMajor = new DataLoader(items, {
    batchSize: 4,
    collate: (batch) => ({
      input: tensor(steps.map((_, t) => batch.map(({ input }) => input[t] ?? []))),
      target: tensor(batch.map(({ target }) => target)),
    }),
  });
  const error: unknown = await trainer
    .fit(timeMajor, { epochs: 1, progress: false })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TrainingError);
  expect(String(error)).toContain('Fix: take NaN or infinity out of input of this batch; a smaller learningRate');
});
