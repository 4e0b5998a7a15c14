import { describe, expect, test } from 'vitest';
import {
  Bidirectional,
  Conv1d,
  Dropout,
  Embedding,
  GRU,
  LastStep,
  LayerNorm,
  Linear,
  LSTM,
  manualSeed,
  MaxPool,
  Module,
  noGrad,
  OptionError,
  Residual,
  RNN,
  Sequential,
  ShapeError,
  tensor,
  randn,
  type HostArray,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { handlesKept } from '../support/handles';

const frames = [[0.1, -2, 3], [1, 0, -1], [0.5, 0.5, 2], [-3, 1, 0]]; // prettier-ignore

/** A model of one's own that says how its state is passed. */
class Pair extends Module {
  lower = new GRU({ inputSize: 3, hiddenSize: 4 });
  upper = new RNN({ inputSize: 4, hiddenSize: 2 });

  forward(x: Tensor, state?: { lower: { h: Tensor }; upper: { h: Tensor } }): { output: Tensor; state: object } {
    const { output, ...lower } = this.lower.forward(x, state?.lower);
    const { output: last, ...upper } = this.upper.forward(output, state?.upper);
    return { output: last, state: { lower, upper } };
  }
}

/** Returns a state, but reads the steps backwards too. */
class Inner extends Module {
  lstm = new LSTM({ inputSize: 3, hiddenSize: 4, bidirectional: true });

  forward(x: Tensor, state?: { h: Tensor; c: Tensor }): object {
    const { output, ...next } = this.lstm.forward(x, state);
    return { output, state: next };
  }
}

/** Forgets to return its state. */
class Forgetful extends Module {
  lstm = new LSTM({ inputSize: 3, hiddenSize: 4 });

  forward(x: Tensor): Tensor {
    return this.lstm.forward(x).output;
  }
}

const deep = (): Sequential =>
  new Sequential(
    new LSTM({ inputSize: 3, hiddenSize: 5, numLayers: 2, dropout: 0.5 }),
    new Dropout({ p: 0.5 }),
    new LayerNorm({ normalizedShape: 5 }),
    new Sequential(
      new GRU({ inputSize: 5, hiddenSize: 4 }),
      new Residual(new Linear({ inFeatures: 4, outFeatures: 4 })),
    ),
  );

const ofWhole = (result: unknown): Tensor => (result as { output?: Tensor }).output ?? (result as Tensor);

describeDevices('a stream', (device) => {
  test.each<[string, () => Module]>([
    ['a Sequential', deep],
    ['an LSTM', () => new LSTM({ inputSize: 3, hiddenSize: 4, projSize: 2 })],
    ['an RNN with time first', () => new RNN({ inputSize: 3, hiddenSize: 4, batchFirst: false })],
    ['a module of one’s own', () => new Pair()],
    ['a model without state', () => new Sequential(new Linear({ inFeatures: 3, outFeatures: 2 }))],
  ])('gives for each step what the whole gives: %s', async (_, make) => {
    manualSeed(3);
    const model = make().to(device);
    const whole = noGrad(() => {
      model.eval();
      const input = tensor([frames], { device });
      const timeFirst = model instanceof RNN;
      return ofWhole(model.forward(...([timeFirst ? input.transpose(0, 1) : input] as never[])));
    });
    const expected = await whole.data();
    model.train();
    const stream = model.createStream();
    const told: HostArray[] = [];
    for (const frame of frames) told.push(await stream.step(frame));
    const width = expected.length / frames.length;
    told.forEach(({ data, shape }, step) => {
      expect(shape).toEqual([width]);
      expected.slice(step * width, (step + 1) * width).forEach((value, i) => expect(data[i]).toBeCloseTo(value, 5));
    });
    expect(model.training).toBe(true);
  });

  test('frames go where the parameters are, wherever in the fields those stand', async () => {
    class Nested extends Module {
      self: Module = this;
      parts = { none: null, deep: [{ lstm: new LSTM({ inputSize: 3, hiddenSize: 2 }) }] as const };
      forward(x: Tensor, state?: { h: Tensor; c: Tensor }): object {
        const { output, ...next } = this.parts.deep[0].lstm.forward(x, state);
        return { output, state: next };
      }
    }
    const stream = new Nested().to(device).createStream();
    await stream.step([1, 2, 3]);
    expect((stream.state as { h: Tensor }).h.device).toBe(device);
  });

  test('many sequences side by side; steps that are not awaited keep their order', async () => {
    manualSeed(4);
    const model = deep().to(device).eval();
    const input = randn([3, 4, 3], { device });
    const expected = await (model.forward(input) as Tensor).data();
    const stream = model.createStream({ batchSize: 3 });
    const told = await Promise.all([0, 1, 2, 3].map((t) => stream.step(input.select(1, t))));
    told.forEach(({ data, shape }, t) => {
      expect(shape).toEqual([3, 4]);
      for (let row = 0; row < 3; row++)
        for (let i = 0; i < 4; i++) expect(data[row * 4 + i]).toBeCloseTo(expected[(row * 4 + t) * 4 + i] ?? NaN, 5);
    });
  });

  test('a number is a step of one index; a running answer comes from LastStep', async () => {
    const model = new Sequential(
      new Embedding({ numEmbeddings: 5, embeddingDim: 3 }),
      new LSTM({ inputSize: 3, hiddenSize: 4 }),
      new LastStep(),
      new Linear({ inFeatures: 4, outFeatures: 1 }),
    ).to(device);
    const expected = await noGrad(() => model.eval().forward(tensor([[4, 0, 2]], { device })) as Tensor).data();
    const stream = model.createStream();
    await stream.step(4);
    await stream.step(0);
    const { data, shape } = await stream.step(2);
    expect(shape).toEqual([1]);
    expect(data[0]).toBeCloseTo(expected[0] ?? NaN, 5);
  });
});

describe('the state of a stream', () => {
  test('reset() begins anew; a state that was taken can be gone back to', async () => {
    const stream = deep().createStream();
    expect(stream.state).toBeUndefined();
    const first = await stream.step([1, 2, 3]);
    const state = stream.state;
    const second = await stream.step([4, 5, 6]);
    expect((await stream.step([4, 5, 6])).data).not.toEqual(second.data);
    stream.state = state;
    expect(await stream.step([4, 5, 6])).toEqual(second);
    stream.reset();
    expect(stream.state).toBeUndefined();
    expect(await stream.step([1, 2, 3])).toEqual(first);
  });

  test('a step that fails leaves it as it was', async () => {
    const model = new LSTM({ inputSize: 3, hiddenSize: 2 });
    const [stream, other] = [model.createStream(), model.createStream()];
    await stream.step([1, 2, 3]);
    await other.step([1, 2, 3]);
    await expect(stream.step([1, 2])).rejects.toThrow('last axis 3 (inputSize)');
    expect(await stream.step([4, 5, 6])).toEqual(await other.step([4, 5, 6]));
  });

  test('a frame that only the device can refuse spoils no step after it', async () => {
    const model = new Sequential(
      new Embedding({ numEmbeddings: 5, embeddingDim: 3 }),
      new LSTM({ inputSize: 3, hiddenSize: 4 }),
    );
    const [stream, other] = [model.createStream(), model.createStream()];
    await stream.step(1);
    await other.step(1);
    const wrong = tensor(9, { dtype: 'i32' }).add(0);
    await expect(stream.step(wrong)).rejects.toThrow('index');
    expect(await stream.step(2)).toEqual(await other.step(2));
  });

  test('steps leave nothing behind', async () => {
    const stream = deep().createStream();
    await stream.step([1, 2, 3]);
    const handles = handlesKept();
    for (let step = 0; step < 50; step++) await stream.step([1, 2, 3]);
    expect(handlesKept()).toBe(handles);
  });

  test('several inputs and outputs', async () => {
    class Two extends Module {
      lstm = new LSTM({ inputSize: 2, hiddenSize: 2 });
      forward({ a, b }: { a: Tensor; b: Tensor }, state?: { h: Tensor; c: Tensor }): object {
        const { output, ...next } = this.lstm.forward(a.add(b), state);
        return { output: { sum: output, twice: [output.mul(2)] }, state: next };
      }
    }
    const stream = new Two().createStream<{ sum: HostArray; twice: HostArray[] }>();
    const { sum, twice } = await stream.step({ a: [1, 2], b: { data: Float32Array.of(3, 4), shape: [2] } });
    expect(sum.shape).toEqual([2]);
    expect(Array.from(twice[0]?.data ?? [])).toEqual(Array.from(sum.data, (x) => 2 * x));
  });
});

describe('what cannot be streamed is refused', () => {
  const lstm = { inputSize: 3, hiddenSize: 4 };
  test.each<[Module, string]>([
    [new LSTM({ ...lstm, bidirectional: true }), 'got the LSTM, which needs the whole sequence'],
    [new Sequential(new LSTM(lstm), new MaxPool()), 'got 1, a MaxPool, which needs the whole sequence'],
    [
      new Sequential(new Residual(new Conv1d({ inChannels: 3, outChannels: 3, kernelSize: 3, padding: 1 }))),
      'got 0.module, a Conv1d, which needs',
    ],
    [new Inner(), 'got lstm, a LSTM, which needs the whole sequence'],
    [
      new Bidirectional(new Linear({ inFeatures: 3, outFeatures: 1 }), new Linear({ inFeatures: 3, outFeatures: 1 })),
      'got the Bidirectional, which needs',
    ],
  ])('model %#', (model, message) => {
    expect(() => model.createStream()).toThrow(OptionError);
    expect(() => model.createStream()).toThrow(message);
  });

  test('wrong frames and options', async () => {
    const model = new LSTM(lstm);
    await expect(new Forgetful().createStream().step([1, 2, 3])).rejects.toThrow(
      'Forgetful.createStream: step: got a model that returns no state, with lstm, a LSTM in it, expected ' +
        '{ output, state }, from which the next step goes on.',
    );
    await expect(model.createStream().step(Object('text'))).rejects.toThrow('got the frame ');
    const many = model.createStream({ batchSize: 2 });
    await expect(many.step([[1, 2, 3]])).rejects.toThrow(ShapeError);
    await expect(many.step([[1, 2, 3]])).rejects.toThrow('expected a step of 2 sequences, [2, …]');
    expect(() => model.createStream({ batchSize: 0 })).toThrow('batchSize');
    expect(() => new RNN({ ...lstm, batchFirst: false }).createStream({ batchSize: 2 })).toThrow(
      'got batchSize: 2 for layers with batchFirst: false',
    );
    const output: Sequence = model.forward(tensor([frames])).output;
    expect(output.shape).toEqual([1, 4, 4]);
  });
});
