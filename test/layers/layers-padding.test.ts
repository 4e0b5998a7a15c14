// What lies past a length has no effect: not on outputs, gradients, buffers, losses or metrics, whatever it is. Every
// exported layer, loss and metric is here.
import { describe, expect, test } from 'vitest';
import * as stm from 'stmnet';
import {
  Loss,
  manualSeed,
  Metric,
  Module,
  PaddedSequence,
  StmnetError,
  tensor,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../support/devices';
import { spread } from '../support/gradients';
import { exportedClasses } from '../support/exports';
import { baseClasses, callCase, casesInput, inferenceLayers, layerCases, type LayerCase } from '../support/layer-cases';

const lengths = [2, 4, 0, 1, 5];
const steps = 6; // so that the last step is padding in every row
const fills = [NaN, Infinity, -Infinity, 1e30, -3e38, 7.5];
const indexFills = [-1, 2 ** 31 - 1, -(2 ** 31), 6];
const strangeFills: Record<string, readonly number[]> = {
  indices: indexFills,
  plainIndices: [...fills, ...indexFills],
};

/** All bits of a tensor, and of a PaddedSequence those of the real steps. */
const bits = async (x: Sequence | undefined): Promise<string> =>
  x === undefined ? 'none' : Buffer.from((await x.data()).buffer.slice(0)).toString('hex');

/** A gradient for `output`, with `fill` in the padding. */
function upstream(output: Sequence, fill: number): Tensor {
  const data = Float32Array.from({ length: output.shape.reduce((size, extent) => size * extent, 1) }, (_, place) =>
    spread(place, 9),
  );
  if (output instanceof PaddedSequence) {
    const row = data.length / output.lengths.length,
      step = row / (output.shape[1] ?? 1);
    output.lengths.forEach((length, index) => data.fill(fill, index * row + length * step, (index + 1) * row));
  }
  return tensor({ data, shape: output.shape });
}

/**
 * Everything that a call of a layer says or changes, for `fill` in the padding of the input and `gradientFill` in that
 * of the gradient.
 */
async function outcome(
  given: LayerCase,
  training: boolean,
  fill: number,
  gradientFill: number,
): Promise<Record<string, string>> {
  manualSeed(3);
  const layer = given.build();
  if (!training) layer.eval();
  const host = casesInput(given, lengths, steps, fill);
  const values = tensor(
    host,
    host.data instanceof Int32Array || given.input === 'plainIndices' ? {} : { requiresGrad: true },
  );
  const x = new PaddedSequence(values, lengths);
  const output = callCase(given, layer, x);
  const tensorOf = output instanceof PaddedSequence ? output.values : output;
  if (tensorOf.requiresGrad) tensorOf.backward({ gradient: upstream(output, gradientFill) });
  const told: Record<string, string> = {
    output: await bits(output),
    finite: String((await output.data()).every(Number.isFinite)),
  };
  if (values.grad !== undefined) {
    told['gradient of the input'] = await bits(values.grad);
    const padding = values.grad.mul(new PaddedSequence(values, lengths).mask().logicalNot().cast('f32').unsqueeze(-1));
    told['gradient in the padding'] = String(await padding.abs().sum().item());
  }
  for (const [name, parameter] of layer.namedParameters()) told[`gradient of ${name}`] = await bits(parameter.grad);
  for (const [name, buffer] of layer.namedBuffers()) told[`buffer ${name}`] = await bits(buffer);
  return told;
}

describeDevices('what lies past a length', () => {
  describe.each(Object.entries(layerCases))('%s', (_, given) => {
    test.each([true, false])('has no effect (training: %s)', async (training) => {
      const clean = await outcome(given, training, 0, 0);
      expect(clean['finite']).toBe('true');
      if ('gradient in the padding' in clean) expect(clean['gradient in the padding']).toBe('0');
      const strange = strangeFills[given.input ?? 'numbers'] ?? fills;
      for (const fill of strange) expect(await outcome(given, training, fill, 0), `padding of ${fill}`).toEqual(clean);
      for (const fill of fills)
        expect(await outcome(given, training, 0, fill), `gradient of ${fill} in the padding`).toEqual(clean);
      expect(await outcome(given, training, strange[0] ?? 0, NaN)).toEqual(clean);
    });
  });

  test('results are zero past a length', async () => {
    for (const [name, given] of Object.entries(layerCases)) {
      const output = callCase(
        given,
        given.build(),
        new PaddedSequence(tensor(casesInput(given, lengths, steps, given.input === 'indices' ? -1 : NaN)), lengths),
      );
      if (!(output instanceof PaddedSequence)) continue;
      const [real, all] = [await output.data(), await output.values.data()];
      const nonZero = (numbers: ArrayLike<number>): number =>
        Array.from(numbers).filter((number) => number !== 0).length;
      expect(nonZero(all), name).toBe(nonZero(real));
    }
  });

  test('an in-place change of the padding of what was zero is seen', async () => {
    const x = stm.pad([
      [[1, 2, 3, 4]],
      [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
    ]);
    const conv = new stm.Conv1d({ inChannels: 4, outChannels: 1, kernelSize: 3, padding: 'same' });
    const clean = await bits(conv.forward(x));
    stm.noGrad(() => stm.fill_(x.values.slice([0, 1], [1, 2]), NaN));
    expect(await bits(conv.forward(x))).toBe(clean);
  });

  test('no case is missing', () => {
    const subjects = new Set(Object.keys(layerCases).map((name) => name.split(' ')[0]));
    const exported = Object.entries(stm)
      .filter(([, value]) => typeof value === 'function' && (value === Module || value.prototype instanceof Module))
      .map(([name]) => name);
    expect(
      exported.filter(
        (name) =>
          !subjects.has(name) && ![...baseClasses, ...inferenceLayers, 'Parameter', 'BufferTensor'].includes(name),
      ),
    ).toEqual([]);
  });
});

/** Two sequences with `fill` past the lengths, as a loss or metric compares them. */
interface ComparedCase {
  input: (fill: number) => PaddedSequence;
  target: (fill: number) => Sequence;
}

const filled = (fill: number, number: (place: number) => number, width = 3): Float32Array =>
  Float32Array.from({ length: lengths.length * steps * width }, (_, place) => {
    const step = Math.floor(place / width),
      row = Math.floor(step / steps);
    return step - row * steps < (lengths[row] ?? 0) ? number(place) : fill;
  });
const numbers =
  (seed: number, map = (x: number): number => x) =>
  (fill: number): PaddedSequence =>
    new PaddedSequence(
      tensor(
        { data: filled(fill, (place) => map(spread(place, seed))), shape: [lengths.length, steps, 3] },
        { requiresGrad: true },
      ),
      lengths,
    );
const labels =
  (dtype: 'i32' | 'f32') =>
  (fill: number): PaddedSequence => {
    const data = filled(fill, (place) => place % 3, 1);
    const whole =
      dtype === 'i32'
        ? Int32Array.from(data, (value) =>
            Number.isFinite(value) ? Math.max(-(2 ** 31), Math.min(value, 2 ** 31 - 1)) : -1,
          )
        : data;
    return new PaddedSequence(tensor({ data: whole, shape: [lengths.length, steps] }), lengths);
  };
const probability = (x: number): number => Math.abs(x) * 0.9 + 0.05;
const pointwise: ComparedCase = { input: numbers(1), target: numbers(2) };
const positive = numbers(2, probability);
const constant =
  (make: (fill: number) => PaddedSequence) =>
  (fill: number): PaddedSequence =>
    make(fill).detach();

type LossCase = ComparedCase & { build: (reduction: 'mean' | 'sum' | 'none') => Pick<Loss, 'forward'> };

/** Each exported loss of numbers, unless the table below says that it takes something else. */
const ofNumbers = exportedClasses<Loss, [{ reduction: 'mean' | 'sum' | 'none' }]>(Loss).map(
  ([name, Class]): [string, LossCase] => [name, { ...pointwise, build: (reduction) => new Class({ reduction }) }],
);

const lossCases: Readonly<Record<string, LossCase>> = {
  ...Object.fromEntries(ofNumbers),
  'L1Loss of a plain target': {
    input: numbers(1),
    target: (fill) => numbers(2)(fill).values.detach(),
    build: (reduction) => new stm.L1Loss({ reduction }),
  },
  BCELoss: { input: numbers(1, probability), target: positive, build: (reduction) => new stm.BCELoss({ reduction }) },
  BCEWithLogitsLoss: {
    input: numbers(1),
    target: positive,
    build: (reduction) => new stm.BCEWithLogitsLoss({ reduction, posWeight: tensor([1, 2, 3]) }),
  },
  KLDivLoss: {
    input: numbers(1, (x) => -Math.abs(x)),
    target: positive,
    build: (reduction) => new stm.KLDivLoss({ reduction }),
  },
  CrossEntropyLoss: {
    input: numbers(1),
    target: labels('i32'),
    build: (reduction) => new stm.CrossEntropyLoss({ reduction, labelSmoothing: 0.1, weight: tensor([1, 2, 3]) }),
  },
  'CrossEntropyLoss of plain numbers': {
    input: numbers(1),
    target: labels('f32'),
    build: (reduction) => new stm.CrossEntropyLoss({ reduction }),
  },
  'CrossEntropyLoss with weights of steps': {
    input: numbers(1),
    target: labels('i32'),
    build: (reduction) => ({
      forward: (input, target) =>
        stm.crossEntropy(input, target, {
          reduction,
          stepWeights: constant(numbers(4, probability))(NaN).map((values) => values.select(2, 0)),
        }),
    }),
  },
  CTCLoss: {
    input: numbers(1, (x) => -Math.abs(x) - 0.1),
    target: (fill) =>
      new PaddedSequence(
        tensor([
          [1, fill],
          [2, 1],
          [fill, fill],
          [fill, fill],
          [1, fill],
        ]),
        [1, 2, 0, 0, 1],
      ),
    build: (reduction) => new stm.CTCLoss({ reduction }),
  },
};

type MetricCase = ComparedCase & { build: () => Metric };

/** What a metric may compare: numbers, or scores of classes and labels. */
const comparable: readonly ComparedCase[] = [
  { input: constant(numbers(1)), target: constant(numbers(2)) },
  { input: constant(numbers(1)), target: labels('i32') },
];

/** The exported metrics but for those that others extend, which count nothing themselves. */
const metrics = exportedClasses<Metric>(Metric).filter(([, Class]) => 'count' in Class.prototype);

/** Whether a metric that is made without options compares such. */
function compares(Class: new () => Metric, { input, target }: ComparedCase): boolean {
  try {
    new Class().update(input(0), target(0));
    return true;
  } catch (error) {
    if (error instanceof StmnetError) return false;
    throw error;
  }
}

/** Each exported metric that needs no options, of all that it compares; the table below has the others. */
const withoutOptions = metrics.flatMap(([name, Class]) =>
  comparable
    .filter((pair) => compares(Class, pair))
    .map((pair, index): [string, MetricCase] => [`${name} ${index + 1}`, { ...pair, build: () => new Class() }]),
);

const ofLabels = (build: () => Metric): MetricCase => ({
  input: constant(numbers(1)),
  target: labels('i32'),
  build,
});

const metricCases: Readonly<Record<string, MetricCase>> = {
  ...Object.fromEntries(withoutOptions),
  'Accuracy of plain numbers': { input: constant(numbers(1)), target: labels('f32'), build: () => new stm.Accuracy() },
  'Accuracy with a threshold': {
    input: constant(numbers(1)),
    target: constant(numbers(2, (x) => (x > 0 ? 1 : 0))),
    build: () => new stm.Accuracy({ threshold: 0 }),
  },
  'LogLoss of probabilities': {
    input: constant(numbers(1, (x) => Math.abs(x) / 4)),
    target: labels('i32'),
    build: () => new stm.LogLoss(),
  },
  'BrierScore of yes or no': {
    input: constant(numbers(1, probability)),
    target: constant(numbers(2, (x) => (x > 0 ? 1 : 0))),
    build: () => new stm.BrierScore(),
  },
  EntityF1Score: ofLabels(() => new stm.EntityF1Score({ labels: ['O', 'B-A', 'I-A'] })),
  TopKAccuracy: ofLabels(() => new stm.TopKAccuracy({ k: 2 })),
  'MeanSquaredError of a plain target': {
    input: constant(numbers(1)),
    target: (fill) => numbers(2)(fill).values.detach(),
    build: () => new stm.MeanSquaredError(),
  },
  ConfusionMatrix: ofLabels(() => new stm.ConfusionMatrix({ numClasses: 3 })),
};

describeDevices('what lies past a length, compared', () => {
  test.each(Object.entries(lossCases))('%s does not see it', async (_, { input, target, build }) => {
    for (const reduction of ['mean', 'sum', 'none'] as const) {
      const outcomeOf = async (fill: number, gradientFill: number): Promise<string[]> => {
        const x = input(fill),
          t = target(fill);
        const loss = build(reduction).forward(x, t);
        const padded = reduction === 'none' && loss.rank > 1 ? new PaddedSequence(loss, lengths) : loss;
        loss.backward({ gradient: upstream(padded, gradientFill) });
        const told = [await bits(loss), await bits(x.values.grad)];
        if (t instanceof PaddedSequence && t.values.grad !== undefined) told.push(await bits(t.values.grad));
        return told;
      };
      const clean = await outcomeOf(0, 0);
      for (const fill of [...fills, -1])
        expect(await outcomeOf(fill, fill), `${reduction}, padding of ${fill}`).toEqual(clean);
    }
  });

  test.each(Object.entries(metricCases))('%s does not see it', async (_, { input, target, build }) => {
    const valueOf = async (fill: number): Promise<number | string> => {
      const metric = build();
      metric.update(input(fill), target(fill));
      return metric.compute().catch((error: unknown) => String(error)); // such as of what is no probability
    };
    const clean = await valueOf(0);
    expect(clean).not.toBeNaN();
    for (const fill of [...fills, -1]) expect(await valueOf(fill), `padding of ${fill}`).toBe(clean);
  });

  test('no metric is missing', () => {
    const subjects = new Set(Object.keys(metricCases).map((name) => name.split(' ')[0]));
    const missing = metrics
      .filter(([name]) => !subjects.has(name))
      .filter(([, Class]) => Reflect.get(new Class(), 'takes') !== 'texts');
    expect(missing.map(([name]) => name)).toEqual([]);
  });

  test('a Trainer on batches given by hand', async () => {
    const losses = async (fill: number): Promise<readonly number[]> => {
      manualSeed(5);
      const model = new stm.Sequential(
        new stm.Linear({ inFeatures: 2, outFeatures: 4 }),
        new stm.LSTM({ inputSize: 4, hiddenSize: 4 }),
        new stm.LastStep(),
        new stm.Linear({ inFeatures: 4, outFeatures: 2 }),
      );
      const trainer = new stm.Trainer({
        model,
        loss: new stm.CrossEntropyLoss(),
        optimizer: new stm.Adam(model.parameters()),
        metrics: [new stm.Accuracy()],
      });
      const batch = {
        input: new PaddedSequence(
          tensor([
            [
              [1, 2],
              [3, 4],
            ],
            [
              [5, 6],
              [fill, fill],
            ],
          ]),
          [2, 1],
        ),
        target: tensor([0, 1]),
      };
      return (await trainer.fit([batch], { epochs: 3, progress: false })).train('loss');
    };
    const clean = await losses(0);
    expect(clean.every(Number.isFinite)).toBe(true);
    expect(await losses(NaN)).toEqual(clean);
    expect(await losses(Infinity)).toEqual(clean);
  });

  test('what is read and saved', async () => {
    const x = new PaddedSequence(
      tensor([
        [1, NaN],
        [2, 3],
      ]),
      [1, 2],
    );
    expect(await x.data()).toEqual(Float32Array.of(1, 2, 3));
    expect(await x.array()).toEqual([[1], [2, 3]]);
    expect(await x.cast('i32').values.array()).toEqual([
      [1, 0],
      [2, 3],
    ]);
  });
});
