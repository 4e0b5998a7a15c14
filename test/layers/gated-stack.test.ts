import { expect, test } from 'vitest';
import { GRU, init, LSTM, manualSeed, PaddedSequence, randn, Sequential, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

const values = async (x: Tensor | undefined): Promise<number[]> => Array.from((await x?.data()) ?? []);
const close = (a: readonly number[], b: readonly number[]): void => {
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => expect(value, `${i}`).toBeCloseTo(b[i] ?? NaN, 5));
};

describeDevices('variants of a cell', (device) => {
  const x = (): Tensor => randn([3, 4, 2], { device });
  const ragged = (): PaddedSequence => new PaddedSequence(x(), [4, 0, 2]);

  test('are the plain cell where what they add is nothing', async () => {
    manualSeed(3);
    const sizes = { inputSize: 2, hiddenSize: 5, numLayers: 2, bidirectional: true };
    const plain = new LSTM(sizes).to(device);
    const other = new LSTM({ ...sizes, peephole: true, returnCells: true }).to(device);
    const peepholes = [...other.namedParameters()].filter(([name]) => name.startsWith('weight_peephole'));
    other.loadStateDict({
      ...plain.stateDict(),
      ...Object.fromEntries(peepholes.map(([name, x]) => [name, x.mul(0)])),
    });
    const input = ragged();
    const state = { h: randn([4, 3, 5], { device }), c: randn([4, 3, 5], { device }) };
    const [expected, got] = [plain.forward(input, state), other.forward(input, state)];
    close(await values(got.output.values), await values(expected.output.values));
    close(await values(got.h), await values(expected.h));
    close(await values(got.c), await values(expected.c));
    expect(expected.cells).toBeUndefined();
    // The last layer's c at each row's end, forwards, is its state.
    const cells = await values(got.cells?.values);
    const c = await values(got.c);
    close(cells.slice(3 * 10, 3 * 10 + 5), c.slice(2 * 15, 2 * 15 + 5));
  });

  test('have layouts and states as the plain ones', async () => {
    manualSeed(4);
    const options = { inputSize: 2, hiddenSize: 5, layerNorm: true, recurrentDropout: 0.5, zoneout: 0.25 };
    const first = new GRU(options).to(device).eval();
    const timeFirst = new GRU({ ...options, batchFirst: false }).to(device).eval();
    timeFirst.loadStateDict(first.stateDict());
    const input = x();
    const expected = first.forward(input);
    const other = timeFirst.forward(input.transpose(0, 1));
    expect(other.output.shape).toEqual([4, 3, 5]);
    close(await values(other.output.transpose(0, 1).contiguous()), await values(expected.output));
    const one = first.forward(input.select(0, 1));
    expect(one.output.shape).toEqual([4, 5]);
    expect(one.h.shape).toEqual([1, 5]);
    close(await values(one.output), (await values(expected.output)).slice(20, 40));
  });

  test('give a row alone what it has beside longer ones, normed too', async () => {
    manualSeed(7);
    const model = new LSTM({ inputSize: 2, hiddenSize: 6, numLayers: 2, bidirectional: true, layerNorm: true });
    model.to(device);
    const batch = ragged();
    const { output, h, c } = model.forward(batch);
    for (const [row, length] of [4, 0, 2].entries()) {
      if (length === 0) continue;
      const alone = model.forward(batch.values.slice([row, 0], [row + 1, length]));
      close(await values(alone.output), await values(output.values.slice([row, 0], [row + 1, length]).contiguous()));
      close(await values(alone.h), await values(h.slice([0, row], [4, row + 1]).contiguous()));
      close(await values(alone.c), await values(c.slice([0, row], [4, row + 1]).contiguous()));
    }
  });

  test('go on from a state as in one go, and step by step in a stream', async () => {
    manualSeed(5);
    const model = new LSTM({
      inputSize: 2,
      hiddenSize: 4,
      layerNorm: true,
      peephole: true,
      zoneout: 0.3,
      zoneoutCell: 0.1,
    });
    model.to(device).eval();
    const input = x();
    const whole = model.forward(input);
    const { output: __, ...half } = model.forward(input.slice([0, 0], [3, 2]));
    const rest = model.forward(input.slice([0, 2], [3, 4]), half);
    close(await values(rest.h), await values(whole.h));
    const stream = model.createStream({ batchSize: 3 });
    for (let t = 0; t < 3; t++) await stream.step(input.select(1, t));
    close(Array.from((await stream.step(input.select(1, 3))).data), await values(whole.h));
  });

  test('an LSTM that tells its cells goes on as any other', async () => {
    manualSeed(8);
    const model = new LSTM({ inputSize: 2, hiddenSize: 4, returnCells: true }).to(device).eval();
    const input = x();
    const whole = model.forward(input);
    const first = model.forward(input.slice([0, 0], [3, 2]));
    close(await values(model.forward(input.slice([0, 2], [3, 4]), first).h), await values(whole.h));
    for (const stepped of [model, new Sequential(model)]) {
      const stream = stepped.createStream({ batchSize: 3 });
      for (let t = 0; t < 3; t++) await stream.step(input.select(1, t));
      close(Array.from((await stream.step(input.select(1, 3))).data), await values(whole.h));
    }
  });

  test('draw in training, and not in evaluation', async () => {
    for (const option of [{ recurrentDropout: 0.5 }, { zoneout: 0.5 }, { zoneoutCell: 0.5 }]) {
      const model = new LSTM({ inputSize: 2, hiddenSize: 8, ...option }).to(device);
      const input = x();
      const told = async (): Promise<number[]> => values(model.forward(input).output);
      expect(await told()).not.toEqual(await told());
      model.eval();
      expect(await told()).toEqual(await told());
    }
  });

  test('a zoned-out unit keeps its value, the others are as without', async () => {
    manualSeed(6);
    const model = new GRU({ inputSize: 2, hiddenSize: 30, zoneout: 0.5 }).to(device);
    const plain = new GRU({ inputSize: 2, hiddenSize: 30 }).to(device);
    plain.loadStateDict(model.stateDict());
    const [input, h] = [randn([1, 1, 2], { device }), randn([1, 1, 30], { device })];
    const got = await values(model.forward(input, { h }).h);
    const [kept, fresh] = [await values(h), await values(plain.forward(input, { h }).h)];
    const zoned = got.filter((value, i) => value === kept[i]).length;
    expect(zoned).toBeGreaterThan(5);
    expect(zoned).toBeLessThan(25);
    got.forEach((value, i) => {
      if (value !== kept[i]) expect(value).toBeCloseTo(fresh[i] ?? NaN, 6);
    });
  });
});

test('parameters of their own stand behind those of their layer', () => {
  const model = new LSTM({
    inputSize: 2,
    hiddenSize: 3,
    numLayers: 2,
    layerNorm: true,
    peephole: true,
    coupledGates: true,
  });
  expect([...model.namedParameters()].map(([name, { shape }]) => `${name} ${shape.join()}`).slice(0, 9)).toEqual([
    'weight_ih_l0 9,2',
    'weight_hh_l0 9,3',
    'bias_ih_l0 9',
    'bias_hh_l0 9',
    'weight_norm_ih_l0 9',
    'weight_norm_hh_l0 9',
    'weight_norm_c_l0 3',
    'bias_norm_c_l0 3',
    'weight_peephole_l0 3,3',
  ]);
});

test('the biases of coupled gates', async () => {
  const model = new LSTM({ inputSize: 2, hiddenSize: 3, coupledGates: true, layerNorm: true });
  init.setForgetBias(model, 2);
  expect((await values(model.bias_ih_l0)).slice(0, 3)).toEqual([2, 2, 2]);
  expect((await values(model.bias_hh_l0)).slice(0, 3)).toEqual([0, 0, 0]);
  init.setChronoBias(model, { maxSteps: 10 });
  for (const value of (await values(model.bias_ih_l0)).slice(0, 3)) expect(value).toBeLessThanOrEqual(Math.log(9));
});

test('what does not go together is refused', () => {
  const sizes = { inputSize: 2, hiddenSize: 3 };
  expect(() => new LSTM({ ...sizes, peephole: true, projSize: 2 })).toThrow('got peephole: true with projSize: 2');
  expect(() => new GRU({ ...sizes, zoneout: 0.1, resetAfter: false, layerNorm: true })).toThrow(
    'got layerNorm: true with resetAfter: false',
  );
  expect(() => new LSTM({ ...sizes, zoneout: 1 })).toThrow('zoneout');
  expect(() => Reflect.construct(GRU, [{ ...sizes, peephole: true }])).toThrow('got an option peephole');
});
