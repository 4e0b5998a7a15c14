// A row gives the same alone as beside longer ones, however short it is: of every exported layer.
import { describe, expect, test } from 'vitest';
import * as stm from 'stmnet';
import { manualSeed, PaddedSequence, tensor, type HostArray, type Sequence, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';
import { spread } from '../support/gradients';
import { callCase, casesInput, layerCases, type LayerCase } from '../support/layer-cases';
import { differences } from '../support/near';

const lengths = [2, 6, 0, 1, 5];
const steps = 6;
/** Sums over steps are added up in another order for another number of steps: a few units in the last place of f32. */
const tolerance = 2e-6;

/** The real steps of one row, alone. */
function alone({ data, shape }: HostArray, row: number): HostArray {
  const width = data.length / lengths.length / steps,
    start = row * steps * width;
  return {
    data: data.slice(start, start + (lengths[row] ?? 0) * width),
    shape: [1, lengths[row] ?? 0, ...shape.slice(2)],
  };
}

interface Told {
  output: ArrayLike<number>;
  gradient: ArrayLike<number>;
  /** Names of the parameters that have a gradient. */
  reached: string[];
}

/**
 * What row `row` of `x` becomes, and the gradient of its real steps, for an upstream gradient that is 0 in the other
 * rows.
 */
async function told(
  given: LayerCase,
  host: HostArray,
  x: (values: Tensor) => Sequence,
  row: number,
  length: number,
): Promise<Told> {
  manualSeed(3);
  const layer = given.build().eval();
  const values = tensor(
    host,
    host.data instanceof Int32Array || given.input === 'plainIndices' ? {} : { requiresGrad: true },
  );
  const output = callCase(given, layer, x(values));
  const own =
    output instanceof PaddedSequence
      ? output.values.slice([row, 0], [row + 1, output.lengths[row] ?? 0])
      : output.slice([row], [row + 1]);
  if (own.requiresGrad) {
    const size = own.shape.reduce((product, extent) => product * extent, 1);
    own.backward({
      gradient: tensor({ data: Float32Array.from({ length: size }, (_, place) => spread(place, 9)), shape: own.shape }),
    });
  }
  const gradient = values.grad?.slice([row, 0], [row + 1, length]);
  return {
    output: await own.data(),
    gradient: gradient === undefined ? [] : await gradient.data(),
    reached: [...layer.namedParameters()].filter(([, parameter]) => parameter.grad !== undefined).map(([name]) => name),
  };
}

describeDevices('a row alone and beside longer ones', () => {
  describe.each(
    Object.entries(layerCases).filter(([, { acrossRows }]) => acrossRows !== 'always' && acrossRows !== 'width'),
  )('%s', (_, given) => {
    test.each([0, 1, 2, 3, 4])('is the same: row %i', async (row) => {
      const batch = casesInput(given, lengths, steps, 0),
        length = lengths[row] ?? 0;
      const beside = await told(given, batch, (values) => new PaddedSequence(values, lengths), row, length);
      const kinds: ((values: Tensor) => Sequence)[] = [
        (values) => new PaddedSequence(values, [length]),
        (values) => values,
      ];
      for (const kind of kinds) {
        const single = await told(given, alone(batch, row), kind, 0, length);
        const most = tolerance * (given.amplifies ?? 1);
        expect(differences(single.output, beside.output, most)).toEqual([]);
        expect(differences(single.gradient, beside.gradient, most)).toEqual([]);
        expect(single.reached).toEqual(beside.reached);
      }
    });
  });

  test('a state goes through a batch without a step', async () => {
    const lstm = new stm.LSTM({ inputSize: 2, hiddenSize: 3, numLayers: 2 });
    const [h, c] = [stm.randn([2, 2, 3], { requiresGrad: true }), stm.randn([2, 2, 3])];
    const result = lstm.forward(new PaddedSequence(stm.zeros([2, 0, 2]), [0, 0]), { h, c });
    expect(result.output.shape).toEqual([2, 0, 3]);
    expect(await result.h.data()).toEqual(await h.data());
    expect(await result.c.data()).toEqual(await c.data());
    result.h.sum().backward();
    expect(await h.grad?.data()).toEqual(new Float32Array(12).fill(1));
    const timeFirst = new stm.GRU({ inputSize: 2, hiddenSize: 3, batchFirst: false });
    expect(timeFirst.forward(stm.zeros([0, 4, 2])).output.shape).toEqual([0, 4, 3]);
    expect(timeFirst.forward(stm.zeros([0, 2])).output.shape).toEqual([0, 3]);
    expect(() => lstm.forward(stm.zeros([0, 3, 2]))).toThrow('at least one row, [N, T, D]');
  });

  test('sequences of which none has a step need no axis of features', async () => {
    for (const layer of [
      new stm.LSTM({ inputSize: 2, hiddenSize: 3, bidirectional: true }),
      new stm.GRU({ inputSize: 1, hiddenSize: 3, numLayers: 2, batchFirst: false }),
      new stm.RNN({ inputSize: 4, hiddenSize: 3, dtype: 'f64' }),
    ]) {
      const { output, h } = layer.forward(stm.pad([[], []]));
      expect(output.shape).toEqual([2, 0, layer.options.bidirectional ? 6 : 3]);
      expect(output.lengths).toEqual([0, 0]);
      expect(new Set(await h.data())).toEqual(new Set([0]));
      if (layer.options.batchFirst) expect(layer.forward(stm.zeros([2, 0])).output.shape).toEqual(output.shape);
    }
    for (const layer of [
      new stm.Linear({ inFeatures: 2, outFeatures: 3 }),
      new stm.Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 1 }),
      new stm.LayerNorm({ normalizedShape: 2 }),
      new stm.BatchNorm1d({ numFeatures: 2 }).eval(),
    ]) {
      expect(() => layer.forward(stm.pad([[], []]))).toThrow(
        'its axis of features, { data: new Float32Array(0), shape: [0, D] }',
      );
      expect(layer.forward(stm.pad([{ data: new Float32Array(0), shape: [0, 2] }])).shape[1]).toBe(0);
    }
    const stream = new stm.IterableDataset([
      { input: [], target: [1] },
      { input: [[2, 1]], target: [1] },
    ]);
    const model = new stm.Sequential(
      new stm.LSTM({ inputSize: 2, hiddenSize: 3 }),
      new stm.LastStep(),
      new stm.Linear({ inFeatures: 3, outFeatures: 1 }),
    );
    const trainer = new stm.Trainer({
      model,
      loss: new stm.MSELoss(),
      optimizer: new stm.SGD(model.parameters(), { learningRate: 0.1 }),
    });
    const { epochs } = await trainer.fit(new stm.DataLoader(stream, { batchSize: 1 }), { epochs: 1, progress: false });
    expect(epochs).toHaveLength(1);
  });

  test('attention without a key gives zeros, and its gradient is 0', async () => {
    for (const attention of [
      new stm.ScaledDotProductAttention(),
      new stm.MultiplicativeAttention({ querySize: 2, keySize: 2 }),
      new stm.AdditiveAttention({ querySize: 2, keySize: 2, hiddenSize: 3 }),
    ]) {
      const query = stm.randn([1, 3, 2], { requiresGrad: true });
      const output = attention.forward(query, stm.zeros([1, 0, 2]));
      expect(await output.data()).toEqual(new Float32Array(6));
      output.sum().backward();
      expect(await query.grad?.data()).toEqual(new Float32Array(6));
    }
  });

  test('a DataLoader with batches of short rows alone', async () => {
    const items = [5, 0, 2].map((length) => ({
      input: { data: new Float32Array(length).fill(1), shape: [length, 1] },
    }));
    const { Sequential, LSTM, Conv1d, MaxPool, LastStep } = stm;
    for (const model of [
      new Sequential(new LSTM({ inputSize: 1, hiddenSize: 2 }), new LastStep()),
      new Sequential(new Conv1d({ inChannels: 1, outChannels: 2, kernelSize: 3 }), new MaxPool()),
    ]) {
      const all = async (batchSize: number): Promise<unknown[]> =>
        (
          await Promise.all(
            Array.from(new stm.DataLoader(items, { batchSize }), ({ input }) => model.forward(input).array()),
          )
        ).flat();
      expect(await all(1)).toEqual(await all(3));
    }
  });
});
