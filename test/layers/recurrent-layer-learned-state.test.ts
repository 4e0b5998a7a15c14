import { describe, expect, test } from 'vitest';
import { GRU, LSTM, manualSeed, noGrad, PaddedSequence, randn, RNN, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

const values = async (x: Tensor | undefined | null): Promise<number[]> => Array.from((await x?.data()) ?? []);

describeDevices('a learned initial state', (device) => {
  test('is what sequences begin with; a given one comes in its place', async () => {
    manualSeed(1);
    const layer = new LSTM({ inputSize: 2, hiddenSize: 3, numLayers: 2, projSize: 2, learnedState: true }).to(device);
    const plain = new LSTM({ inputSize: 2, hiddenSize: 3, numLayers: 2, projSize: 2 }).to(device);
    const [first, second] = [randn([2, 2], { device }), randn([2, 3], { device })];
    const { initial_h: _, initial_c: __, ...weights } = layer.stateDict();
    plain.loadStateDict(weights);
    layer.loadStateDict({ ...weights, initial_h: first, initial_c: second });
    const x = new PaddedSequence(randn([3, 4, 2], { device }), [4, 0, 2]);
    const rows = (state: Tensor): Tensor => state.unsqueeze(1).expand([2, 3, state.shape[1] ?? 0]);
    const [got, expected] = [layer.forward(x), plain.forward(x, { h: rows(first), c: rows(second) })];
    expect(await values(got.output.values)).toEqual(await values(expected.output.values));
    expect(await values(got.c)).toEqual(await values(expected.c));
    const state = plain.zeroState({ batchSize: 3 });
    expect(await values(layer.forward(x, state).h)).toEqual(await values(plain.forward(x).h));
  });

  test('has gradients, the sum over all rows', async () => {
    const layer = new GRU({ inputSize: 2, hiddenSize: 3, bidirectional: true, learnedState: true }).to(device);
    const x = randn([4, 5, 2], { device });
    layer.forward(x).output.sum().backward();
    const h = layer.zeroState({ batchSize: 4 }).h.requiresGrad_();
    layer.forward(x, { h }).output.sum().backward();
    const [sum, rows] = [await values(layer.initial_h?.grad), await values(h.grad?.sum(1))];
    expect(sum.length).toBe(6);
    sum.forEach((value, i) => expect(value).toBeCloseTo(rows[i] ?? NaN, 5));
  });

  test('begins a stream, and a sequence without rows of their own', async () => {
    const layer = new RNN({ inputSize: 2, hiddenSize: 3, learnedState: true }).to(device);
    layer.loadStateDict({ ...layer.stateDict(), initial_h: randn([1, 3], { device }) });
    const x = randn([4, 2], { device });
    const whole = await values(noGrad(() => layer.forward(x)).h);
    const stream = layer.createStream();
    for (let t = 0; t < 3; t++) await stream.step(x.select(0, t));
    const { data } = await stream.step(x.select(0, 3));
    Array.from(data, (value, i) => expect(value).toBeCloseTo(whole[i] ?? NaN, 5));
  });
});

describe('without it', () => {
  test('there are no such parameters', () => {
    const names = [...new LSTM({ inputSize: 2, hiddenSize: 3 }).namedParameters()].map(([name]) => name);
    expect(names.filter((name) => name.startsWith('initial'))).toEqual([]);
  });
});
