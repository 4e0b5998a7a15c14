// Layers with weights of 8 bits, against the same in plain JavaScript, and against themselves: a row alone, a step
// alone, a layer alone and a direction alone give the bits that they give together.
import { describe, expect, test } from 'vitest';
import * as stm from 'stmnet';
import {
  GRU,
  Linear,
  LSTM,
  manualSeed,
  noGrad,
  PaddedSequence,
  quantizeDynamic,
  randn,
  RNN,
  setDefaultDevice,
  tensor,
  type Tensor,
} from 'stmnet';
import { quantizedLinear, quantizeRows } from '../../src/tensor/ops/quantized';

setDefaultDevice('cpu'); // where weights of 8 bits are for

/** The scores of the kernels are f32: a few roundings. */
const tolerance = 4e-6;

/** A row rounded to 8 bits. */
function rounded(row: readonly number[]): { values: number[]; scale: number } {
  const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const factor = largest > 0 ? Math.fround(127 / largest) : 0;
  return { values: row.map((value) => Math.round(Math.fround(value * factor))), scale: largest / 127 };
}

const rowsOf = (numbers: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: numbers.length / width }, (_, row) =>
    Array.from({ length: width }, (__, column) => numbers[row * width + column] ?? NaN),
  );

/** A weight as the layer keeps it: rows of whole numbers, and their scales. */
interface Matrix {
  rows: number[][];
  scales: number[];
}
const matrixOf = async (weight: Tensor, scale: Tensor): Promise<Matrix> => {
  expect([weight.dtype, scale.dtype]).toEqual(['i8', 'f32']);
  return { rows: rowsOf(await weight.data(), weight.shape[1] ?? 1), scales: [...(await scale.data())] };
};

function product(x: readonly number[], { rows, scales }: Matrix): number[] {
  const { values, scale } = rounded(x);
  return rows.map(
    (row, at) => row.reduce((sum, w, k) => sum + w * (values[k] ?? NaN), 0) * scale * (scales[at] ?? NaN),
  );
}

const near = (got: ArrayLike<number>, expected: readonly number[]): void => {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, at) =>
    expect(Math.abs((got[at] ?? NaN) - value)).toBeLessThan(tolerance * (1 + Math.abs(value))),
  );
};

test('rows of a weight are rounded by their largest number', async () => {
  const linear = new Linear({ inFeatures: 3, outFeatures: 3 });
  stm.noGrad(() =>
    stm.copy_(
      linear.weight,
      tensor([
        [0.5, -1, 0.2],
        [0, 0, 0],
        [3, 2.9, -3],
      ]),
    ),
  );
  const { model } = quantizeDynamic(linear);
  expect(await model.weight.array()).toEqual([
    [64, -127, 25],
    [0, 0, 0],
    [127, 123, -127],
  ]);
  near(await model.weight_scale.data(), [1 / 127, 0, 3 / 127]);
  expect(await model.bias?.data()).toEqual(await linear.bias?.data());
});

test('a view of a weight is another weight, whichever comes first', async () => {
  manualSeed(4);
  const { numbers: weight, scales } = quantizeRows(randn([128, 40]));
  const x = randn([3, 40]);
  const product = async (rows: number): Promise<number[]> => [
    ...(await quantizedLinear(x, weight.slice([0], [rows]), scales.slice([0], [rows])).data()),
  ];
  const parts = { before: await product(32), whole: await product(128), after: await product(32) };
  expect(parts.after).toEqual(parts.before);
  for (let row = 0; row < 3; ++row)
    expect(parts.whole.slice(row * 128, row * 128 + 32)).toEqual(parts.before.slice(row * 32, row * 32 + 32));
});

test('QuantizedLinear of no rows', async () => {
  const { model } = quantizeDynamic(new Linear({ inFeatures: 5, outFeatures: 3 }));
  const y = noGrad(() => model.forward(randn([0, 5])));
  expect([y.shape, (await y.data()).length]).toEqual([[0, 3], 0]);
});

test('a compiled step sees weights that have changed', async () => {
  manualSeed(5);
  const { model } = quantizeDynamic(new Linear({ inFeatures: 5, outFeatures: 3 }));
  const { model: other } = quantizeDynamic(new Linear({ inFeatures: 5, outFeatures: 3 }));
  const step = stm.compile((x: Tensor) => noGrad(() => model.forward(x)));
  const x = randn([2, 5]);
  for (let call = 0; call < 3; ++call)
    expect(await step(x).data()).toEqual(await noGrad(() => model.forward(x)).data());
  model.loadStateDict(other.stateDict());
  expect(await step(x).data()).toEqual(await noGrad(() => other.forward(x)).data());
  expect(step.replays).toBeGreaterThan(0);
});

test.each([
  [1, 5, 3],
  [4, 33, 70],
  [130, 17, 9],
])('QuantizedLinear of %i rows, %i to %i', async (rows, inFeatures, outFeatures) => {
  manualSeed(1);
  const { model } = quantizeDynamic(new Linear({ inFeatures, outFeatures }));
  const x = randn([rows, inFeatures]);
  const weight = await matrixOf(model.weight, model.weight_scale);
  const bias = [...((await model.bias?.data()) ?? [])];
  const expected = rowsOf(await x.data(), inFeatures).flatMap((row) =>
    product(row, weight).map((sum, at) => sum + (bias[at] ?? NaN)),
  );
  near(await model.forward(x).data(), expected);
});

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The next h, and c, of one row: from the h that the layer itself gave, whose last bit decides how it is rounded. */
type PlainCell = (input: number[], state: number[], h: number[], c: number[]) => number[];
const cells: Record<'LSTM' | 'GRU' | 'RNN', PlainCell> = {
  LSTM: (input, state, h, c) => {
    const H = c.length;
    const sum = (gate: number, unit: number): number =>
      (input[gate * H + unit] ?? NaN) + (state[gate * H + unit] ?? NaN);
    return c.map((before, unit) => {
      const cell = sigmoid(sum(1, unit)) * before + sigmoid(sum(0, unit)) * Math.tanh(sum(2, unit));
      c[unit] = cell;
      return sigmoid(sum(3, unit)) * Math.tanh(cell);
    });
  },
  GRU: (input, state, h) =>
    h.map((before, unit) => {
      const H = h.length;
      const sum = (gate: number): number => (input[gate * H + unit] ?? NaN) + (state[gate * H + unit] ?? NaN);
      const z = sigmoid(sum(1));
      const n = Math.tanh((input[2 * H + unit] ?? NaN) + sigmoid(sum(0)) * (state[2 * H + unit] ?? NaN));
      return (1 - z) * n + z * before;
    }),
  RNN: (input, state) => input.map((value, unit) => Math.tanh(value + (state[unit] ?? NaN))),
};

const classes = { LSTM, GRU, RNN };

test.each(['LSTM', 'GRU', 'RNN'] as const)('the steps of a Quantized%s', async (name) => {
  manualSeed(2);
  const [rows, steps, inputSize, hiddenSize] = [3, 5, 7, 20];
  const { model } = quantizeDynamic(new classes[name]({ inputSize, hiddenSize }));
  const x = randn([rows, steps, inputSize]);
  const output = rowsOf(await model.forward(x).output.data(), hiddenSize);
  const field = async (field: string): Promise<number[]> => [...(await (Reflect.get(model, field) as Tensor).data())];
  const matrix = (kind: string): Promise<Matrix> =>
    matrixOf(
      Reflect.get(model, `weight_${kind}_l0`) as Tensor,
      Reflect.get(model, `weight_${kind}_l0_scale`) as Tensor,
    );
  const [ih, hh, bih, bhh] = [
    await matrix('ih'),
    await matrix('hh'),
    await field('bias_ih_l0'),
    await field('bias_hh_l0'),
  ];
  const inputs = rowsOf(await x.data(), inputSize);
  for (let row = 0; row < rows; row++) {
    const c = new Array<number>(hiddenSize).fill(0);
    for (let step = 0; step < steps; step++) {
      const at = row * steps + step;
      const before = step === 0 ? new Array<number>(hiddenSize).fill(0) : output[at - 1]!;
      const input = product(inputs[at]!, ih).map((sum, g) => sum + (bih[g] ?? NaN));
      const state = product(before, hh).map((sum, g) => sum + (bhh[g] ?? NaN));
      near(output[at]!, cells[name](input, state, before, c));
    }
  }
});

const kinds: [title: string, make: () => LSTM | GRU | RNN][] = [
  ['LSTM', () => new LSTM({ inputSize: 6, hiddenSize: 20, numLayers: 2 })],
  ['projected LSTM', () => new LSTM({ inputSize: 6, hiddenSize: 20, numLayers: 2, projSize: 9 })],
  ['LSTM of both directions', () => new LSTM({ inputSize: 6, hiddenSize: 20, numLayers: 2, bidirectional: true })],
  ['LSTM that learns its state', () => new LSTM({ inputSize: 6, hiddenSize: 20, learnedState: true })],
  ['GRU', () => new GRU({ inputSize: 6, hiddenSize: 20, numLayers: 2, bias: false })],
  ['GRU of both directions', () => new GRU({ inputSize: 6, hiddenSize: 20, bidirectional: true })],
  ['RNN', () => new RNN({ inputSize: 6, hiddenSize: 20, nonlinearity: 'relu' })],
];
type Run = { output: stm.Sequence; h: Tensor; c?: Tensor };
const run = (layer: stm.Module, x: stm.Sequence, state?: unknown): Run =>
  noGrad(() => (layer.forward as (x: stm.Sequence, state?: unknown) => Run)(x, state));
const disturbed = <L extends stm.Module>(layer: L): L => {
  for (const [name, parameter] of layer.namedParameters())
    if (name.startsWith('initial')) noGrad(() => stm.copy_(parameter, randn(parameter.shape)));
  return layer;
};

describe.each(kinds)('a quantised %s', (_, make) => {
  const lengths = [2, 5, 0, 1];
  const both = (): { layer: LSTM | GRU | RNN; quantized: stm.Module; x: Tensor } => {
    manualSeed(3);
    const layer = disturbed(make());
    return { layer, quantized: quantizeDynamic<stm.Module>(layer).model, x: randn([4, 5, 6]) };
  };

  test('is near the layer that it was made of', async () => {
    const { layer, quantized, x } = both();
    const [ours, theirs] = [run(quantized, x), run(layer.eval(), x)];
    for (const part of ['output', 'h', 'c'] as const) {
      if (theirs[part] === undefined) continue;
      const [got, expected] = [Array.from(await ours[part]!.data()), Array.from(await theirs[part].data())];
      const worst = got.reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? NaN))), 0);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(worst / largest).toBeLessThan(0.03);
      expect(worst).toBeGreaterThan(0); // else nothing was rounded
    }
  });

  test('gives a row of a batch the bits that it has alone, whatever is in the padding', async () => {
    const { quantized, x } = both();
    const values = stm.where(new PaddedSequence(x, lengths).mask().unsqueeze(-1), x, stm.full([4, 5, 6], NaN));
    const all = run(quantized, new PaddedSequence(values, lengths));
    for (const [row, length] of lengths.entries()) {
      const one = run(quantized, x.slice([row, 0], [row + 1, length]));
      const own = (all.output as PaddedSequence).values.slice([row, 0], [row + 1, length]);
      expect(await own.data()).toEqual(await (one.output as Tensor).data());
      for (const part of ['h', 'c'] as const)
        if (all[part]) expect(await all[part].slice([0, row], [null, row + 1]).data()).toEqual(await one[part]!.data());
    }
    const past = (all.output as PaddedSequence).values.slice([0, 2], [1, 5]);
    expect(await past.abs().sum().item()).toBe(0);
  });

  test('step by step gives the bits of the sequence', async () => {
    const { layer, quantized, x } = both();
    if (layer.options.bidirectional) return;
    const all = run(quantized, x).output as Tensor;
    let state: unknown;
    for (let step = 0; step < 5; step++) {
      const { output, ...next } = run(quantized, x.slice([0, step], [4, step + 1]), state);
      expect(await output.data()).toEqual(await all.slice([0, step], [4, step + 1]).data());
      state = next;
    }
  });

  test('takes time first as well, and no steps at all', async () => {
    const { layer, quantized, x } = both();
    const options = { ...layer.options, batchFirst: false };
    const turned = new (layer.constructor as typeof LSTM)(options as never);
    turned.loadStateDict(layer.stateDict());
    const other = run(quantizeDynamic<stm.Module>(turned).model, x.transpose(0, 1));
    expect(await (other.output as Tensor).transpose(0, 1).contiguous().data()).toEqual(
      await run(quantized, x).output.data(),
    );
    const none = run(quantized, x.slice([0, 0], [4, 0]));
    expect(none.output.shape).toEqual([4, 0, ...run(quantized, x).output.shape.slice(2)]);
    expect(none.h.shape).toEqual(run(quantized, x).h.shape);
  });
});

test.each([
  ['LSTM', 9],
  ['GRU', undefined],
] as const)('a row of a batch of a %s that takes long sequences in blocks of steps', async (name, projSize) => {
  manualSeed(4);
  const options = { inputSize: 3, hiddenSize: 40, bidirectional: true };
  const layer = name === 'LSTM' ? new LSTM({ ...options, projSize }) : new GRU(options);
  const { model: quantized } = quantizeDynamic<stm.Module>(layer);
  const lengths = [333, 0, 900, 1, 899]; // alone some are one block, and others end at other steps than in the batch
  const x = randn([5, 900, 3]);
  const all = run(quantized, new PaddedSequence(x, lengths));
  for (const [row, length] of lengths.entries()) {
    const one = run(quantized, x.slice([row, 0], [row + 1, length]));
    const own = (all.output as PaddedSequence).values.slice([row, 0], [row + 1, length]);
    expect(await own.data()).toEqual(await (one.output as Tensor).data());
    expect(await all.h.slice([0, row], [null, row + 1]).data()).toEqual(await one.h.data());
  }
});

test.each([4, 1_200])('each direction, and each layer, gives the bits that it has alone: %i steps', async (steps) => {
  manualSeed(4);
  const stack = new LSTM({ inputSize: 6, hiddenSize: 10, numLayers: 2, bidirectional: true });
  const part = (inputSize: number, layer: number, suffix: string): stm.QuantizedLSTM => {
    const one = new LSTM({ inputSize, hiddenSize: 10 });
    const state = stack.stateDict();
    const names = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'];
    one.loadStateDict(Object.fromEntries(names.map((name) => [`${name}_l0`, state[`${name}_l${layer}${suffix}`]!])));
    return quantizeDynamic(one).model;
  };
  const x = randn([3, steps, 6]);
  const both = (layer: number, input: Tensor): Tensor => {
    const width = input.shape[2] ?? 0;
    const ahead = part(width, layer, '').forward(input).output;
    const back = part(width, layer, '_reverse')
      .forward(input.flip([1]))
      .output.flip([1]);
    return stm.concat([ahead, back], 2);
  };
  const expected = noGrad(() => both(1, both(0, x)));
  expect(await quantizeDynamic(stack).model.forward(x).output.data()).toEqual(await expected.data());
});

test('padding of a QuantizedLinear stays zero, and rows that are not finite spoil no others', async () => {
  manualSeed(5);
  const { model } = quantizeDynamic(new Linear({ inFeatures: 2, outFeatures: 2 }));
  const x = tensor([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [NaN, Infinity],
    ],
  ]);
  const padded = model.forward(new PaddedSequence(x, [2, 1]));
  expect((await padded.values.data()).slice(6)).toEqual(Float32Array.of(0, 0));
  const plain = await model.forward(x).data();
  expect(plain.slice(0, 6)).toEqual((await padded.values.data()).slice(0, 6));
  expect(plain.slice(6)).toEqual(Float32Array.of(NaN, NaN));
});

describe('mistakes', () => {
  const lstm = (): stm.QuantizedLSTM => quantizeDynamic(new LSTM({ inputSize: 2, hiddenSize: 3 })).model;
  test.each<[string, () => unknown, string]>([
    [
      'training',
      () =>
        lstm()
          .train()
          .forward(randn([1, 2, 2])),
      'QuantizedLSTM.forward: got a layer in training, whose weights have 8 bits and no gradients, expected ' +
        'evaluation.\n  Fix: call model.eval(); to train, go on with the model that was quantised, and quantise it ' +
        'again.',
    ],
    [
      'a gradient that is wanted',
      () => lstm().forward(randn([1, 2, 2]).requiresGrad_(true)),
      'QuantizedLSTM.forward: got x f32[1, 2, 2] on cpu, whose gradient is wanted, expected an input without: ' +
        'weights of 8 bits are for inference.\n  Fix: call it inside noGrad(() => …); to train, use the model that ' +
        'was quantised.',
    ],
    [
      'another width',
      () => quantizeDynamic(new Linear({ inFeatures: 2, outFeatures: 3 })).model.forward(randn([1, 3])),
      'QuantizedLinear.forward: got input f32[1, 3] on cpu, expected last axis 2 (inFeatures).\n' +
        '  Fix: give it what the Linear took that it was made of.',
    ],
    [
      'another dtype',
      () => lstm().forward(randn([1, 2, 2]).cast('f64')),
      "QuantizedLSTM.forward: got input f64[1, 2, 2] on cpu, expected f32, as the layer's parameters.\n" +
        "  Fix: cast the input, x.cast('f32').",
    ],
    [
      'a plain tensor in the place of a buffer',
      () => Reflect.set(lstm(), 'weight_ih_l0', randn([12, 2])),
      'QuantizedLSTM.weight_ih_l0: got f32[12, 2] on cpu in the place of a BufferTensor, expected a BufferTensor, or ' +
        'undefined to leave it out.\n  Fix: wrap the tensor, new BufferTensor(tensor), or write its values into the ' +
        'one there is: noGrad(() => copy_(buffer, tensor)).',
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
