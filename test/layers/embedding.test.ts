import { describe, expect, test } from 'vitest';
import { Embedding, Linear, PaddedSequence, SGD, arange, compile, crossEntropy, manualSeed, pad, tensor } from 'stmnet';
import { here } from '../support/devices';
import { differences } from '../support/near';

const indices = (values: number[][]) => tensor(values, { dtype: 'i32' });

describe('Embedding', () => {
  test('looks rows up', async () => {
    const layer = Embedding.fromPretrained([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(await layer.forward(indices([[2, 0]])).array()).toEqual([
      [
        [5, 6],
        [1, 2],
      ],
    ]);
  });

  test('the padding row starts as zeros and gets no gradient', async () => {
    const layer = new Embedding({ numEmbeddings: 3, embeddingDim: 2, paddingIdx: 1 });
    expect(await layer.weight.select(0, 1).array()).toEqual([0, 0]);
    expect((await layer.weight.select(0, 0).data()).every((value) => value !== 0)).toBe(true);
    layer
      .forward(indices([[1, 2, 2]]))
      .sum()
      .backward();
    expect(await layer.weight.grad?.array()).toEqual([
      [0, 0],
      [0, 0],
      [2, 2],
    ]);
  });

  test('of a PaddedSequence padding is zero, whatever its row holds', async () => {
    const layer = Embedding.fromPretrained(
      [
        [1, 2],
        [3, 4],
      ],
      { freeze: false },
    );
    const output = layer.forward(pad([[1, 1], [1]], { dtype: 'i32' }));
    expect(output).toBeInstanceOf(PaddedSequence);
    expect(await output.values.array()).toEqual([
      [
        [3, 4],
        [3, 4],
      ],
      [
        [3, 4],
        [0, 0],
      ],
    ]);
    output.values.sum().backward();
    expect(await layer.weight.grad?.array()).toEqual([
      [0, 0],
      [3, 3],
    ]);
  });

  test('pretrained rows are frozen unless told otherwise, and copied', async () => {
    const rows = tensor([
      [1, 2],
      [3, 4],
    ]);
    const frozen = Embedding.fromPretrained(rows);
    expect(frozen.weight.requiresGrad).toBe(false);
    rows.fill_(9);
    expect(await frozen.weight.array()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(Embedding.fromPretrained(rows, { freeze: false }).weight.requiresGrad).toBe(true);
    expect(new Embedding(frozen.options).weight.requiresGrad).toBe(false);
  });

  test('ties with an output Linear: one parameter, gradients from both uses', async () => {
    const embedding = new Embedding({ numEmbeddings: 4, embeddingDim: 3 });
    const decoder = new Linear({ inFeatures: 3, outFeatures: 4, bias: false });
    decoder.weight = embedding.weight;
    const optimizer = new SGD(new Set([...embedding.parameters(), ...decoder.parameters()]), { learningRate: 0.1 });
    const before = await embedding.weight.data();
    crossEntropy(
      decoder.forward(embedding.forward(tensor([1, 2], { dtype: 'i32' }))),
      tensor([0, 3], { dtype: 'i32' }),
    ).backward();
    optimizer.step();
    const after = await decoder.weight.data();
    expect(after.every((value, i) => value !== before[i])).toBe(true);
    expect(after).toEqual(await embedding.weight.data());
  });

  test('drops whole rows in training, the same wherever an index stands', async () => {
    manualSeed(3);
    const layer = new Embedding({ numEmbeddings: 2000, embeddingDim: 3, dropout: 0.2, paddingIdx: 7, dtype: 'f64' });
    const rows = (await layer.weight.array()) as number[][];
    const all = arange(0, 2000, 1, { dtype: 'i32' });
    const output = layer.forward(all.reshape([1, -1]).expand([2, 2000]));
    const [first = [], second = []] = (await output.array()) as number[][][];
    expect(second).toEqual(first);
    const kept = first.map((row, at) => (row.every((value) => value === 0) && at !== 7 ? 0 : 1.25));
    const expected = rows.flatMap((row, at) => row.map((value) => value * (kept[at] ?? 0)));
    expect(differences(first.flat(), expected, 1e-15)).toEqual([]);
    expect(Math.abs(kept.filter((one) => one === 0).length / 2000 - 0.2)).toBeLessThan(0.03);
    output.sum().backward();
    const gradient = kept.map((one, at) => Array(3).fill(at === 7 ? 0 : 2 * one));
    expect(await layer.weight.grad?.array()).toEqual(gradient);
    expect(await layer.forward(all).data()).not.toEqual((await output.data()).slice(0, 6000));
    expect(await layer.eval().forward(all).data()).toEqual(await layer.weight.data());
  });

  test('drops other rows in each step that is compiled', async () => {
    const layer = new Embedding({ numEmbeddings: 64, embeddingDim: 1, dropout: 0.5 });
    const all = arange(0, 64, 1, { dtype: 'i32' });
    const step = compile(() => layer.forward(all).eq(0));
    expect(await step().data()).not.toEqual(await step().data());
  });

  test('of a PaddedSequence leaves padding zero, whatever is dropped', async () => {
    const layer = new Embedding({ numEmbeddings: 2, embeddingDim: 64, dropout: 0.5 });
    const { values } = layer.forward(pad([[1, 1], [1]], { dtype: 'i32' }));
    expect(new Set((await values.data()).slice(192))).toEqual(new Set([0]));
  });

  test('mistakes', () => {
    expect(() => new Embedding({ numEmbeddings: 3, embeddingDim: 2, dropout: 1 })).toThrow(
      'Embedding: got dropout: 1, expected a probability in [0, 1) for dropout',
    );
    const layer = new Embedding({ numEmbeddings: 3, embeddingDim: 2 });
    expect(() => layer.forward(indices([[0, 3]]))).toThrow(/3/);
    expect(() => layer.forward(tensor([[false, true]]))).toThrow(
      `Embedding.forward: got indices bool[1, 2] on ${here}, expected i32, ` +
        'or f32 or f64 that hold whole numbers.\n' +
        "  Fix: cast it with cast('i32').",
    );
    expect(() => layer.forward(tensor([[0, 3]]))).toThrow(
      'Embedding.forward: got an index with the value 3, expected 0..2',
    );
    expect(() => new Embedding({ numEmbeddings: 3, embeddingDim: 2, paddingIdx: 3 })).toThrow(
      'Embedding: got paddingIdx: 3, expected an index below numEmbeddings, 3',
    );
    expect(() => Embedding.fromPretrained([1, 2])).toThrow(
      `Embedding.fromPretrained: got weights f32[2] on ${here}, expected two axes, [numEmbeddings, embeddingDim]`,
    );
  });
});
