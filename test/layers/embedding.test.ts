import { describe, expect, test } from 'vitest';
import { Embedding, Linear, PaddedSequence, SGD, crossEntropy, pad, tensor } from 'stmnet';
import { here } from '../support/devices';

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

  test('mistakes', () => {
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
