// One row or more for each op function of src/tensor/ops: what the tests on a GPU run it with.
import * as stm from 'stmnet';
import { PaddedSequence, type Tensor } from 'stmnet';
import { binaryOps, unaryOps } from './elementwise';
import { bool, constant, float, whole, type Input } from './inputs';
import { matmulOps } from './matmul';
import { normalizationOps } from './normalization';
import { reductions } from './reductions';
import { shapeOps } from './shape';

/** One op on some inputs. */
export interface OpRow {
  inputs: readonly Input[];
  run: (...inputs: Tensor[]) => Tensor | Tensor[];
  /** Of the largest number, instead of the usual; with the reason in the table. */
  tolerance?: number;
}

type One = (x: Tensor) => Tensor;
type Two = (a: Tensor, b: Tensor) => Tensor;
const [rows, columns] = [133, 70];
const matrix = float([rows, columns]);
const cube = float([5, 37, 24]);

/** An element-wise function: a matrix, and a vector that is longer than a block. */
const unary = (fn: One, range: readonly [number, number] = [-2, 2]): OpRow[] =>
  [[rows, columns], [70_001]].map((shape) => ({ inputs: [float(shape, range)], run: fn }));
/** A function of two: of one shape, broadcast along each axis, and with a scalar. */
const binary = (fn: Two, range: readonly [number, number] = [-2, 2]): OpRow[] =>
  [
    [
      [rows, columns],
      [rows, columns],
    ],
    [[rows, columns], [columns]],
    [[rows, 1], [columns]],
    [
      [5, 1, 24],
      [37, 1],
    ],
    [[], [rows, columns]],
  ].map(([a = [], b = []]) => ({ inputs: [float(a, range), float(b, range)], run: fn }));
/** Along each axis, along several and over everything. */
const reducing = (fn: (x: Tensor, dim?: number | number[]) => Tensor, range: readonly [number, number]): OpRow[] => {
  const cases: [readonly number[], number | number[] | undefined][] = [
    [cube.shape, undefined],
    [cube.shape, 0],
    [cube.shape, 1],
    [cube.shape, -1],
    [cube.shape, [0, 2]],
    [[3, 9000], -1],
    [[9000, 3], 0],
  ];
  return cases.map(([shape, dim]) => ({ inputs: [float(shape, range)], run: (x) => fn(x, dim) }));
};
/** One that writes into its first operand, which is a copy here. */
const inPlace = (fn: Two): OpRow[] => [
  { inputs: [constant([rows, columns]), constant([columns], [1, 3])], run: (a, b) => fn(stm.clone(a), b) },
];

const lengths = [37, 0, 12, 1, 30];
const padded = (x: Tensor): PaddedSequence => new PaddedSequence(x, lengths);
const probabilities = [0.05, 0.95] as const;

const rowsOf = <Op>(ops: Readonly<Record<string, Op>>, rowsOfOne: (op: Op) => OpRow[]): Record<string, OpRow[]> =>
  Object.fromEntries(Object.entries(ops).map(([name, op]) => [name, rowsOfOne(op)]));

/** Rows of the functions that have small ones in plain TypeScript too. */
const withReference: Record<string, OpRow[]> = {};
for (const { op, run, large = [], domain } of [...shapeOps, ...matmulOps, ...normalizationOps]) {
  const rowsOfOne = large.map((shapes): OpRow => ({ inputs: shapes.map((shape) => float(shape, domain)), run }));
  (withReference[op.split(/[ ,]/)[0] ?? op] ??= []).push(...rowsOfOne);
}
for (const dim of [0, 1]) {
  withReference['softmax']?.push({ inputs: [cube], run: (x) => stm.softmax(x, dim) });
  withReference['logSoftmax']?.push({ inputs: [cube], run: (x) => stm.logSoftmax(x, dim) });
}

export const opTable: Readonly<Record<string, readonly OpRow[]>> = {
  ...withReference,
  ...rowsOf(unaryOps, ({ run, domain }) => unary(run, domain)),
  ...rowsOf(binaryOps, ({ run, domain }) => binary(run, domain)),
  ...rowsOf(reductions, ({ run, domain }) => reducing(run, domain)),
  logicalAnd: [{ inputs: [bool([rows, columns]), bool([columns])], run: stm.logicalAnd }],
  logicalOr: [{ inputs: [bool([rows, columns]), bool([columns])], run: stm.logicalOr }],
  logicalNot: [{ inputs: [bool([rows, columns])], run: stm.logicalNot }],
  isNaN: unary((x) => stm.isNaN(stm.log(x))),
  isFinite: unary((x) => stm.isFinite(stm.log(stm.relu(x)))),
  where: [{ inputs: [bool([rows, columns]), matrix, float([columns])], run: stm.where }],
  maskedFill: [{ inputs: [matrix, bool([rows, columns])], run: (x, mask) => stm.maskedFill(x, mask, -7) }],
  cast: (['f32', 'f64', 'i32', 'bool'] as const).map((dtype) => ({
    inputs: [constant([rows, columns])],
    run: (x) => stm.cast(x, dtype),
  })),
  contiguous: [{ inputs: [cube], run: (x) => stm.contiguous(x.permute([2, 0, 1])) }],
  add_: inPlace((a, b) => stm.add_(a, b)),
  sub_: inPlace((a, b) => stm.sub_(a, b)),
  mul_: inPlace((a, b) => stm.mul_(a, b)),
  div_: inPlace((a, b) => stm.div_(a, b)),
  copy_: inPlace((a, b) => stm.copy_(a, b)),
  fill_: inPlace((a) => stm.fill_(a, 2.5)),
  zero_: inPlace((a) => stm.zero_(a)),
  embedding: [
    {
      inputs: [whole([9, 40], 50), float([50, 33])],
      run: (words, table) => stm.embedding(words, table, { paddingIdx: 3 }),
    },
    { inputs: [whole([5000], 7), float([7, 5])], run: (words, table) => stm.embedding(words, table) },
    { inputs: [whole([9, 40], 50), float([50, 3])], run: (words, table) => stm.embedding(words.cast('f32'), table) },
  ],
  indexSelect: [0, 1, 2].map((dim) => ({
    inputs: [cube, whole([60], 5)],
    run: (x, places) => stm.indexSelect(x, dim, places),
  })),
  gather: [
    { inputs: [matrix, whole([rows, 9], columns)], run: (x, places) => stm.gather(x, 1, places) },
    { inputs: [matrix, whole([9, columns], rows)], run: (x, places) => stm.gather(x, 0, places) },
  ],
  scatterAdd: [
    {
      inputs: [float([rows, columns]), whole([rows, 200], columns), float([rows, 200])],
      run: (x, places, source) => stm.scatterAdd(x, 1, places, source),
    },
    {
      inputs: [float([9, columns]), whole([400, columns], 9), float([400, columns])],
      run: (x, places, source) => stm.scatterAdd(x, 0, places, source),
    },
  ],
  oneHot: [{ inputs: [whole([40, 9], 21)], run: (x) => stm.oneHot(x, 21) }],
  topK: [
    { inputs: [matrix], run: (x) => Object.values(stm.topK(x, 9)) as Tensor[] },
    { inputs: [cube], run: (x) => Object.values(stm.topK(x, 3, 1, { largest: false })) as Tensor[] },
  ],
  sort: [
    { inputs: [matrix], run: (x) => Object.values(stm.sort(x)) as Tensor[] },
    { inputs: [float([3, 4000])], run: (x) => Object.values(stm.sort(x, 1, { descending: true })) as Tensor[] },
    { inputs: [cube], run: (x) => Object.values(stm.sort(x, 1)) as Tensor[] },
  ],
  unfold: [{ inputs: [cube], run: (x) => stm.unfold(x, 1, 5, { stride: 3, dilation: 2 }) }],
  mseLoss: losses((x, y, reduction) => stm.mseLoss(x, y, { reduction })),
  l1Loss: losses((x, y, reduction) => stm.l1Loss(x, y, { reduction })),
  smoothL1Loss: losses((x, y, reduction) => stm.smoothL1Loss(x, y, { reduction, beta: 0.5 })),
  huberLoss: losses((x, y, reduction) => stm.huberLoss(x, y, { reduction, delta: 0.7 })),
  binaryCrossEntropy: losses((x, y, reduction) => stm.binaryCrossEntropy(x, y, { reduction }), probabilities),
  binaryCrossEntropyWithLogits: losses(
    (x, y, reduction) => stm.binaryCrossEntropyWithLogits(x, y, { reduction }),
    [-2, 2],
    probabilities,
  ),
  klDivergence: losses((x, y, reduction) => stm.klDivergence(x, y, { reduction }), [-3, -0.1], probabilities),
  crossEntropy: [
    ...(['mean', 'sum', 'none'] as const).map((reduction): OpRow => ({
      inputs: [matrix, whole([rows], columns)],
      run: (x, y) => stm.crossEntropy(x, y, { reduction, ignoreIndex: 4, labelSmoothing: 0.1 }),
    })),
    { inputs: [float([40, 10_000]), whole([40], 10_000)], run: (x, y) => stm.crossEntropy(x, y) },
    { inputs: [cube, whole([5, 37], 24)], run: (x, y) => stm.crossEntropy(padded(x), padded(y)) },
    { inputs: [cube, whole([5, 37], 24)], run: (x, y) => stm.crossEntropy(padded(x), padded(y.cast('f64'))) },
    {
      inputs: [matrix, whole([rows], columns), constant([columns], [0.1, 2])],
      run: (x, y, weight) => stm.crossEntropy(x, y, { weight }),
    },
    ...(['mean', 'sum', 'none'] as const).map((reduction): OpRow => ({
      inputs: [matrix, float([rows, columns], [0, 0.1]), constant([columns], [0.1, 2])],
      run: (x, y, weight) => stm.crossEntropy(x, y, { weight, reduction, labelSmoothing: 0.1 }),
    })),
    { inputs: [cube, float([5, 37, 24], [0, 0.1])], run: (x, y) => stm.crossEntropy(padded(x), padded(y)) },
  ],
  ctcLoss: [
    {
      inputs: [float([37, 5, 12]), constant([5, 8], [1, 12])],
      run: (x, y) =>
        stm.ctcLoss(stm.logSoftmax(x), stm.cast(stm.floor(y), 'i32'), {
          inputLengths: [37, 30, 37, 20, 25],
          targetLengths: [8, 3, 0, 7, 1],
        }),
      tolerance: 1e-4,
    },
  ], // long sums of logarithms
  batchNorm: [
    {
      inputs: [matrix, float([columns]), float([columns])],
      run: (x, weight, bias) => stm.batchNorm(x, { weight, bias, training: true }),
    },
    {
      inputs: [cube, float([24]), float([24])],
      run: (x, weight, bias) => stm.batchNorm(x, { weight, bias, training: true, lengths }),
    },
    {
      inputs: [matrix, constant([columns]), constant([columns], [0.5, 2])],
      run: (x, runningMean, runningVar) => stm.batchNorm(x, { runningMean, runningVar }),
    },
    {
      inputs: [matrix, constant([columns]), constant([columns], [0.5, 2])],
      run: (x, runningMean, runningVar) => [
        stm.batchNorm(x, {
          runningMean: (runningMean = stm.clone(runningMean)),
          runningVar: (runningVar = stm.clone(runningVar)),
          training: true,
        }),
        runningMean,
        runningVar,
      ],
    },
  ],
  dropout: [
    { inputs: [matrix], run: (x) => stm.dropout(x, 0.3) },
    { inputs: [float([70_001])], run: (x) => stm.dropout(x, 0.9) },
  ],
  bernoulli: [{ inputs: [constant([rows, columns], [0, 1])], run: stm.bernoulli }],
  gaussianNoise: [{ inputs: [matrix], run: (x) => stm.gaussianNoise(x, 0.5) }],
  uniform_: [{ inputs: [constant([rows, columns])], run: (x) => stm.uniform_(stm.clone(x), { low: -1, high: 3 }) }],
  normal_: [{ inputs: [constant([rows, columns])], run: (x) => stm.normal_(stm.clone(x), { mean: 1, std: 2 }) }],
  argmax: [undefined, 0, 1, 2].map((dim) => ({ inputs: [constant([5, 37, 24])], run: (x) => stm.argmax(x, dim) })),
  argmin: [undefined, 0, 1, 2].map((dim) => ({ inputs: [constant([5, 37, 24])], run: (x) => stm.argmin(x, dim) })),
  any: [undefined, 0, [0, 2]].map((dim) => ({ inputs: [bool([5, 37, 24])], run: (x) => stm.any(x, dim) })),
  all: [undefined, 1, [0, 2]].map((dim) => ({ inputs: [bool([2, 3, 2])], run: (x) => stm.all(x, dim) })),
  cumsum: [
    ...[0, 1, 2].map((dim): OpRow => ({ inputs: [cube], run: (x) => stm.cumsum(x, dim) })),
    { inputs: [float([2, 9000])], run: (x) => stm.cumsum(x, 1) },
  ],
  concat: [0, 1, 2].map((dim) => ({ inputs: [cube, cube, cube], run: (a, b, c) => stm.concat([a, b, c], dim) })),
  stack: [{ inputs: [cube, cube], run: (a, b) => stm.stack([a, b], 1) }],
  split: [{ inputs: [cube], run: (x) => stm.split(x, [10, 7, 20], 1).map((part) => stm.mul(part, 2)) }],
  scaledDotProductAttention: [
    {
      inputs: [float([3, 20, 16]), float([3, 31, 16]), float([3, 31, 8])],
      run: (q, k, v) => stm.scaledDotProductAttention(q, k, v),
    },
    {
      inputs: [float([3, 20, 16]), float([3, 20, 16]), float([3, 20, 8])],
      run: (q, k, v) => stm.scaledDotProductAttention(q, k, v, { causal: true }),
    },
  ],
  conv1d: [{ inputs: [float([4, 37, 6]), float([9, 6, 5])], run: (x, weight) => stm.conv1d(x, weight) }],
};

/** A loss of two matrices under each reduction, and of padded sequences. */
function losses(
  fn: (x: Tensor | PaddedSequence, y: Tensor | PaddedSequence, reduction: 'mean' | 'sum' | 'none') => Tensor,
  range: readonly [number, number] = [-2, 2],
  target: readonly [number, number] = range,
): OpRow[] {
  const plain = (['mean', 'sum', 'none'] as const).map((reduction): OpRow => ({
    inputs: [float([rows, columns], range), constant([rows, columns], target)],
    run: (x, y) => fn(x, y, reduction),
  }));
  return [
    ...plain,
    {
      inputs: [float([5, 37, 24], range), constant([5, 37, 24], target)],
      run: (x, y) => fn(padded(x), padded(y), 'mean'),
    },
  ];
}
