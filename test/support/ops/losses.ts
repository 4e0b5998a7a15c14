// The op functions of src/tensor/ops/losses.ts, each with what it gives in plain TypeScript.
import * as stm from 'stmnet';
import type { HostArray, Sequence, Tensor } from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { constant, float, whole } from './inputs';
import { isReal, padded } from './lengths';
import { softmaxOf } from './normalization';

type Range = readonly [number, number];
const reductions = ['mean', 'sum', 'none'] as const;
type Reduction = (typeof reductions)[number];

/** A loss that looks at each element alone. */
export interface PointwiseLoss {
  loss: (input: Sequence, target: Sequence, options?: { reduction?: Reduction }) => Tensor;
  /** One element of it. */
  value: (x: number, t: number) => number;
  /** Inputs and targets lie between these. */
  input: Range;
  target: Range;
}

const real: Range = [-2, 2];
const chance: Range = [0.05, 0.95];
const smooth =
  (beta: number) =>
  (x: number, t: number): number =>
    Math.abs(x - t) < beta ? (x - t) ** 2 / (2 * beta) : Math.abs(x - t) - beta / 2;
const huber =
  (delta: number) =>
  (x: number, t: number): number =>
    Math.abs(x - t) <= delta ? (x - t) ** 2 / 2 : delta * (Math.abs(x - t) - delta / 2);

export const pointwiseLosses: Readonly<Record<string, PointwiseLoss>> = {
  mseLoss: { loss: stm.mseLoss, value: (x, t) => (x - t) ** 2, input: real, target: real },
  l1Loss: { loss: stm.l1Loss, value: (x, t) => Math.abs(x - t), input: real, target: real },
  smoothL1Loss: { loss: stm.smoothL1Loss, value: smooth(1), input: real, target: real },
  'smoothL1Loss, beta 0.3': {
    loss: (x, t, options) => stm.smoothL1Loss(x, t, { beta: 0.3, ...options }),
    value: smooth(0.3),
    input: real,
    target: real,
  },
  'smoothL1Loss, beta 0': {
    loss: (x, t, options) => stm.smoothL1Loss(x, t, { beta: 0, ...options }),
    value: (x, t) => Math.abs(x - t),
    input: real,
    target: real,
  },
  huberLoss: { loss: stm.huberLoss, value: huber(1), input: real, target: real },
  'huberLoss, delta 0.4': {
    loss: (x, t, options) => stm.huberLoss(x, t, { delta: 0.4, ...options }),
    value: huber(0.4),
    input: real,
    target: real,
  },
  binaryCrossEntropy: {
    loss: stm.binaryCrossEntropy,
    value: (x, t) => -(t * Math.log(x) + (1 - t) * Math.log(1 - x)),
    input: chance,
    target: chance,
  },
  binaryCrossEntropyWithLogits: {
    loss: stm.binaryCrossEntropyWithLogits,
    value: (x, t) => Math.log1p(Math.exp(x)) - t * x,
    input: [-5, 5],
    target: chance,
  },
  klDivergence: { loss: stm.klDivergence, value: (x, t) => t * (Math.log(t) - x), input: real, target: chance },
  'klDivergence, logTarget': {
    loss: (x, t, options) => stm.klDivergence(x, t, { logTarget: true, ...options }),
    value: (x, t) => Math.exp(t) * (t - x),
    input: real,
    target: real,
  },
};

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const scalar = (value: number): HostArray => ({ data: Float64Array.of(value), shape: [] });

/** One number of the losses at real places, or each with zeros at the others. */
function reduced(
  shape: readonly number[],
  reduction: Reduction,
  lossAt: (place: readonly number[]) => number,
  realAt: (place: readonly number[]) => boolean = () => true,
): HostArray {
  const places: (readonly number[])[] = [];
  const each = generate(shape, (place) => (realAt(place) && places.push(place) > 0 ? lossAt(place) : 0));
  if (reduction === 'none') return each;
  return scalar(total(Array.from(each.data)) / (reduction === 'sum' ? 1 : places.length));
}

/** The rows of a loss under each reduction, and of padded sequences. */
function pointwise(op: string, { loss, value, input, target }: PointwiseLoss): OpCase[] {
  const operands = (shape: readonly number[]): [ReturnType<typeof float>, ReturnType<typeof float>] => [
    float(shape, input),
    float(shape, target),
  ];
  const of = (x: HostArray, t: HostArray) => (place: readonly number[]) => value(at(x, place), at(t, place));
  const plain = reductions.map((reduction): OpCase => ({
    op: `${op}, ${reduction}`,
    run: (x, t) => loss(x, t, { reduction }),
    reference: (x, t) => reduced(x.shape, reduction, of(x, t)),
    shapes: [operands([3, 4]), operands([1, 1]), operands([])],
    large: [operands([133, 70])],
  }));
  const ofSequences: OpCase = {
    op: `${op} of sequences`,
    run: (x, t) => loss(padded(x), padded(t)),
    reference: (x, t) => reduced(x.shape, 'mean', of(x, t), (place) => isReal(x, place)),
    shapes: [operands([5, 3, 2])],
    large: [operands([5, 37, 24])],
  };
  return [...plain, ofSequences];
}

interface CrossEntropyOf {
  reduction?: Reduction;
  weight?: HostArray;
  labelSmoothing?: number;
  ignoreIndex?: number;
  /** Leaves out the steps past the lengths. */
  padded?: boolean;
}

/** crossEntropy of logits [..., C] by labels [...], or by probabilities [..., C]. */
function crossEntropyOf(x: HostArray, target: HostArray, options: CrossEntropyOf = {}): HostArray {
  const { reduction = 'mean', weight, labelSmoothing = 0, ignoreIndex = -100 } = options;
  const classes = x.shape.at(-1) ?? 0;
  const byLabel = target.shape.length < x.shape.length;
  const weightOf = (label: number): number => (weight === undefined ? 1 : at(weight, [label]));
  let divisor = 0;
  const each = generate(x.shape.slice(0, -1), (place) => {
    const label = byLabel ? at(target, place) : -1;
    if (label === ignoreIndex || (options.padded === true && !isReal(x, place))) return 0;
    divisor += byLabel ? weightOf(label) : 1;
    const row = softmaxOf(Array.from({ length: classes }, (_, c) => at(x, [...place, c])));
    return total(
      row.map((p, c) => {
        const share = byLabel ? Number(c === label) : at(target, [...place, c]);
        return -weightOf(c) * ((1 - labelSmoothing) * share + labelSmoothing / classes) * Math.log(p);
      }),
    );
  });
  if (reduction === 'none') return each;
  return scalar(total(Array.from(each.data)) / (reduction === 'sum' ? 1 : divisor));
}

const crossEntropyOps: readonly OpCase[] = [
  ...reductions.map((reduction): OpCase => {
    const options = { reduction, ignoreIndex: 1, labelSmoothing: 0.1 };
    return {
      op: `crossEntropy, ${reduction}, smoothed and with an index to ignore`,
      run: (x, y) => stm.crossEntropy(x, y, options),
      reference: (x, y) => crossEntropyOf(x, y, options),
      shapes: [
        [[4, 3], whole([4], 3)],
        [[2, 2, 3], whole([2, 2], 3)],
        [[5], whole([], 5)],
      ],
      large: [[[133, 70], whole([133], 70)]],
      domain: [-2, 2],
    };
  }),
  {
    op: 'crossEntropy',
    run: (x, y) => stm.crossEntropy(x, y),
    reference: (x, y) => crossEntropyOf(x, y),
    shapes: [
      [[4, 3], whole([4], 3)],
      [[2, 2, 3], whole([2, 2], 3)],
    ],
    large: [[[40, 10_000], whole([40], 10_000)]],
    domain: [-2, 2],
  },
  ...(['i32', 'f64'] as const).map((dtype): OpCase => ({
    op: `crossEntropy of sequences, labels in ${dtype}`,
    run: (x, y) => stm.crossEntropy(padded(x), padded(y.cast(dtype))),
    reference: (x, y) => crossEntropyOf(x, y, { padded: true }),
    shapes: [[[3, 4, 3], whole([3, 4], 3)]],
    large: [[[5, 37, 24], whole([5, 37], 24)]],
    domain: [-2, 2],
  })),
  {
    op: 'crossEntropy with weights',
    run: (x, y, weight) => stm.crossEntropy(x, y, { weight }),
    reference: (x, y, weight) => crossEntropyOf(x, y, { weight }),
    shapes: [[[4, 3], whole([4], 3), constant([3], [0.1, 2])]],
    large: [[[133, 70], whole([133], 70), constant([70], [0.1, 2])]],
    domain: [-2, 2],
  },
  ...reductions.map((reduction): OpCase => ({
    op: `crossEntropy of probabilities, ${reduction}`,
    run: (x, t, weight) => stm.crossEntropy(x, t, { weight, reduction, labelSmoothing: 0.1 }),
    reference: (x, t, weight) => crossEntropyOf(x, t, { weight, reduction, labelSmoothing: 0.1 }),
    shapes: [[[4, 3], float([4, 3], [0, 0.1]), constant([3], [0.1, 2])]],
    large: [[[133, 70], float([133, 70], [0, 0.1]), constant([70], [0.1, 2])]],
    domain: [-2, 2],
  })),
  {
    op: 'crossEntropy of sequences of probabilities',
    run: (x, t) => stm.crossEntropy(padded(x), padded(t)),
    reference: (x, t) => crossEntropyOf(x, t, { padded: true }),
    shapes: [[[3, 4, 3], float([3, 4, 3], [0, 0.1])]],
    large: [[[5, 37, 24], float([5, 37, 24], [0, 0.1])]],
    domain: [-2, 2],
  },
];

/** What a path of classes spells: repetitions joined, then blanks taken out. */
const spelled = (path: readonly number[], blank: number): string =>
  path.filter((label, t) => label !== blank && label !== path[t - 1]).join();

/** -log of the probability of `labels` by going through every path. `log` [T, C] log-probabilities. */
export function byEveryPath(log: readonly (readonly number[])[], labels: readonly number[], blank: number): number {
  let probability = 0;
  const walk = (path: number[], sum: number): void => {
    const step = log[path.length];
    if (step === undefined) {
      if (spelled(path, blank) === labels.join()) probability += Math.exp(sum);
      return;
    }
    step.forEach((value, label) => walk([...path, label], sum + value));
  };
  walk([], 0);
  return -Math.log(probability);
}

/** Lengths for inputs [T, N, C] and labels [N, S] that fit them. */
function ctcLengths(x: { shape: readonly number[] }): { inputLengths: number[]; targetLengths: number[] } {
  return x.shape[1] === 4
    ? { inputLengths: [5, 4, 2, 3], targetLengths: [2, 2, 1, 0] }
    : { inputLengths: [37, 30, 37, 20, 25], targetLengths: [8, 3, 0, 7, 1] };
}

const ctcOps = (['mean', 'sum', 'none'] as const).map((reduction): OpCase => ({
  op: `ctcLoss, ${reduction}`,
  run: (x, y) => stm.ctcLoss(stm.logSoftmax(x), stm.add(y, 1), { ...ctcLengths(x), reduction }),
  reference: (x, y) => {
    const { inputLengths, targetLengths } = ctcLengths(x);
    const losses = inputLengths.map((steps, n) => {
      const rows = Array.from({ length: steps }, (_, t) =>
        softmaxOf(Array.from({ length: x.shape[2] ?? 0 }, (__, c) => at(x, [t, n, c]))).map(Math.log),
      );
      const labels = Array.from({ length: targetLengths[n] ?? 0 }, (_, s) => at(y, [n, s]) + 1);
      return byEveryPath(rows, labels, 0);
    });
    if (reduction === 'none') return { data: Float64Array.from(losses), shape: [losses.length] };
    if (reduction === 'sum') return scalar(total(losses));
    return scalar(total(losses.map((loss, n) => loss / Math.max(1, targetLengths[n] ?? 0))) / losses.length);
  },
  shapes: [[[5, 4, 3], whole([4, 2], 2)]],
  large: [[[37, 5, 12], whole([5, 8], 11)]],
  domain: [-2, 2],
  tolerance: 1e-4, // long sums of logarithms
}));

export const lossOps: readonly OpCase[] = [
  ...Object.entries(pointwiseLosses).flatMap(([op, row]) => pointwise(op, row)),
  ...crossEntropyOps,
  ...ctcOps,
];
