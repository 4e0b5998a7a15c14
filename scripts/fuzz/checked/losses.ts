import * as stm from 'stmnet';
import { PaddedSequence, type Reduction, type Sequence, type Tensor } from 'stmnet';
import { floating, known } from '../inputs';
import { alongAxis, build, get, logSumExp, placeOf, scalar, sigmoidOf, total, type Plain } from '../plain';
import type { Draw } from '../random';
import { shown, type CaseMaker } from './case';

/** A tensor, or a sequence of these lengths. */
const around = (x: Tensor, lengths?: readonly number[]): Sequence =>
  lengths === undefined ? x : new PaddedSequence(x, lengths);

/** Lengths of N rows of T steps, of which the first is whole. */
const drawLengths = (draw: Draw, rows: number, steps: number): number[] =>
  draw.many(rows, (row) => (row === 0 ? steps : draw.whole(0, steps)));

const isReal = (place: readonly number[], lengths?: readonly number[]): boolean =>
  lengths === undefined || place[1]! < lengths[place[0]!]!;

const reductionOf = (draw: Draw): Reduction => draw.pick(['mean', 'sum', 'none']);

function reduced(each: Plain, divisor: number, reduction: Reduction): Plain {
  if (reduction === 'none') return each;
  const sum = total([...each.data]);
  return scalar(reduction === 'sum' ? sum : sum / divisor);
}

const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

type Pointwise = readonly [
  stm: (x: Sequence, t: Sequence, options: { reduction: Reduction }) => Tensor,
  plain: (x: number, t: number) => number,
  input?: readonly [number, number],
  target?: readonly [number, number],
];

const unit = [0.05, 0.95] as const;
const pointwise: Readonly<Record<string, Pointwise>> = {
  mseLoss: [stm.mseLoss, (x, t) => (x - t) ** 2],
  l1Loss: [stm.l1Loss, (x, t) => Math.abs(x - t)],
  smoothL1Loss: [
    (x, t, o) => stm.smoothL1Loss(x, t, { ...o, beta: 0.7 }),
    (x, t) => (Math.abs(x - t) < 0.7 ? (x - t) ** 2 / 1.4 : Math.abs(x - t) - 0.35),
  ],
  huberLoss: [
    (x, t, o) => stm.huberLoss(x, t, { ...o, delta: 0.7 }),
    (x, t) => (Math.abs(x - t) <= 0.7 ? (x - t) ** 2 / 2 : 0.7 * (Math.abs(x - t) - 0.35)),
  ],
  binaryCrossEntropy: [stm.binaryCrossEntropy, (x, t) => -(t * Math.log(x) + (1 - t) * Math.log(1 - x)), unit, unit],
  binaryCrossEntropyWithLogits: [
    stm.binaryCrossEntropyWithLogits,
    (x, t) => t * softplusOf(-x) + (1 - t) * softplusOf(x),
    [-9, 9],
    unit,
  ],
  klDivergence: [stm.klDivergence, (x, t) => t * (Math.log(t) - x), [-3, 0], unit],
};

const pointwiseCase: CaseMaker = (draw) => {
  const name = draw.pick(Object.keys(pointwise));
  const [run, plain, [low, high] = [-2, 2], target = [-2, 2]] = pointwise[name]!;
  const [shape, dtype, reduction] = [draw.fullShape(), floating(draw), reductionOf(draw)];
  const lengths = shape.length >= 2 && draw.chance(0.5) ? drawLengths(draw, shape[0]!, shape[1]!) : undefined;
  const inputs = [
    known(draw, shape, { dtype, low, high }),
    known(draw, shape, { dtype, low: target[0], high: target[1], gradient: false }),
  ];
  return {
    label: shown(name, { shape, reduction, lengths }),
    inputs,
    run: (x, t) => run(around(x, lengths), around(t!, lengths), { reduction }),
    plain: (x, t) => {
      const real = x.data.map((_, flat) => Number(isReal(placeOf(shape, flat), lengths)));
      const each: Plain = {
        shape,
        data: x.data.map((value, flat) => (real[flat] === 1 ? plain(value, t!.data[flat]!) : 0)),
      };
      return reduced(each, total([...real]), reduction);
    },
  };
};

interface CrossEntropySettings {
  lengths: readonly number[] | undefined;
  ignoreIndex: number;
  labelSmoothing: number;
  reduction: Reduction;
}

function plainCrossEntropy(x: Plain, target: Plain, weight: Plain | undefined, settings: CrossEntropySettings): Plain {
  const classes = x.shape.at(-1)!;
  const weightOf = (label: number): number => weight?.data[label] ?? 1;
  let divisor = 0;
  const each = build(target.shape, (place) => {
    const label = get(target, place);
    if (label === settings.ignoreIndex || !isReal(place, settings.lengths)) return 0;
    const scores = Array.from({ length: classes }, (_, at) => get(x, [...place, at]));
    const norm = logSumExp(scores);
    divisor += weightOf(label);
    const spreadLoss = total(scores.map((score, at) => weightOf(at) * (norm - score))) / classes;
    return (
      (1 - settings.labelSmoothing) * weightOf(label) * (norm - scores[label]!) + settings.labelSmoothing * spreadLoss
    );
  });
  return reduced(each, divisor, settings.reduction);
}

const crossEntropyCase: CaseMaker = (draw) => {
  const [classes, dtype] = [draw.whole(1, 6), floating(draw)];
  const shape = draw.fullShape(draw.whole(1, 3));
  const lengths = shape.length === 2 && draw.chance(0.5) ? drawLengths(draw, shape[0]!, shape[1]!) : undefined;
  // With at least two classes the first one is ignored in some cases; one label that counts must be there for a mean.
  const settings = {
    lengths,
    ignoreIndex: -100,
    labelSmoothing: draw.chance(0.4) ? 0.1 : 0,
    reduction: reductionOf(draw),
  };
  const weight = draw.chance(0.4) ? [known(draw, [classes], { dtype, low: 0.2, high: 2, gradient: false })] : [];
  const inputs = [
    known(draw, [...shape, classes], { dtype, low: -5, high: 5 }),
    known(draw, shape, { dtype: 'i32', low: 0, high: classes }),
    ...weight,
  ];
  const { labelSmoothing, reduction } = settings;
  return {
    label: shown('crossEntropy', { shape, classes, ...settings, weight: weight.length }),
    inputs,
    run: (x, t, w) =>
      stm.crossEntropy(around(x, lengths), around(t!, lengths), { weight: w, labelSmoothing, reduction }),
    plain: (x, t, w) => plainCrossEntropy(x, t!, w, settings),
  };
};

/** Labels that are ignored: drawn as -100 in some places behind the first. */
const ignoredCase: CaseMaker = (draw) => {
  const [classes, rows, dtype, reduction] = [draw.whole(2, 5), draw.whole(1, 8), floating(draw), reductionOf(draw)];
  const inputs = [
    known(draw, [rows, classes], { dtype }),
    known(draw, [rows], { dtype: 'i32', low: 0, high: classes }),
  ];
  const ignored = draw.many(rows, (row) => row > 0 && draw.chance(0.4));
  const settings = { lengths: undefined, ignoreIndex: -100, labelSmoothing: 0, reduction };
  const hidden = stm.tensor({ data: Uint8Array.from(ignored.map(Number)), shape: [rows] }, { dtype: 'bool' });
  return {
    label: shown('crossEntropy', { rows, classes, reduction, ignored }),
    inputs,
    run: (x, t) => stm.crossEntropy(x, stm.maskedFill(t!, hidden, -100), { reduction }),
    plain: (x, t) =>
      plainCrossEntropy(
        x,
        build([rows], ([row]) => (ignored[row!] ? -100 : t!.data[row!]!)),
        undefined,
        settings,
      ),
  };
};

/** -log of the sum over all alignments, by the forward recursion over blanks and labels. */
function ctcOf(
  logProbabilities: (step: number, label: number) => number,
  steps: number,
  labels: readonly number[],
): number {
  const states = [0, ...labels.flatMap((label) => [label, 0])];
  let alpha = states.map((label, at) => (at < 2 ? logProbabilities(0, label) : -Infinity));
  for (let step = 1; step < steps; step++) {
    const before = alpha;
    alpha = states.map((label, at) => {
      const from = [before[at]!, before[at - 1] ?? -Infinity];
      if (label !== 0 && states[at - 2] !== undefined && states[at - 2] !== label) from.push(before[at - 2]!);
      return logSumExp(from) + logProbabilities(step, label);
    });
  }
  return -logSumExp(states.length > 1 ? alpha.slice(-2) : alpha);
}

const ctcCase: CaseMaker = (draw) => {
  const [rows, steps, classes, labels, reduction] = [
    draw.whole(1, 3),
    draw.whole(7, 9),
    draw.whole(2, 5),
    draw.whole(1, 3),
    reductionOf(draw),
  ];
  const inputs = [
    known(draw, [steps, rows, classes], { dtype: 'f64' }),
    known(draw, [rows, labels], { dtype: 'i32', low: 1, high: classes }),
  ];
  const inputLengths = draw.many(rows, () => draw.whole(2 * labels, steps));
  const targetLengths = draw.many(rows, () => draw.whole(1, labels));
  return {
    label: shown('ctcLoss', { rows, steps, classes, inputLengths, targetLengths, reduction }),
    inputs,
    run: (x, t) => stm.ctcLoss(stm.logSoftmax(x, -1), t!, { inputLengths, targetLengths, reduction }),
    plain: (x, t) => {
      const logs = alongAxis(x, 2, (line) => line.map((value) => value - logSumExp(line)));
      const each = build([rows], ([row]) => {
        const target = Array.from({ length: targetLengths[row!]! }, (_, at) => get(t!, [row!, at]));
        const loss = ctcOf((step, label) => get(logs, [step, row!, label]), inputLengths[row!]!, target);
        return reduction === 'mean' ? loss / target.length : loss;
      });
      return reduced(each, rows, reduction);
    },
  };
};

const posWeightCase: CaseMaker = (draw) => {
  const [rows, classes, dtype, reduction] = [draw.some(), draw.some(), floating(draw), reductionOf(draw)];
  const inputs = [
    known(draw, [rows, classes], { dtype, low: -9, high: 9 }),
    known(draw, [rows, classes], { dtype, low: 0.05, high: 0.95, gradient: false }),
    known(draw, [classes], { dtype, low: 0.2, high: 3, gradient: false }),
  ];
  const loss = (x: number, t: number, weight: number): number =>
    weight * t * -Math.log(sigmoidOf(x)) + (1 - t) * softplusOf(x);
  return {
    label: shown('binaryCrossEntropyWithLogits, posWeight', { rows, classes, reduction }),
    inputs,
    run: (x, t, posWeight) => stm.binaryCrossEntropyWithLogits(x, t!, { posWeight, reduction }),
    plain: (x, t, weight) =>
      reduced(
        build([rows, classes], (place) => loss(get(x, place), get(t!, place), weight!.data[place[1]!]!)),
        rows * classes,
        reduction,
      ),
  };
};

export const lossCases: readonly CaseMaker[] = [
  pointwiseCase,
  pointwiseCase,
  crossEntropyCase,
  ignoredCase,
  ctcCase,
  posWeightCase,
];
