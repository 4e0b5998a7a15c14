import { expect, test } from 'vitest';
import {
  BucketSampler,
  DataLoader,
  Embedding,
  IterableDataset,
  manualSeed,
  PaddedSequence,
  tensor,
  Trainer,
  type Linear,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { handlesKept } from '../support/handles';
import { unit } from '../support/trainers';

interface X {
  x: Tensor;
}

/** A Trainer whose outputs are what `forward` says. */
const saying = <Output>(forward: (model: Linear, batch: X) => Output) =>
  new Trainer({ model: unit(2).model, forward, loss: () => tensor(0) });
const rows = [0, 1, 2, 3, 4].map((value) => ({ input: [value] }));
const batches = [1, 2].map((value) => ({ x: tensor([[value]]) }));

test('batches of full rows with other numbers of steps become one PaddedSequence', async () => {
  manualSeed(1);
  const embedding = new Embedding({ numEmbeddings: 4, embeddingDim: 2 });
  const trainer = new Trainer({ model: embedding, loss: () => tensor(0) });
  const ragged = new PaddedSequence(tensor([[3, 0], [2, 1]]), [1, 2]); // prettier-ignore
  const words = [tensor([[1, 2, 3]]), tensor([[1, 2]]), ragged];
  const joined = (await trainer.predict(words, { join: true })) as PaddedSequence;
  expect(joined).toBeInstanceOf(PaddedSequence);
  expect([joined.shape, joined.lengths]).toEqual([[4, 3, 2], [3, 2, 1, 2]]); // prettier-ignore
  const alone = (await trainer.predict(words)).map((output: Sequence) => output.array());
  expect(await joined.array()).toEqual((await Promise.all(alone)).flat());
});

test('inputs that the model returns stay alive, and nothing else does', async () => {
  const trainer = saying((model, { x }) => ({ x, parts: [model.forward(x)] }));
  const run = async (): Promise<[Float32Array, Float32Array]> => {
    const { x, parts } = await trainer.predict(batches, { join: true });
    const found = await Promise.all([x.data(), (parts[0] as Tensor).data()]);
    for (const part of [x, ...parts]) part.dispose();
    return found as [Float32Array, Float32Array];
  };
  expect(await run()).toEqual([Float32Array.of(1, 2), Float32Array.of(2, 4)]);
  const before = handlesKept();
  await run();
  expect(handlesKept()).toBe(before);
  expect(await Promise.all(batches.map(async ({ x }) => x.item()))).toEqual([1, 2]);
});

test('what cannot be joined is refused, and nothing of it is kept', async () => {
  const message =
    'expected tensors with rows, PaddedSequences, or records of them, alike in all batches.\n' +
    '  Fix: leave join out, which gives the output of each batch.';
  let calls = 0;
  const odd = [
    saying((model, { x }) => model.forward(x).mean()),
    saying((model, { x }) => (calls++ === 0 ? { y: model.forward(x) } : { y: model.forward(x), x })),
    saying((model, { x }) => ({ y: model.forward(x), count: 1 })),
    saying((_, { x }) => (calls++ % 2 === 0 ? new PaddedSequence(x.mul(1), [1]) : x.reshape([-1]))),
  ];
  for (const trainer of odd) {
    const before = handlesKept();
    await expect(trainer.predict(batches, { join: true })).rejects.toThrow(message);
    expect(handlesKept()).toBe(before);
  }
  await expect(saying(() => 0).predict([], { join: true })).rejects.toThrow(
    'Trainer.predict: got a loader without batches, expected at least one batch.',
  );
  expect(await saying(() => 0).predict([])).toEqual([]);
});

test.each<[what: string, loader: () => DataLoader<{ input: number[] }>]>([
  ['mixes its items', () => new DataLoader(rows, { batchSize: 2, shuffle: true })],
  ['mixes its items', () => new DataLoader(new IterableDataset(rows, { shuffleBuffer: 3 }), { batchSize: 2 })],
  [
    'mixes its items',
    () => new DataLoader(rows, { batchSampler: new BucketSampler([1, 2, 1, 2, 1], { batchSize: 2 }) }),
  ],
  ['leaves the last ones out', () => new DataLoader(rows, { batchSize: 2, dropLast: true })],
  ['leaves the last ones out', () => new DataLoader(new IterableDataset(rows), { batchSize: 2, dropLast: true })],
])('a loader that %s is not joined', async (what, loader) => {
  const trainer = new Trainer({ model: unit(2).model, loss: () => tensor(0) });
  await expect(trainer.predict(loader(), { join: true })).rejects.toThrow(
    `Trainer.predict: got join with a DataLoader that ${what}, expected one that gives all items in their order, as ` +
      'rows of one output are told apart by their place alone.\n' +
      '  Fix: predict with a loader of its own, without shuffle, dropLast or buckets: ' +
      'new DataLoader(items, { batchSize }).',
  );
  expect(await trainer.predict(loader())).not.toEqual([]);
});

test('one that leaves nothing out is joined, and so is an order of one’s own', async () => {
  const trainer = new Trainer({ model: unit(2).model, loss: () => tensor(0) });
  const full = new DataLoader(rows, { batchSize: 5, dropLast: true });
  expect(await (await trainer.predict(full, { join: true })).array()).toEqual([[0], [2], [4], [6], [8]]);
  const backwards = { length: 5, [Symbol.iterator]: () => [4, 3, 2, 1, 0].values() };
  const own = new DataLoader(rows, { batchSize: 2, sampler: backwards });
  expect(await (await trainer.predict(own, { join: true })).array()).toEqual([[8], [6], [4], [2], [0]]);
});
