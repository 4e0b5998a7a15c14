import { describe, expect, test } from 'vitest';
import {
  DataLoader,
  dropout,
  flip,
  GRU,
  Linear,
  LSTM,
  manualSeed,
  MSELoss,
  noGrad,
  ones,
  OptionError,
  pad,
  PaddedSequence,
  randn,
  RNN,
  Sequential,
  SGD,
  ShapeError,
  tensor,
  Trainer,
  zeros,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { differences, tensorDifferences } from '../support/near';
import { here } from '../support/devices';

type Recurrent = LSTM | GRU | RNN;

/** One layer of each cell, with or without backward direction. */
const cells: Record<
  string,
  (options: {
    inputSize: number;
    hiddenSize: number;
    numLayers?: number;
    bidirectional?: boolean;
    batchFirst?: boolean;
    dropout?: number;
  }) => Recurrent
> = {
  lstm: (options) => new LSTM(options),
  projected: (options) => new LSTM({ ...options, projSize: 2 }),
  gru: (options) => new GRU(options),
  'rnn tanh': (options) => new RNN(options),
  'rnn relu': (options) => new RNN({ ...options, nonlinearity: 'relu' }),
};

const run = (layer: Recurrent, input: Sequence): { output: Sequence; h: Tensor; c?: Tensor } => layer.forward(input);
const valuesOf = (sequence: Sequence): Tensor => (sequence instanceof PaddedSequence ? sequence.values : sequence);

describe('parameters', () => {
  test('have PyTorch’s names, shapes and order', () => {
    const layer = new LSTM({ inputSize: 3, hiddenSize: 5, numLayers: 2, bidirectional: true, projSize: 2 });
    expect(Array.from(layer.namedParameters(), ([name, parameter]) => `${name} ${parameter.shape.join()}`)).toEqual(
      ['l0', 'l0_reverse', 'l1', 'l1_reverse'].flatMap((suffix) => {
        const width = suffix.startsWith('l0') ? 3 : 4;
        return [
          `weight_ih_${suffix} 20,${width}`,
          `weight_hh_${suffix} 20,2`,
          `bias_ih_${suffix} 20`,
          `bias_hh_${suffix} 20`,
          `weight_hr_${suffix} 2,5`,
        ];
      }),
    );
    expect(layer.weight_hh_l1_reverse?.requiresGrad).toBe(true);
    expect(Object.keys(new GRU({ inputSize: 3, hiddenSize: 5, bias: false }).stateDict())).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
    ]);
    expect(new GRU({ inputSize: 3, hiddenSize: 5 }).weight_ih_l0?.shape).toEqual([15, 3]);
    expect(new RNN({ inputSize: 3, hiddenSize: 5 }).weight_ih_l0?.shape).toEqual([5, 3]);
  });

  test('start within ±1/√H, spread over it', async () => {
    manualSeed(3);
    const layer = new LSTM({ inputSize: 20, hiddenSize: 25 });
    for (const parameter of layer.parameters()) {
      const values = Array.from(await parameter.data());
      expect(Math.max(...values)).toBeLessThanOrEqual(0.2);
      expect(Math.max(...values)).toBeGreaterThan(0.18);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.2);
      expect(Math.min(...values)).toBeLessThan(-0.18);
    }
  });

  test('have gradients of their own, though they share a buffer', async () => {
    const layer = new LSTM({ inputSize: 3, hiddenSize: 4 });
    layer
      .forward(randn([2, 5, 3]))
      .output.sum()
      .backward();
    const [input, hidden] = [layer.bias_ih_l0?.grad, layer.bias_hh_l0?.grad];
    expect(await input?.data()).toEqual(await hidden?.data());
    noGrad(() => input?.mul_(2));
    const [doubled = 0] = (await input?.data()) ?? [];
    const [once = 0] = (await hidden?.data()) ?? [];
    expect(differences([doubled], [2 * once], 1e-6)).toEqual([]);
  });

  test('a replaced parameter is used', async () => {
    const layer = new RNN({ inputSize: 1, hiddenSize: 1, nonlinearity: 'relu', bias: false });
    const other = new RNN({ inputSize: 1, hiddenSize: 1, bias: false });
    noGrad(() => [layer.weight_hh_l0?.fill_(0), other.weight_ih_l0?.fill_(3)]);
    if (other.weight_ih_l0 !== undefined) layer.weight_ih_l0 = other.weight_ih_l0;
    expect(await layer.forward(ones([1, 2, 1])).output.array()).toEqual([[[3], [3]]]);
  });
});

describe.each(Object.entries(cells))('%s', (_, make) => {
  const sizes = { inputSize: 3, hiddenSize: 4 };

  test('lengths: each row is what the row gives by itself', async () => {
    for (const seed of [1, 2, 3]) {
      manualSeed(seed);
      const layer = make({ ...sizes, numLayers: 2, bidirectional: true });
      const lengths = [4, 0, 6, 1];
      const x = randn([4, 6, 3]);
      const { output, h } = run(layer, new PaddedSequence(x, lengths));
      for (const [row, length] of lengths.entries()) {
        const padding = await valuesOf(output)
          .slice([row, length], [row + 1, null])
          .data();
        expect(
          padding.every((value) => value === 0),
          `seed ${seed}`,
        ).toBe(true);
        const state = h.slice([0, row], [null, row + 1]);
        // A row of length 0 keeps its initial state; there is no run to compare it with.
        const one = length === 0 ? undefined : run(layer, x.slice([row, 0], [row + 1, length]));
        const steps = valuesOf(output).slice([row, 0], [row + 1, length]);
        expect(
          await tensorDifferences(steps, one === undefined ? steps : valuesOf(one.output), 1e-6),
          `seed ${seed}`,
        ).toEqual([]);
        expect(await tensorDifferences(state, one?.h ?? zeros(state.shape), 1e-6), `seed ${seed}`).toEqual([]);
      }
    }
  });

  test('both directions: forward beside the reverse of a run over the reversed steps', async () => {
    manualSeed(5);
    const both = make({ ...sizes, bidirectional: true });
    const [ahead, back] = [make(sizes), make(sizes)];
    const state = Object.entries(both.stateDict());
    ahead.loadStateDict(Object.fromEntries(state.filter(([name]) => !name.endsWith('_reverse'))));
    back.loadStateDict(
      Object.fromEntries(
        state
          .filter(([name]) => name.endsWith('_reverse'))
          .map(([name, value]) => [name.replace('_reverse', ''), value]),
      ),
    );
    const x = randn([2, 5, 3]);
    const output = valuesOf(run(both, x).output);
    const width = (output.shape[2] ?? 0) / 2;
    expect(
      await tensorDifferences(output.slice([0, 0, 0], [null, null, width]), valuesOf(run(ahead, x).output), 1e-6),
    ).toEqual([]);
    expect(
      await tensorDifferences(
        output.slice([0, 0, width], [null, null, null]),
        flip(valuesOf(run(back, flip(x, [1])).output), [1]),
        1e-6,
      ),
    ).toEqual([]);
  });

  test('time-major is batch-first with the axes swapped', async () => {
    manualSeed(6);
    const [first, second] = [make(sizes), make({ ...sizes, batchFirst: false })];
    second.loadStateDict(first.stateDict());
    const x = randn([2, 5, 3]);
    expect(
      await tensorDifferences(
        valuesOf(run(second, x.transpose(0, 1)).output).transpose(0, 1),
        valuesOf(run(first, x).output),
        1e-6,
      ),
    ).toEqual([]);
  });

  test('one sequence without a batch axis', async () => {
    manualSeed(7);
    const layer = make({ ...sizes, numLayers: 2 });
    const x = randn([5, 3]);
    const [alone, batch] = [run(layer, x), run(layer, x.unsqueeze(0))];
    expect(await tensorDifferences(valuesOf(alone.output), valuesOf(batch.output).squeeze(0), 0)).toEqual([]);
    expect(await tensorDifferences(alone.h, batch.h.squeeze(1), 0)).toEqual([]);
  });

  test('dropout acts between layers, in training only', async () => {
    manualSeed(8);
    const layer = make({ ...sizes, numLayers: 2, dropout: 0.5 });
    const plain = make({ ...sizes, numLayers: 2 });
    plain.loadStateDict(layer.stateDict());
    const x = randn([2, 5, 3]);
    const expected = await valuesOf(run(plain, x).output).data();
    expect(await valuesOf(run(layer, x).output).data()).not.toEqual(expected);
    layer.eval();
    expect(differences(await valuesOf(run(layer, x).output).data(), expected, 1e-6)).toEqual([]);
  });

  test('carried states continue a sequence', async () => {
    manualSeed(9);
    const layer = make({ ...sizes, numLayers: 2 });
    const x = randn([2, 6, 3]);
    const whole = run(layer, x);
    const { output, ...state } = run(layer, x.slice([0, 0], [null, 2]));
    expect(valuesOf(output).shape[1]).toBe(2);
    const rest =
      layer instanceof LSTM
        ? layer.forward(x.slice([0, 2], [null, null]), { h: state.h, c: state.c ?? state.h })
        : layer.forward(x.slice([0, 2], [null, null]), { h: state.h });
    expect(await tensorDifferences(rest.output, valuesOf(whole.output).slice([0, 2], [null, null]), 1e-6)).toEqual([]);
    expect(await tensorDifferences(rest.h, whole.h, 1e-6)).toEqual([]);
  });
});

describe('mistakes', () => {
  test('the last axis', () => {
    const forecaster = new LSTM({ inputSize: 1, hiddenSize: 4 });
    const fix = 'Fix: give each step an axis of features, [[1], [2]] in place of [1, 2]:';
    expect(() =>
      forecaster.forward(
        tensor([
          [1, 2],
          [2, 3],
        ]),
      ),
    ).toThrow(
      `LSTM.forward: got input f32[2, 2] on ${here}, expected [N, T, 1] (inputSize), or [T, 1] for one sequence.\n` +
        `  ${fix} x.unsqueeze(-1).`,
    );
    expect(() => forecaster.forward(pad([[1, 2], [3]]))).toThrow(
      `expected [N, T, 1] (inputSize).\n  ${fix} x.map((values) => values.unsqueeze(-1)).`,
    );
    expect(forecaster.forward(pad([[1, 2], [3]]).map((values) => values.unsqueeze(-1))).output.shape).toEqual([
      2, 2, 4,
    ]);
    expect(() => new LSTM({ inputSize: 3, hiddenSize: 4 }).forward(tensor([[1, 2]]))).toThrow(
      `${fix} x.unsqueeze(-1), for a layer with inputSize: 1.`,
    );
    const layer = new LSTM({ inputSize: 128, hiddenSize: 4 });
    expect(() => layer.forward(zeros([32, 50, 96]))).toThrow(ShapeError);
    expect(() => layer.forward(zeros([32, 50, 96]))).toThrow(
      `LSTM.forward: got input f32[32, 50, 96] on ${here}, expected last axis 128 (inputSize).\n` +
        '  Fix: build the layer with inputSize: 96, or put a Linear(96 → 128) before it.',
    );
  });

  test('a batch of rows without steps is not one sequence', async () => {
    const layer = new LSTM({ inputSize: 2, hiddenSize: 4 });
    const items = [
      { input: [1, 2], target: [1] },
      { input: [2, 3], target: [2] },
    ];
    const loader = new DataLoader(items, { batchSize: 2 });
    const message =
      `LSTM.forward: got input f32[2, 2] on ${here}, expected [N, T, 2] (inputSize).\n` +
      '  Fix: give each step an axis of features, [[1], [2]] in place of [1, 2]: x.unsqueeze(-1), ' +
      'for a layer with inputSize: 1; ' +
      'or, where each row is one step, an axis of steps: x.unsqueeze(1).';
    for (const { input } of loader) {
      expect(() => layer.forward(input)).toThrow(message);
      expect(layer.forward(valuesOf(input).unsqueeze(1)).output.shape).toEqual([2, 1, 4]);
    }
    const model = new Sequential(layer, new Linear({ inFeatures: 4, outFeatures: 1 }));
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters()), device: here });
    await expect(trainer.fit(loader, { epochs: 1, progress: false })).rejects.toThrow(message);
    expect(
      layer.forward(
        tensor([
          [1, 2],
          [2, 3],
        ]),
      ).output.shape,
    ).toEqual([2, 4]); // one sequence
  });

  test('rank, dtype and empty batches', () => {
    const layer = new GRU({ inputSize: 3, hiddenSize: 4 });
    expect(() => layer.forward(zeros([3]))).toThrow(
      `GRU.forward: got input f32[3] on ${here}, expected [N, T, D] or [T, D]`,
    );
    expect(() => layer.forward(zeros([2, 4, 3], { dtype: 'f64' }))).toThrow(
      `GRU.forward: got input f64[2, 4, 3] on ${here}, expected f32, as the layer's parameters.\n` +
        "  Fix: cast the input, x.cast('f32'), or build the layer with dtype: 'f64'.",
    );
    for (const dtype of ['i32', 'bool'] as const)
      expect(() => layer.forward(zeros([2, 4, 3], { dtype }))).toThrow(
        `GRU.forward: got input ${dtype}[2, 4, 3] on ${here}, expected f32, as the layer's parameters.\n` +
          "  Fix: cast the input, x.cast('f32').",
      );
    expect(() => layer.forward(zeros([0, 4, 3]))).toThrow(
      `GRU.forward: got input f32[0, 4, 3] on ${here}, expected at least one row, [N, T, D].\n` +
        '  Fix: leave empty batches out.',
    );
    expect(() => layer.forward(new PaddedSequence(zeros([2, 4]), [1, 2]))).toThrow(
      `GRU.forward: got input f32[2, 4] on ${here}, lengths [1, 2], expected [N, T, 3] (inputSize).`,
    );
  });

  test('options', () => {
    const hidden: object = { hidenSize: 3 };
    expect(() => new LSTM({ inputSize: 3, hiddenSize: 4, ...hidden })).toThrow('LSTM: got an option hidenSize');
    expect(() => new LSTM({ inputSize: 0, hiddenSize: 4 })).toThrow(OptionError);
    expect(() => new LSTM({ inputSize: 3, hiddenSize: 4, projSize: 4 })).toThrow(
      'LSTM: got projSize: 4, expected less than hiddenSize, 4',
    );
    expect(() => new GRU({ inputSize: 3, hiddenSize: 4, dropout: 1 })).toThrow(
      'GRU: got dropout: 1, expected a probability in [0, 1) for dropout',
    );
    const sigmoid: object = { nonlinearity: 'sigmoid' };
    expect(() => new RNN({ inputSize: 3, hiddenSize: 4, ...sigmoid })).toThrow(
      "RNN: got nonlinearity: \"sigmoid\", expected one of 'tanh', 'relu'",
    );
  });
});

test('f64 layers compute what f32 layers do', async () => {
  manualSeed(10);
  const [single, double] = [
    new LSTM({ inputSize: 3, hiddenSize: 17 }),
    new LSTM({ inputSize: 3, hiddenSize: 17, dtype: 'f64' }),
  ];
  double.loadStateDict(single.stateDict());
  const x = randn([2, 9, 3]);
  const output = double.forward(x.cast('f64')).output;
  expect(output.dtype).toBe('f64');
  expect(differences(await single.forward(x).output.data(), await output.data(), 1e-5)).toEqual([]);
});

describe('weightDrop', () => {
  const sizes = { inputSize: 3, hiddenSize: 8, numLayers: 2, bidirectional: true };
  const kinds: [name: string, make: (options: { weightDrop?: number }) => Recurrent][] = [
    ['LSTM', (options) => new LSTM({ ...sizes, ...options })],
    ['LSTM with projection', (options) => new LSTM({ ...sizes, projSize: 4, ...options })],
    ['GRU', (options) => new GRU({ ...sizes, ...options })],
    ['RNN', (options) => new RNN({ ...sizes, ...options })],
  ];
  test.each(kinds)('drops recurrent weights of %s, once for all steps and rows', async (_, make) => {
    const [layer, plain] = [make({ weightDrop: 0.4 }), make({})];
    const x = new PaddedSequence(randn([2, 5, 3]), [5, 3]);
    manualSeed(4);
    const got = run(layer, x);
    manualSeed(4);
    plain.loadStateDict(layer.stateDict());
    for (const [name, parameter] of plain.namedParameters())
      if (name.startsWith('weight_hh')) noGrad(() => parameter.copy_(dropout(parameter, 0.4)));
    expect(await tensorDifferences(valuesOf(got.output), valuesOf(run(plain, x).output), 0)).toEqual([]);
    valuesOf(got.output).sum().backward();
    for (const [name, parameter] of layer.namedParameters()) {
      const gradient = Array.from((await parameter.grad?.data()) ?? []);
      const zero = gradient.filter((value) => value === 0).length / gradient.length;
      if (!name.startsWith('weight_hh')) expect(zero, name).toBe(0);
      else expect(Math.abs(zero - 0.4), name).toBeLessThan(0.2);
    }
  });

  test.each(kinds)('passes %s on in evaluation', async (_, make) => {
    const layer = make({ weightDrop: 0.4 });
    const plain = make({});
    plain.loadStateDict(layer.stateDict());
    const x = randn([2, 5, 3]);
    const [got, expected] = [run(layer.eval() as Recurrent, x), run(plain, x)];
    expect(await tensorDifferences(valuesOf(got.output), valuesOf(expected.output), 0)).toEqual([]);
    expect(() => make({ weightDrop: 1 })).toThrow('got weightDrop: 1, expected a probability in [0, 1)');
  });
});
