// Mistakes in the data that a training meets: of which item they are.
import { expect, test } from 'vitest';
import {
  CrossEntropyLoss,
  DataLoader,
  Embedding,
  LastStep,
  Linear,
  MeanPool,
  MSELoss,
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
});

test.each([
  [
    7,
    'correct the label; where there are more than 2 classes, let the layer before the loss give one for each, ' +
      'as outFeatures: 8',
  ],
  [
    2,
    'take 1 off where labels count from 1: they count from 0; else let the layer before the loss give one for each, ' +
      'as outFeatures: 3',
  ],
  [-1, 'look for the name of its class, where indexOf made the label: -1 is what it gives of none'],
  [-2, 'correct the label: classes count from 0'],
])('a label out of range, %d, is told with its item and what is often meant', async (target, fix) => {
  const error = await train(itemsWith({ target }));
  expect(error).toBeInstanceOf(OptionError);
  expect(String(error)).toBe(
    `OptionError: crossEntropy: got target with the value ${target}, expected 0..1 (classes on the last axis of the ` +
      `input).\n  Fix: ${fix}.\n  It came up in epoch 1, batch 2 (step 2 of the trainer), with item 5 of the dataset ` +
      '(item 1 of its batch).',
  );
});

test('a label out of range among others that are to be ignored', async () => {
  const items = itemsWith({ target: -1 }).map((item, index) => (index === 4 ? { ...item, target: -100 } : item));
  const error = await train(items);
  expect(String(error)).toContain('got class label -1 at step 1, expected 0..1');
  expect(String(error)).toContain('-1 is what it gives of none');
  expect(String(error)).toContain(WHERE);
});

test('an index out of range, of sequences', async () => {
  const model = new Sequential(new Embedding({ numEmbeddings: 4, embeddingDim: 2 }), new MeanPool());
  const trainer = new Trainer({
    model,
    loss: new MSELoss(),
    optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
  });
  const items = [[1], [2, 3], [1, 2, 5], [0]].map((input) => ({ input, target: [4, 5] }));
  const fit = trainer.fit(new DataLoader(items, { batchSize: 4, dtypes: { target: 'f32' } }), {
    epochs: 1,
    progress: false,
  });
  await expect(fit).rejects.toThrow(
    'got an index with the value 5, expected 0..3 (rows of the table).\n  Fix: correct the value.\n' +
      '  It came up in epoch 1, batch 1 (step 1 of the trainer), with item 2 of the dataset (item 2 of its batch).',
  );
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
