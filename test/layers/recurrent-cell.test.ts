import { describe, expect, test } from 'vitest';
import { DTypeError, GRU, GRUCell, LSTM, LSTMCell, pad, randn, RNN, RNNCell, zeros, type Tensor } from 'stmnet';
import { expectGradients, spreadArray } from '../support/gradients';
import { tensorDifferences } from '../support/near';
import { here } from '../support/devices';

const sizes = { inputSize: 3, hiddenSize: 5 };

/** A layer, a cell with the same weights, and the step that the layer takes. */
const pairs = (): [name: string, layer: LSTM | GRU | RNN, cell: LSTMCell | GRUCell | RNNCell][] => [
  ['LSTM', new LSTM(sizes), new LSTMCell(sizes)],
  ['GRU', new GRU(sizes), new GRUCell(sizes)],
  ['RNN', new RNN(sizes), new RNNCell(sizes)],
  ['RNN of relu', new RNN({ ...sizes, nonlinearity: 'relu' }), new RNNCell({ ...sizes, nonlinearity: 'relu' })],
  ['LSTM without bias', new LSTM({ ...sizes, bias: false }), new LSTMCell({ ...sizes, bias: false })],
];

const shareWeights = (layer: LSTM | GRU | RNN, cell: LSTMCell | GRUCell | RNNCell): void => {
  for (const [name, parameter] of layer.namedParameters()) Reflect.set(cell, name.replace('_l0', ''), parameter);
};

describe.each(pairs())('the cell of %s', (_, layer, cell) => {
  shareWeights(layer, cell);
  const forward = (x: Tensor, state?: { h: Tensor }): { h: Tensor; c?: Tensor } => cell.forward(x, state as never);

  test('takes the steps of the layer', async () => {
    const x = randn([2, 4, 3]);
    const { output } = layer.forward(x);
    let state: { h: Tensor } | undefined;
    for (let step = 0; step < 4; step++) {
      state = forward(x.select(1, step), state);
      expect(state.h.shape).toEqual([2, 5]);
      expect(await tensorDifferences(state.h, output.select(1, step), 1e-6)).toEqual([]);
    }
  });

  test('takes one row without an axis for it', async () => {
    const x = randn([3]);
    const one = forward(x, forward(x));
    const rows = forward(x.unsqueeze(0), forward(x.unsqueeze(0)));
    expect(Object.values(one).map((part) => part.shape)).toEqual(Object.values(one).map(() => [5]));
    expect(await tensorDifferences(one.h, rows.h.squeeze(0), 0)).toEqual([]);
  });

  test('starts from zeros', async () => {
    const x = randn([2, 3]);
    const zero = cell.zeroState({ batchSize: 2 });
    expect(Object.keys(zero)).toEqual(Object.keys(forward(x)));
    expect(await tensorDifferences(forward(x, zero).h, forward(x).h, 0)).toEqual([]);
  });

  test('gives PyTorch names to its parameters', () => {
    const names = Array.from(cell.namedParameters(), ([name, { shape }]) => `${name} ${shape.join('x')}`);
    const expected = Array.from(
      layer.namedParameters(),
      ([name, { shape }]) => `${name.replace('_l0', '')} ${shape.join('x')}`,
    );
    expect(names).toEqual(expected);
  });
});

test.each(pairs())('a gradient goes through the steps of %s as through the layer', async (_, layer, cell) => {
  shareWeights(layer, cell);
  const [x, upstream] = [randn([2, 4, 3]), randn([2, 5])];
  const gradientsOf = (last: Tensor): Tensor[] => {
    for (const parameter of layer.parameters()) parameter.grad = undefined;
    last.backward({ gradient: upstream });
    return layer.parameters().flatMap(({ grad }) => (grad ? [grad.clone()] : []));
  };
  const expected = gradientsOf(layer.forward(x).h.squeeze(0));
  let state: { h: Tensor } | undefined;
  for (const step of x.split(1, 1)) state = cell.forward(step.squeeze(1), state as never);
  const got = gradientsOf((state as { h: Tensor }).h);
  expect(got.length).toBe(layer.parameters().length);
  for (const [i, gradient] of got.entries())
    expect(await tensorDifferences(gradient, expected[i] ?? zeros([]), 1e-5)).toEqual([]);
});

test('a gradient goes to input and states', async () => {
  const cell = new LSTMCell({ ...sizes, dtype: 'f64' });
  await expectGradients(
    (x, h, c) => {
      const first = cell.forward(x, { h, c });
      const second = cell.forward(x, first);
      return second.h.add(second.c);
    },
    [spreadArray([2, 3], 1), spreadArray([2, 5], 2), spreadArray([2, 5], 3)],
  );
});

describe('what does not fit', () => {
  const cell = new LSTMCell(sizes);
  const { h, c } = cell.zeroState({ batchSize: 2 });
  const x = zeros([2, 3]);
  const anyForward = (...given: unknown[]): unknown => Reflect.apply(Reflect.get(cell, 'forward'), cell, given);

  test.each<[what: string, call: () => unknown, message: string]>([
    [
      'a sequence',
      () => cell.forward(zeros([2, 4, 3])),
      `LSTMCell.forward: got input f32[2, 4, 3] on ${here}, expected one step of N rows, [N, 3] (inputSize), ` +
        'or of one, [3].\n  Fix: run it over sequences: new Recurrent(cell).forward(input).',
    ],
    [
      'a PaddedSequence',
      () => anyForward(pad([[[1, 2, 3]]])),
      'expected one step, a Tensor.\n  Fix: run it over sequences: new Recurrent(cell).forward(input).',
    ],
    ['another width', () => cell.forward(zeros([2, 4])), 'expected one step of N rows, [N, 3] (inputSize)'],
    ['no row', () => cell.forward(zeros([0, 3])), 'expected a row.\n  Fix: leave empty batches out.'],
    ['numbers', () => anyForward([1, 2, 3]), 'LSTMCell.forward: got input'],
    [
      'a state of other rows',
      () => cell.forward(zeros([3, 3]), { h, c }),
      `LSTMCell.forward: got state h f32[2, 5] on ${here} for input f32[3, 3] on ${here}, expected [3, 5].\n` +
        '  Fix: start without a state, or from zeroState({ batchSize }).',
    ],
    ['a state without c', () => anyForward(x, { h }), 'expected { h, c }, two tensors.'],
    ['a state that is a tensor', () => anyForward(x, h), 'expected { h, c }, two tensors.'],
    ['no rows of zeros', () => cell.zeroState({ batchSize: 0 }), 'LSTMCell.zeroState: got batchSize: 0'],
    ['an unknown option', () => Reflect.construct(LSTMCell, [{ ...sizes, numLayers: 2 }]), 'LSTMCell: got'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));

  test('is of another dtype', () => {
    expect(() => cell.forward(x.cast('f64'))).toThrow(DTypeError);
    expect(() => cell.forward(x, { h: h.cast('f64'), c })).toThrow(DTypeError);
  });
});
