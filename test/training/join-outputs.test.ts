import { expect, test } from 'vitest';
import {
  Embedding,
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
