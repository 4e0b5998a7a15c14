import { describe, expect, test } from 'vitest';
import { LastStep, LSTM, MaxPool, MeanPool, PaddedSequence, manualSeed, randn, tensor, zeros } from 'stmnet';
import { differences, tensorDifferences } from '../support/near';
import { here } from '../support/devices';

const x = (): ReturnType<typeof tensor> =>
  tensor(
    [
      [
        [1, -2],
        [3, -4],
        [5, -6],
      ],
      [
        [7, -8],
        [9, -10],
        [50, 50],
      ],
      [
        [60, 60],
        [60, 60],
        [60, 60],
      ],
    ],
    { requiresGrad: true },
  );
const lengths = [3, 2, 0];

describe('pooling over real steps', () => {
  test.each([
    [
      'LastStep',
      new LastStep(),
      [
        [5, -6],
        [9, -10],
        [0, 0],
      ],
      [
        [
          [0, 0],
          [0, 0],
          [1, 1],
        ],
        [
          [0, 0],
          [1, 1],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ],
    ],
    [
      'LastStep, bidirectional',
      new LastStep({ bidirectional: true }),
      [
        [5, -2],
        [9, -8],
        [0, 0],
      ],
      [
        [
          [0, 1],
          [0, 0],
          [1, 0],
        ],
        [
          [0, 1],
          [1, 0],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ],
    ],
    [
      'MeanPool',
      new MeanPool(),
      [
        [3, -4],
        [8, -9],
        [0, 0],
      ],
      [
        [
          [1 / 3, 1 / 3],
          [1 / 3, 1 / 3],
          [1 / 3, 1 / 3],
        ],
        [
          [0.5, 0.5],
          [0.5, 0.5],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ],
    ],
    [
      'MaxPool',
      new MaxPool(),
      [
        [5, -2],
        [9, -8],
        [0, 0],
      ],
      [
        [
          [0, 1],
          [0, 0],
          [1, 0],
        ],
        [
          [0, 1],
          [1, 0],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ],
    ],
  ])('%s', async (_, layer, expected, gradient) => {
    const values = x();
    const pooled = layer.forward(new PaddedSequence(values, lengths));
    expect(await pooled.array()).toEqual(expected);
    pooled.sum().backward();
    expect(differences((await values.grad?.data()) ?? [], gradient.flat(2), 1e-6)).toEqual([]);
  });

  test.each([
    [
      new LastStep(),
      [
        [5, -6],
        [50, 50],
      ],
    ],
    [
      new LastStep({ bidirectional: true }),
      [
        [5, -2],
        [50, -8],
      ],
    ],
    [
      new MeanPool(),
      [
        [3, -4],
        [22, 32 / 3],
      ],
    ],
    [
      new MaxPool(),
      [
        [5, -2],
        [50, 50],
      ],
    ],
  ])('%o of a tensor', async (layer, expected) => {
    const pooled = layer.forward(x().slice([0], [2]));
    expect(await tensorDifferences(pooled, tensor(expected), 1e-6)).toEqual([]);
  });

  test('MaxPool of whole numbers and bools leaves the padding out', async () => {
    const whole = tensor(
      [
        [[-5], [3]],
        [[-7], [-9]],
        [[1], [2]],
      ],
      { dtype: 'i32' },
    );
    expect(await new MaxPool().forward(new PaddedSequence(whole, [1, 2, 0])).data()).toEqual(Int32Array.of(-5, -7, 0));
    const truths = tensor([
      [[false], [true]],
      [[false], [true]],
    ]);
    expect(await new MaxPool().forward(new PaddedSequence(truths, [1, 2])).data()).toEqual(Uint8Array.of(0, 1));
  });

  test('LastStep of a bidirectional LSTM is its last state', async () => {
    manualSeed(4);
    const lstm = new LSTM({ inputSize: 3, hiddenSize: 4, bidirectional: true });
    const { output, h } = lstm.forward(new PaddedSequence(randn([3, 5, 3]), [5, 1, 3]));
    expect(
      await tensorDifferences(
        new LastStep({ bidirectional: true }).forward(output),
        h.transpose(0, 1).reshape([3, 8]),
        0,
      ),
    ).toEqual([]);
  });

  test('mistakes', () => {
    expect(() => new MeanPool().forward(zeros([2, 3]))).toThrow(
      `MeanPool.forward: got input f32[2, 3] on ${here}, expected [N, T, D]`,
    );
    expect(() => new LastStep({ bidirectional: true }).forward(zeros([2, 1, 3]))).toThrow(
      `LastStep.forward: got input f32[2, 1, 3] on ${here}, expected an even last axis`,
    );
    const merge: object = { merge: true };
    expect(() => new LastStep(merge)).toThrow('LastStep: got an option merge, expected only bidirectional');
    const words = new PaddedSequence(tensor([[[1]]], { dtype: 'i32' }), [1]);
    expect(() => new MeanPool().forward(words)).toThrow(
      `MeanPool.forward: got i32[1, 1, 1] on ${here}, lengths [1], expected f32 or f64`,
    );
  });
});
