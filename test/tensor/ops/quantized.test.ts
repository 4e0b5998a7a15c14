// What the ops of 8 bits refuse, each operand by its name.
import { describe, expect, test } from 'vitest';
import { ones, setDefaultDevice, zeros, type Tensor } from 'stmnet';
import {
  mostQuantizedColumns,
  quantizedLinear,
  quantizedRecurrent,
  quantizeRows,
  type QuantizedRecurrentOptions,
} from '../../../src/tensor/ops/quantized';
import { here } from '../../support/devices';

setDefaultDevice('cpu'); // where weights of 8 bits are for

const bytes = (...shape: number[]): Tensor => zeros(shape, { dtype: 'i8' });

/** What a call of `quantizedLinear` of 2 rows, 3 to 4, has in another way. */
interface LinearCall {
  x?: Tensor;
  weight?: Tensor;
  scales?: Tensor;
  bias?: Tensor;
}
const linear = ({ x = ones([2, 3]), weight = bytes(4, 3), scales = ones([4]), bias = ones([4]) }: LinearCall): Tensor =>
  quantizedLinear(x, weight, scales, bias);

/** What a call of `quantizedRecurrent` has in another way: weights and scales by their places. */
interface RecurrentCall extends Partial<QuantizedRecurrentOptions> {
  x?: Tensor;
  weights?: Record<number, Tensor>;
  scales?: Record<number, Tensor>;
}

/** An LSTM of two layers in both directions, projected, on 2 rows of 3 steps of 5 numbers. */
function recurrent({ x = ones([2, 3, 5]), weights = {}, scales = {}, ...options }: RecurrentCall): unknown {
  const [H, P] = [4, 2];
  const layers = [5, 5, 2 * P, 2 * P];
  const matrices = layers.flatMap((width) => [bytes(4 * H, width), bytes(4 * H, P), bytes(P, H)]);
  const rows = matrices.map(({ shape }) => ones(shape.slice(0, 1)));
  const biases = layers.flatMap(() => [ones([4 * H]), ones([4 * H])]);
  return quantizedRecurrent(x, Object.assign(matrices, weights), Object.assign([...rows, ...biases], scales), {
    cell: 'lstm',
    hiddenSize: H,
    projSize: P,
    numLayers: 2,
    bidirectional: true,
    bias: true,
    batchFirst: true,
    ...options,
  });
}

test('what the mistakes below are made of is right', () => {
  expect(linear({}).shape).toEqual([2, 4]);
  expect(recurrent({ h: ones([4, 2, 2]), c: ones([4, 2, 4]), lengths: [3, 1] })).toHaveProperty('c.shape', [4, 2, 4]);
});

test('a matrix has so many columns at most that its sums fit 32 bits', () => {
  expect(mostQuantizedColumns()).toBe(131_072);
  const { numbers, scales } = quantizeRows(ones([1, 131_072]));
  expect(quantizedLinear(ones([1, 131_072]), numbers, scales).shape).toEqual([1, 1]);
});

const wanting = (...shape: number[]): Tensor => ones(shape).requiresGrad_(true);
const inference =
  'expected an input without: weights of 8 bits are for inference.\n' +
  '  Fix: call it inside noGrad(() => …); to train, use the model that was quantised.';
const made = 'Fix: make it by quantizeDynamic(model).';

test.each<[call: () => unknown, message: string]>([
  [
    () => quantizeRows(ones([2, 3]).cast('f64')),
    "quantizeRows: got weight f64[2, 3] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [() => quantizeRows(ones([2])), 'quantizeRows: got weight f32[2] on cpu, expected 2 axes.\n  Fix: reshape it.'],
  [
    () => quantizeRows(ones([1, 131_073])),
    'quantizeRows: got weight f32[1, 131073] on cpu, expected rows of at most 131072.\n  Fix: keep it in f32.',
  ],
  [
    () => linear({ x: ones([2, 3]).cast('f64') }),
    "quantizedLinear: got x f64[2, 3] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [
    () => linear({ x: wanting(2, 3) }),
    `quantizedLinear: got x f32[2, 3] on cpu, whose gradient is wanted, ${inference}`,
  ],
  [
    () => linear({ weight: bytes(3) }),
    'quantizedLinear: got weight i8[3] on cpu, expected 2 axes.\n  Fix: reshape it.',
  ],
  [() => linear({ weight: ones([4, 3]) }), `quantizedLinear: got weight f32[4, 3] on cpu, expected i8.\n  ${made}`],
  [
    () => linear({ x: ones([2, 131_073]), weight: bytes(4, 131_073) }),
    'quantizedLinear: got weight i8[4, 131073] on cpu, expected rows of 1 to 131072.\n  Fix: keep the layer in f32.',
  ],
  [
    () => linear({ x: ones([2, 0]), weight: bytes(4, 0) }),
    'quantizedLinear: got weight i8[4, 0] on cpu, expected rows of 1 to 131072.\n  Fix: keep the layer in f32.',
  ],
  [
    () => linear({ x: ones([2, 5]) }),
    'quantizedLinear: got x f32[2, 5] on cpu and weight i8[4, 3] on cpu, expected the last axis of x to be 3.\n' +
      '  Fix: give the input as many features as the layer has.',
  ],
  [
    () => linear({ scales: ones([3]) }),
    'quantizedLinear: got scales f32[3] on cpu, expected shape [4].\n' +
      '  Fix: one for each row of weight i8[4, 3] on cpu.',
  ],
  [
    () => linear({ scales: ones([4]).cast('f64') }),
    "quantizedLinear: got scales f64[4] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [
    () => linear({ bias: ones([4, 1]) }),
    'quantizedLinear: got bias f32[4, 1] on cpu, expected shape [4].\n' +
      '  Fix: one for each row of weight i8[4, 3] on cpu.',
  ],
  [
    () => linear({ bias: ones([4]).cast('i32') }),
    "quantizedLinear: got bias i32[4] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [
    () => recurrent({ x: ones([2, 3, 5]).cast('f64') }),
    "quantizedRecurrent: got x f64[2, 3, 5] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [
    () => recurrent({ x: wanting(2, 3, 5) }),
    `quantizedRecurrent: got x f32[2, 3, 5] on cpu, whose gradient is wanted, ${inference}`,
  ],
  [
    () => recurrent({ x: ones([2, 5]) }),
    'quantizedRecurrent: got x f32[2, 5] on cpu, expected 3 axes.\n  Fix: reshape it.',
  ],
  [
    () => recurrent({ h: ones([4, 2, 2]).cast('f64') }),
    "quantizedRecurrent: got h f64[4, 2, 2] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [
    () => recurrent({ c: ones([2]).cast('i32') }),
    "quantizedRecurrent: got c i32[2] on cpu, expected dtype f32.\n  Fix: cast it with cast('f32').",
  ],
  [
    () => recurrent({ h: wanting(4, 2, 2) }),
    `quantizedRecurrent: got h f32[4, 2, 2] on cpu, whose gradient is wanted, ${inference}`,
  ],
  [
    () => recurrent({ c: wanting(4, 2, 4) }),
    `quantizedRecurrent: got c f32[4, 2, 4] on cpu, whose gradient is wanted, ${inference}`,
  ],
  [
    () => recurrent({ h: ones([4, 1, 2]) }),
    'quantizedRecurrent: got h f32[4, 1, 2] on cpu, expected [4, 2, 2] ([numLayers · directions, N, size]).\n' +
      '  Fix: make it with zeroState({ batchSize }).',
  ],
  [
    () => recurrent({ c: ones([4, 2, 2]) }),
    'quantizedRecurrent: got c f32[4, 2, 2] on cpu, expected [4, 2, 4] ([numLayers · directions, N, size]).\n' +
      '  Fix: make it with zeroState({ batchSize }).',
  ],
  [
    () => recurrent({ lengths: [3] }),
    'quantizedRecurrent: got 1 lengths, expected 2, one for each row.\n  Fix: pass one length for each row.',
  ],
  [
    () => recurrent({ numLayers: 1 }),
    'quantizedRecurrent: got 12 weights and 20 scales, expected 6 and 10.\n' +
      '  Fix: pass W_ih, W_hh (and W_hr) of each layer and direction; their scales, then b_ih, b_hh of each.',
  ],
  [
    () => recurrent({ weights: { 0: bytes(16, 6) } }),
    `quantizedRecurrent: got weight_ih_l0 i8[16, 6] on cpu, expected i8[16, 5].\n  ${made}`,
  ],
  [
    () => recurrent({ weights: { 4: ones([16, 2]) } }),
    `quantizedRecurrent: got weight_hh_l0_reverse f32[16, 2] on cpu, expected i8[16, 2].\n  ${made}`,
  ],
  [
    () => recurrent({ weights: { 8: bytes(4, 2) } }),
    `quantizedRecurrent: got weight_hr_l1 i8[4, 2] on cpu, expected i8[2, 4].\n  ${made}`,
  ],
  [
    () => recurrent({ scales: { 11: ones([16]) } }),
    `quantizedRecurrent: got weight_hr_l1_reverse_scale f32[16] on cpu, expected f32[2].\n  ${made}`,
  ],
  [
    () => recurrent({ scales: { 12: ones([4]) } }),
    `quantizedRecurrent: got bias_ih_l0 f32[4] on cpu, expected f32[16].\n  ${made}`,
  ],
  [
    () => recurrent({ scales: { 19: bytes(16) } }),
    `quantizedRecurrent: got bias_hh_l1_reverse i8[16] on cpu, expected f32[16].\n  ${made}`,
  ],
  [
    () =>
      recurrent({
        x: ones([1, 1, 131_073]),
        weights: { 0: bytes(16, 131_073), 3: bytes(16, 131_073) },
      }),
    'quantizedRecurrent: got weight_ih_l0 i8[16, 131073] on cpu, expected rows of at most 131072.\n' +
      '  Fix: keep the layer in f32.',
  ],
])('mistake %#', (call, message) => {
  expect(call).toThrow(expect.objectContaining({ message }));
});

describe.runIf(here !== 'cpu')('beside another device', () => {
  const there = (x: Tensor): Tensor => x.to(here);
  const apart = 'expected all tensors on the cpu, where weights of 8 bits are for.';
  const none = 'expected a tensor on the cpu, where weights of 8 bits are for.';

  test.each<[call: () => unknown, message: string]>([
    [() => quantizeRows(there(ones([2, 3]))), `quantizeRows: got weight f32[2, 3] on ${here}, ${none}`],
    [() => linear({ x: there(ones([2, 3])) }), `quantizedLinear: got x f32[2, 3] on ${here}, ${none}`],
    [
      () => linear({ weight: there(bytes(4, 3)) }),
      `quantizedLinear: got weight i8[4, 3] on ${here} beside x f32[2, 3] on cpu, ${apart}`,
    ],
    [
      () => linear({ scales: there(ones([4])) }),
      `quantizedLinear: got scales f32[4] on ${here} beside x f32[2, 3] on cpu, ${apart}`,
    ],
    [
      () => linear({ bias: there(ones([4])) }),
      `quantizedLinear: got bias f32[4] on ${here} beside x f32[2, 3] on cpu, ${apart}`,
    ],
    [() => recurrent({ x: there(ones([2, 3, 5])) }), `quantizedRecurrent: got x f32[2, 3, 5] on ${here}, ${none}`],
    [() => recurrent({ h: there(ones([4, 2, 2])) }), `quantizedRecurrent: got h f32[4, 2, 2] on ${here}, ${none}`],
    [() => recurrent({ c: there(ones([4, 2, 4])) }), `quantizedRecurrent: got c f32[4, 2, 4] on ${here}, ${none}`],
    [
      () => recurrent({ weights: { 1: there(bytes(16, 2)) } }),
      `quantizedRecurrent: got weight_hh_l0 i8[16, 2] on ${here} beside x f32[2, 3, 5] on cpu, ${apart}`,
    ],
    [
      () => recurrent({ scales: { 9: there(ones([16])) } }),
      `quantizedRecurrent: got weight_ih_l1_reverse_scale f32[16] on ${here} beside x f32[2, 3, 5] on cpu, ${apart}`,
    ],
    [
      () => recurrent({ scales: { 13: there(ones([16])) } }),
      `quantizedRecurrent: got bias_hh_l0 f32[16] on ${here} beside x f32[2, 3, 5] on cpu, ${apart}`,
    ],
  ])('mistake %#', (call, message) => {
    expect(call).toThrow(message);
  });
});
