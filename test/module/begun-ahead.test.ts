import { describe, expect, test } from 'vitest';
import {
  defaultDevice,
  emptyCache,
  GRU,
  LSTM,
  manualSeed,
  memory,
  noGrad,
  randn,
  RNN,
  Sequential,
  SGD,
  synchronize,
  tensor,
  type Stream,
  type Tensor,
} from 'stmnet';

const size = 192; // wide enough that a step is worth beginning ahead

type States = { h: Tensor; c?: Tensor };
type Layer = LSTM | GRU | RNN;
const layers: [string, () => Layer][] = [
  ['LSTM', () => new LSTM({ inputSize: 8, hiddenSize: size, numLayers: 2 })],
  ['LSTM with projection', () => new LSTM({ inputSize: 8, hiddenSize: size, numLayers: 3, projSize: 150 })],
  ['GRU', () => new GRU({ inputSize: 8, hiddenSize: size, numLayers: 3, bias: false })],
  ['RNN', () => new RNN({ inputSize: 8, hiddenSize: 400, numLayers: 2, nonlinearity: 'relu' })],
];

/** The same numbers in tensors that nothing was begun from. */
const copied = async (state: States): Promise<States> => {
  const copy = async (x: Tensor): Promise<Tensor> => tensor({ data: await x.data(), shape: x.shape });
  return { h: await copy(state.h), ...(state.c ? { c: await copy(state.c) } : {}) };
};

/** The step from a state, by a call that knows of no stream. */
const plainStep = (layer: Layer, frame: Tensor, state: States | undefined): States & { output: Tensor } =>
  noGrad(() => layer.forward(frame.unsqueeze(1), state as never));

describe('a step that is begun ahead', () => {
  describe.each([1, 3])('of %d sequences', (rows) => {
    test.each(layers)('gives the bits of one that is not: %s', async (_, make) => {
      manualSeed(5);
      const layer = make();
      const stream = layer.createStream({ batchSize: rows });
      for (let step = 0; step < 4; step++) {
        const before = stream.state as States | undefined;
        const frame = randn([rows, 8]);
        const plain = plainStep(layer, frame, before && (await copied(before)));
        expect((await stream.step(frame)).data).toEqual(await plain.output.data());
        const after = stream.state as States;
        expect(await after.h.data()).toEqual(await plain.h.data());
        if (after.c && plain.c) expect(await after.c.data()).toEqual(await plain.c.data());
      }
    });
  });

  test('steps that are not awaited too', async () => {
    const layer = new LSTM({ inputSize: 8, hiddenSize: size, numLayers: 2 });
    const inputs = Array.from({ length: 5 }, () => randn([8]));
    const [one, other] = [layer.createStream(), layer.createStream()];
    const told = await Promise.all(inputs.map((x) => one.step(x)));
    for (const [step, x] of inputs.entries()) expect(await other.step(x)).toEqual(told[step]);
  });

  /** One step, then `change`, then a step of the stream beside a plain one from the same numbers. */
  const afterChange = async (change: (layer: LSTM, stream: Stream) => void): Promise<void> => {
    const layer = new LSTM({ inputSize: 8, hiddenSize: size, numLayers: 2 });
    const stream = layer.createStream({ batchSize: 1 });
    await stream.step(randn([1, 8]));
    change(layer, stream);
    const state = stream.state as States | undefined;
    const frame = randn([1, 8]);
    const plain = plainStep(layer, frame, state && (await copied(state)));
    expect((await stream.step(frame)).data).toEqual(await plain.output.data());
  };

  test('is begun anew where the weights were trained meanwhile', () =>
    afterChange((layer) => {
      const optimizer = new SGD(layer.parameters(), { learningRate: 0.1 });
      layer
        .forward(randn([2, 3, 8]))
        .output.sum()
        .backward();
      optimizer.step();
    }));

  test('and where a parameter was replaced', () =>
    afterChange((layer) => {
      Reflect.set(layer, 'weight_hh_l1', layer.weight_hh_l0);
    }));

  test('and where the state was written, set or reset', async () => {
    await afterChange((_, stream) => noGrad(() => (stream.state as States).h.mul_(0.5)));
    await afterChange((_, stream) => {
      const { h, c } = stream.state as Required<States>;
      stream.state = { h: c.detach().tanh(), c: h };
    });
    await afterChange((_, stream) => stream.reset());
  });

  test('serves the layer that began it alone', async () => {
    const make = (): LSTM => new LSTM({ inputSize: 8, hiddenSize: size, numLayers: 2 });
    const [one, other] = [make(), make()];
    const stream = one.createStream({ batchSize: 1 });
    await stream.step(randn([1, 8]));
    const state = stream.state as States;
    const frame = randn([1, 8]);
    const plain = plainStep(other, frame, await copied(state));
    expect(await plainStep(other, frame, state).output.data()).toEqual(await plain.output.data());
  });

  // Other devices begin no step ahead.
  test.runIf(defaultDevice() === 'cpu')('keeps its bytes with the state, of wide layers only', async () => {
    const heldAfterStep = async (hiddenSize: number): Promise<number> => {
      const model = new Sequential(new LSTM({ inputSize: 8, hiddenSize, numLayers: 2 }));
      const stream = model.createStream();
      await stream.step(randn([8]));
      await synchronize();
      await emptyCache();
      const held = memory().usedBytes;
      stream.reset();
      await synchronize();
      return held - memory().usedBytes;
    };
    const states = 2 * 2 * 4; // bytes a unit: h and c of two layers
    const most = 2 * 512; // more than they take, as memory is dealt out
    expect(await heldAfterStep(16)).toBeLessThanOrEqual(states * 16 + most);
    expect(await heldAfterStep(size)).toBeGreaterThanOrEqual(states * size + 2 * 4 * size * 4);
  });
});
