import { describe, expect, test } from 'vitest';
import {
  DTypeError,
  GRU,
  LSTM,
  LSTMCell,
  ones,
  OptionError,
  PaddedSequence,
  randn,
  RNN,
  tensor,
  zeros,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { tensorDifferences } from '../support/near';
import { here } from '../support/devices';

type Recurrent = LSTM | GRU | RNN;

const run = (layer: Recurrent, input: Sequence): { output: Sequence; h: Tensor; c?: Tensor } => layer.forward(input);
const valuesOf = (sequence: Sequence): Tensor => (sequence instanceof PaddedSequence ? sequence.values : sequence);

describe('states', () => {
  test('zeroState has the right shapes, and equals none', async () => {
    const layer = new LSTM({ inputSize: 3, hiddenSize: 5, numLayers: 2, bidirectional: true, projSize: 2 });
    const state = layer.zeroState({ batchSize: 7 });
    expect([state.h.shape, state.c.shape]).toEqual([
      [4, 7, 2],
      [4, 7, 5],
    ]);
    const x = randn([7, 4, 3]);
    expect(await tensorDifferences(layer.forward(x, state).output, layer.forward(x).output, 0)).toEqual([]);
    expect(new GRU({ inputSize: 3, hiddenSize: 5 }).zeroState({ batchSize: 2 }).h.shape).toEqual([1, 2, 5]);
    expect(Object.keys(new RNN({ inputSize: 3, hiddenSize: 5 }).zeroState({ batchSize: 2 }))).toEqual(['h']);
  });

  test('of another shape or dtype are errors', () => {
    const layer = new LSTM({ inputSize: 3, hiddenSize: 5 });
    const x = zeros([2, 4, 3]);
    const { h, c } = layer.zeroState({ batchSize: 2 });
    expect(() => layer.forward(x, layer.zeroState({ batchSize: 3 }))).toThrow(
      `LSTM.forward: got state h f32[1, 3, 5] on ${here}, expected [1, 2, 5], [L·K, N, H].\n` +
        '  Fix: start from zeroState({ batchSize: 2 }).',
    );
    expect(() => layer.forward(x, { h, c: zeros([1, 2, 4]) })).toThrow(
      `LSTM.forward: got state c f32[1, 2, 4] on ${here}, expected [1, 2, 5], [L·K, N, H]`,
    );
    expect(() => layer.forward(x, { h: h.cast('f64'), c })).toThrow(DTypeError);
  });
});

describe('an initial state', () => {
  const sizes = { inputSize: 2, hiddenSize: 3 };
  const forward = (layer: Recurrent, state: unknown): unknown =>
    Reflect.apply(Reflect.get(layer, 'forward'), layer, [ones([1, 2, 2]), state]);
  const h = zeros([1, 1, 3]);
  const twoTensors = 'expected { h, c }, two tensors.\n  Fix: pass { h, c }, as forward and zeroState return them.';
  const oneTensor = 'expected { h }, a tensor.\n  Fix: pass { h }, as forward and zeroState return them.';

  test.each<[what: string, state: unknown, given: string]>([
    ['in an array', [h, h], `state [f32[1, 1, 3] on ${here}, f32[1, 1, 3] on ${here}]`],
    ['bare', h, `state f32[1, 1, 3] on ${here}`],
    ['under other names', { hidden: h, cell: h }, 'state { hidden, cell }, with hidden'],
    ['without c', { h }, 'state { h }, without c'],
    ['without h', { c: h }, 'state { c }, without h'],
    ['of numbers', { h: [0], c: h }, 'state h: [0]'],
    ['that is no object', 7, 'state 7'],
  ])('%s is refused by an LSTM', (_, state, given) => {
    expect(() => forward(new LSTM(sizes), state)).toThrow(OptionError);
    expect(() => forward(new LSTM(sizes), state)).toThrow(`LSTM.forward: got ${given}, ${twoTensors}`);
  });

  test.each(['lengths', 'sequenceLengths', 'mask'])('%s in its place are told of sequences that carry them', (name) => {
    const fix =
      'Fix: let the input carry its lengths: forward(new PaddedSequence(values, lengths)), or forward(pad(sequences))';
    for (const layer of [new LSTM(sizes), new GRU(sizes), new RNN(sizes)])
      for (const lengths of [{ [name]: [2] }, [2], tensor([2], { dtype: 'i32' }), zeros([1, 2], { dtype: 'bool' })])
        expect(() => forward(layer, lengths)).toThrow(fix);
    const cell = new LSTMCell({ inputSize: 2, hiddenSize: 3 });
    expect(() => cell.forward(zeros([1, 2]), { [name]: [2] } as never)).toThrow('new Recurrent(cell)');
    expect(() => forward(new LSTM(sizes), [])).toThrow('Fix: pass { h, c }');
  });

  test.each([new GRU(sizes), new RNN(sizes)])(
    'with c, bare or in an array is refused by a layer without c',
    (layer) => {
      const { name } = layer.constructor;
      expect(() => forward(layer, { h, c: h })).toThrow(OptionError);
      expect(() => forward(layer, { h, c: h })).toThrow(`${name}.forward: got state { h, c }, with c, ${oneTensor}`);
      expect(() => forward(layer, h)).toThrow(`${name}.forward: got state f32[1, 1, 3] on ${here}, ${oneTensor}`);
      expect(() => forward(layer, [h])).toThrow(`${name}.forward: got state [f32[1, 1, 3] on ${here}], ${oneTensor}`);
    },
  );

  test('is what forward returned, with or without its output', async () => {
    for (const layer of [new LSTM(sizes), new GRU(sizes)]) {
      const x = randn([1, 4, 2]);
      const first = run(layer, x);
      const { output, ...next } = first;
      expect(valuesOf(output).shape).toEqual([1, 4, 3]);
      const [bare, whole] = [forward(layer, next), forward(layer, first)] as { h: Tensor }[];
      expect(await whole?.h.data()).toEqual(await bare?.h.data());
      expect(await bare?.h.data()).not.toEqual(await run(layer, ones([1, 2, 2])).h.data());
    }
  });
});
