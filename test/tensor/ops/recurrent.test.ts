import { expect, test } from 'vitest';
import { concat, manualSeed, tensor, zeros, type HostArray, type Tensor } from 'stmnet';
import { recurrent, type CellName } from '../../../src/tensor/ops/recurrent';
import { generate, sizeOf } from '../../support/ops/cases';
import { describeDevices, here } from '../../support/devices';
import { expectGradients, spread } from '../../support/gradients';
import { tolerances } from '../../support/tolerances';

const [rows, steps, features, hidden, layers, directions] = [3, 4, 2, 3, 2, 2] as const;
const gates: Record<CellName, number> = { lstm: 4, gru: 3, rnnTanh: 1, rnnRelu: 1 };

/** x, h, c and the weights of a stack in the order of the blob, each of repeatable numbers. */
function inputsOf(cell: CellName): HostArray[] {
  const height = gates[cell] * hidden,
    state = [layers * directions, rows, hidden],
    shapes: number[][] = [[rows, steps, features], state, state];
  for (let layer = 0; layer < layers; layer++)
    for (let k = 0; k < directions; k++)
      shapes.push([height, layer === 0 ? features : directions * hidden], [height, hidden]);
  for (let bias = 0; bias < 2 * layers * directions; bias++) shapes.push([height]);
  return shapes.map((shape, input) => ({
    data: Float64Array.from({ length: sizeOf(shape) }, (_, place) => 0.6 * spread(place, input + 1)),
    shape: generate(shape, () => 0).shape,
  }));
}

test.each([
  ['lstm', 0],
  ['lstm', 0.4],
  ['gru', 0],
  ['gru', 0.4],
  ['rnnTanh', 0],
  ['rnnTanh', 0.4],
] as const)(
  'the gradient of %s with dropout %d between its layers is that of differences, lengths with zero included',
  async (cell, dropout) => {
    const run = (...[x, h, c, ...weights]: Tensor[]): Tensor => {
      manualSeed(11); // the same mask each time
      const o = {
        cell,
        hiddenSize: hidden,
        projSize: 0,
        numLayers: layers,
        bidirectional: true,
        bias: true,
        batchFirst: true,
        dropout,
        lengths: [4, 0, 2],
      };
      if (!x) throw new Error('no input');
      const { output, h: hn, c: cn } = recurrent(x, weights, { ...o, h, c: cell === 'lstm' ? c : undefined });
      const sumOfC = cn ? cn.square().sum() : (c?.sum() ?? 0);
      const state = hn.square().sum().add(sumOfC);
      return output.square().sum().add(state);
    };
    await expectGradients(run, inputsOf(cell), tolerances.gradient);
  },
);

describeDevices('the weights of a stack', () => {
  /** Copies of the weights as views of one tensor that holds them in this order, `gap` numbers apart. */
  function inOne(weights: readonly Tensor[], order: readonly number[], gap: number): Tensor[] {
    const parts = order.map((place) => weights[place] as Tensor);
    const one = concat(
      parts.flatMap((part) => [part.reshape([part.size]), tensor(new Float64Array(gap))]),
      0,
    );
    const views: Tensor[] = [];
    let at = 0;
    order.forEach((place, i) => {
      const part = parts[i] as Tensor;
      views[place] = one.slice([at], [at + part.size]).reshape(part.shape);
      at += part.size + gap;
    });
    return views;
  }

  test('may lie in one piece, in several, or anyhow: the output is the same to the last bit', async () => {
    const [x, , , ...weights] = inputsOf('lstm').map((input) => tensor(input)) as [Tensor, Tensor, Tensor, ...Tensor[]];
    const places = weights.map((_, place) => place);
    const o = {
      cell: 'lstm' as const,
      hiddenSize: hidden,
      projSize: 0,
      numLayers: layers,
      bidirectional: true,
      bias: true,
      batchFirst: true,
      dropout: 0,
    };
    const outputOf = async (lying: readonly Tensor[]): Promise<unknown> => recurrent(x, lying, o).output.data();
    const expected = await outputOf(inOne(weights, places, 0));
    const pairs = places
      .flatMap((place) => (place % 2 === 0 ? [inOne(weights.slice(place, place + 2), [0, 1], 0)] : []))
      .flat();
    const transposed = weights.map((weight) =>
      weight.shape.length === 2 ? weight.transpose(0, 1).contiguous().transpose(0, 1) : weight,
    );
    for (const lying of [
      weights,
      pairs,
      transposed,
      inOne(weights, places, 3),
      inOne(weights, [...places].reverse(), 0),
    ])
      expect(await outputOf(lying)).toEqual(expected);
  });
});

test('a weight of another shape is named as a layer calls it', () => {
  const [x, ...weights] = [
    [1, 2, 3],
    [8, 3],
    [8, 2],
    [8, 3],
    [8, 3],
  ].map((shape) => zeros(shape));
  const call = () =>
    recurrent(x!, weights, {
      cell: 'lstm',
      hiddenSize: 2,
      projSize: 0,
      numLayers: 1,
      bidirectional: true,
      bias: false,
      batchFirst: true,
      dropout: 0,
    });
  expect(call).toThrow(
    `recurrent: got weight_hh_l0_reverse f32[8, 3] on ${here}, expected f32[8, 2].\n` +
      '  Fix: build the layer with the sizes of its weights, and keep one dtype.',
  );
});
