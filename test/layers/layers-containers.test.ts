import { describe, expect, test } from 'vitest';
import {
  BatchNorm1d,
  Bidirectional,
  GRU,
  Linear,
  LSTM,
  Module,
  OptionError,
  PaddedSequence,
  Residual,
  Sequential,
  Tanh,
  TimeDistributed,
  cumsum,
  manualSeed,
  ones,
  randn,
  tensor,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { tensorDifferences } from '../support/near';
import { here } from '../support/devices';

/** Running sums over time: what comes out of a step depends on all before it. */
class RunningSum extends Module {
  forward(x: Sequence): Sequence {
    return x instanceof PaddedSequence ? x.map((values) => cumsum(values, 1)) : cumsum(x, 1);
  }
}

describe('Sequential', () => {
  test('runs in order, passes a recurrent layer’s output on, and names by place', async () => {
    manualSeed(1);
    const [lstm, linear] = [new LSTM({ inputSize: 2, hiddenSize: 3 }), new Linear({ inFeatures: 3, outFeatures: 1 })];
    const model = new Sequential(lstm, new Tanh(), linear);
    const x = randn([2, 4, 2]);
    const output = model.forward(x);
    if (output instanceof PaddedSequence) throw new Error('expected a tensor');
    expect(await tensorDifferences(output, linear.forward(lstm.forward(x).output.tanh()), 0)).toEqual([]);
    expect(Array.from(model.namedParameters(), ([name]) => name)).toEqual([
      '0.weight_ih_l0',
      '0.weight_hh_l0',
      '0.bias_ih_l0',
      '0.bias_hh_l0',
      '2.weight',
      '2.bias',
    ]);
    expect(model.length).toBe(3);
    expect(model[2]).toBe(linear);
    expect([...model]).toEqual([lstm, model[1], linear]);
    expect(model.forward(new PaddedSequence(x, [1, 4]))).toBeInstanceOf(PaddedSequence);
  });

  test('mistakes', () => {
    expect(() => new Sequential()).toThrow('Sequential: got no layer, expected at least one');
    const list: object = [new Tanh()];
    expect(() => new Sequential(list as Module)).toThrow(OptionError);
    class Word extends Module {
      forward(): string {
        return 'word';
      }
    }
    expect(() => new Sequential(new Word()).forward(ones([1]))).toThrow(
      'Sequential.forward: got "word" from Word, expected a Tensor, a PaddedSequence, or an object with one as output',
    );
  });
});

describe('Residual', () => {
  test('adds the input', async () => {
    const layer = new Residual(new Tanh());
    const [a = 0] = (await layer.forward(tensor([0.5])).data()) ?? [];
    expect(a).toBeCloseTo(0.5 + Math.tanh(0.5), 6);
    const recurrent = new Residual(new GRU({ inputSize: 3, hiddenSize: 3 }));
    const padded = recurrent.forward(new PaddedSequence(ones([2, 4, 3]), [4, 2]).zeroPadding());
    expect(padded.lengths).toEqual([4, 2]);
    expect(await padded.values.slice([1, 2], [null, null]).sum().item()).toBe(0);
  });

  test('refuses another shape', () => {
    expect(() => new Residual(new Linear({ inFeatures: 3, outFeatures: 1 })).forward(ones([2, 3]))).toThrow(
      `Residual.forward: got f32[2, 1] on ${here} from Linear for input f32[2, 3] on ${here}, ` +
        'expected the shape of the input',
    );
  });
});

describe('Bidirectional', () => {
  const x = tensor([
    [[1], [2], [3]],
    [[4], [5], [0]],
  ]);

  test.each([
    [
      'concat',
      [
        [
          [1, 6],
          [3, 5],
          [6, 3],
        ],
        [
          [4, 9],
          [9, 5],
          [0, 0],
        ],
      ],
    ],
    [
      'sum',
      [
        [[7], [8], [9]],
        [[13], [14], [0]],
      ],
    ],
    [
      'mul',
      [
        [[6], [15], [18]],
        [[36], [45], [0]],
      ],
    ],
    [
      'mean',
      [
        [[3.5], [4], [4.5]],
        [[6.5], [7], [0]],
      ],
    ],
  ] as const)('%s, over real steps only', async (merge, expected) => {
    const layer = new Bidirectional(new RunningSum(), new RunningSum(), { merge });
    const output = layer.forward(new PaddedSequence(x, [3, 2]));
    expect(await output.zeroPadding().values.array()).toEqual(expected);
  });

  test('of a tensor all steps are real', async () => {
    expect(await new Bidirectional(new RunningSum(), new RunningSum()).forward(x).array()).toEqual([
      [
        [1, 6],
        [3, 5],
        [6, 3],
      ],
      [
        [4, 9],
        [9, 5],
        [9, 0],
      ],
    ]);
  });

  test('equals a bidirectional LSTM', async () => {
    manualSeed(2);
    const [ahead, back, both] = [
      new LSTM({ inputSize: 2, hiddenSize: 3 }),
      new LSTM({ inputSize: 2, hiddenSize: 3 }),
      new LSTM({ inputSize: 2, hiddenSize: 3, bidirectional: true }),
    ];
    both.loadStateDict({
      ...ahead.stateDict(),
      ...Object.fromEntries(Object.entries(back.stateDict()).map(([name, value]) => [`${name}_reverse`, value])),
    });
    const sequence = new PaddedSequence(randn([3, 5, 2]), [5, 0, 2]);
    expect(
      await tensorDifferences(
        new Bidirectional(ahead, back).forward(sequence).values,
        both.forward(sequence).output.values,
        1e-6,
      ),
    ).toEqual([]);
  });

  test('mistakes', () => {
    const merge: object = { merge: 'cat' };
    expect(() => new Bidirectional(new RunningSum(), new RunningSum(), merge)).toThrow(
      "Bidirectional: got merge: \"cat\", expected one of 'concat', 'sum', 'mul', 'mean'",
    );
    const uneven = new Bidirectional(
      new Linear({ inFeatures: 1, outFeatures: 2 }),
      new Linear({ inFeatures: 1, outFeatures: 3 }),
      { merge: 'sum' },
    );
    expect(() => uneven.forward(x)).toThrow(
      `Bidirectional.forward: got outputs f32[2, 3, 2] on ${here} and f32[2, 3, 3] on ${here}, ` +
        'expected the same shape from both directions',
    );
  });
});

describe('TimeDistributed', () => {
  /** Takes a matrix [M, A, B] to [M, A·B]: knows nothing of time. */
  class Flatten extends Module {
    forward(x: Tensor): Tensor {
      return x.flatten(1);
    }
  }

  test('applies a module to each step', async () => {
    const layer = new TimeDistributed(new Flatten());
    expect(layer.forward(ones([2, 3, 4, 5])).shape).toEqual([2, 3, 20]);
    expect(layer.forward(new PaddedSequence(ones([2, 3, 4, 5]), [3, 1])).shape).toEqual([2, 3, 20]);
  });

  test('shows the module real steps only', async () => {
    const norm = new BatchNorm1d({ numFeatures: 1 });
    const values = tensor(
      [
        [[1], [3], [100]],
        [[5], [100], [100]],
      ],
      { requiresGrad: true },
    );
    const output = new TimeDistributed(norm).forward(new PaddedSequence(values, [2, 1]));
    const direct = norm.forward(tensor([[1], [3], [5]]));
    const [a, b, c] = await direct.data();
    expect(await output.values.array()).toEqual([
      [[a], [b], [0]],
      [[c], [0], [0]],
    ]);
    output.values.sum().backward();
    const gradient = (await values.grad?.data()) ?? [];
    expect([gradient[2], gradient[4], gradient[5]]).toEqual([0, 0, 0]);
  });

  test('mistakes', () => {
    expect(() => new TimeDistributed(new Tanh()).forward(ones([2]))).toThrow(
      `TimeDistributed.forward: got input f32[2] on ${here}, expected [N, T, …]`,
    );
    class Sum extends Module {
      forward(x: Tensor): Tensor {
        return x.sum(0);
      }
    }
    expect(() => new TimeDistributed(new Sum()).forward(ones([2, 3, 1]))).toThrow(
      `got f32[1] on ${here} from Sum for steps f32[6, 1] on ${here}, expected a tensor of one row a step`,
    );
  });
});
