import { test } from 'vitest';
import { manualSeed, type HostArray, type Tensor } from 'stmnet';
import { recurrent, type RecurrentCell } from '../../../src/tensor/ops/recurrent';
import { generate, sizeOf } from '../../support/op-cases';
import { expectGradients, spread } from '../../support/gradients';
import { tolerances } from '../../support/tolerances';

const [rows, steps, features, hidden, layers, directions] = [3, 4, 2, 3, 2, 2] as const;
const gates: Record<RecurrentCell, number> = { lstm: 4, gru: 3, rnnTanh: 1, rnnRelu: 1 };

/** x, h, c and the weights of a stack in the order of the blob, each of repeatable numbers. */
function inputsOf(cell: RecurrentCell): HostArray[] {
  const height = gates[cell] * hidden, state = [layers * directions, rows, hidden], shapes: number[][] = [[rows, steps, features], state, state];
  for (let layer = 0; layer < layers; layer++) for (let k = 0; k < directions; k++) shapes.push([height, layer === 0 ? features : directions * hidden], [height, hidden]);
  for (let bias = 0; bias < 2 * layers * directions; bias++) shapes.push([height]);
  return shapes.map((shape, input) => ({ data: Float64Array.from({ length: sizeOf(shape) }, (_, place) => 0.6 * spread(place, input + 1)), shape: generate(shape, () => 0).shape }));
}

test.each([['lstm', 0], ['lstm', 0.4], ['gru', 0], ['gru', 0.4], ['rnnTanh', 0], ['rnnTanh', 0.4]] as const)(
  'the gradient of %s with dropout %d between its layers is that of differences, lengths with zero included',
  async (cell, dropout) => {
    const run = (...[x, h, c, ...weights]: Tensor[]): Tensor => {
      manualSeed(11); // the same mask each time
      const o = { cell, hiddenSize: hidden, projSize: 0, numLayers: layers, bidirectional: true, bias: true, batchFirst: true, dropout, lengths: [4, 0, 2] };
      if (!x) throw new Error('no input');
      const { output, h: hn, c: cn } = recurrent(x, weights, { ...o, h, c: cell === 'lstm' ? c : undefined });
      const state = hn.square().sum().add(cn ? cn.square().sum() : c ? c.sum() : 0);
      return output.square().sum().add(state);
    };
    await expectGradients(run, inputsOf(cell), tolerances.gradient);
  },
);
