// The op functions of src/tensor/ops/normalization.ts, each with what it gives in plain TypeScript.
import { batchNorm, clone, layerNorm, logSoftmax, softmax, type HostArray } from 'stmnet';
import { at, generate, type OpCase } from './cases';
import { constant } from './inputs';
import { isReal, lengthsOf } from './lengths';

/** softmax of plain numbers. */
export function softmaxOf(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** Each element of x with those of its row along an axis (one element for a tensor without axes). */
const byRows = (
  x: HostArray,
  fn: (row: readonly number[], index: number) => number,
  dim = x.shape.length - 1,
): HostArray =>
  generate(x.shape, (place) => {
    const row = Array.from({ length: x.shape[dim] ?? 1 }, (_, i) =>
      at(
        x,
        place.map((one, axis) => (axis === dim ? i : one)),
      ),
    );
    return fn(row, place[dim] ?? 0);
  });

/** How far an element lies from its row's mean, in units of √(variance + eps). */
function standardScore(row: readonly number[], index: number): number {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return ((row[index] ?? 0) - mean) / Math.sqrt(variance + 0.01);
}

interface BatchNormOf {
  weight?: HostArray;
  bias?: HostArray;
  runningMean?: HostArray;
  runningVar?: HostArray;
  /** Leaves out the steps past the lengths. */
  padded?: boolean;
}

/** The mean, the variance and the number of the real elements of a column, the last axis. */
function columnOf(x: HostArray, column: number, padded: boolean): { mean: number; variance: number; count: number } {
  const values: number[] = [];
  generate(x.shape, (place) => {
    if (place.at(-1) === column && (!padded || isReal(x, place))) values.push(at(x, place));
    return 0;
  });
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count, count };
}

/** batchNorm by the statistics given, or by those of x. */
function batchNormOf(x: HostArray, { weight, bias, runningMean, runningVar, padded = false }: BatchNormOf): HostArray {
  const columns = Array.from({ length: x.shape.at(-1) ?? 0 }, (_, c) => columnOf(x, c, padded));
  return generate(x.shape, (place) => {
    if (padded && !isReal(x, place)) return 0;
    const c = place.at(-1) ?? 0;
    const [mean, variance] =
      runningMean === undefined || runningVar === undefined
        ? [columns[c]?.mean ?? 0, columns[c]?.variance ?? 0]
        : [at(runningMean, [c]), at(runningVar, [c])];
    const score = (at(x, place) - mean) / Math.sqrt(variance + 1e-5);
    return score * (weight === undefined ? 1 : at(weight, [c])) + (bias === undefined ? 0 : at(bias, [c]));
  });
}

/** Running statistics after a batch: a tenth of its mean and of its unbiased variance. */
const moved = (x: HostArray, old: HostArray, of: 'mean' | 'variance'): HostArray =>
  generate(old.shape, ([c = 0]) => {
    const { count, ...column } = columnOf(x, c, false);
    const seen = of === 'mean' ? column.mean : (column.variance * count) / (count - 1);
    return 0.9 * at(old, [c]) + 0.1 * seen;
  });

const batchNormOps: readonly OpCase[] = [
  {
    op: 'batchNorm',
    run: (x, weight, bias) => batchNorm(x, { weight, bias, training: true }),
    reference: (x, weight, bias) => batchNormOf(x, { weight, bias }),
    shapes: [
      [[5, 3], [3], [3]],
      [[2, 3, 2], [2], [2]],
    ],
    large: [[[133, 70], [70], [70]]],
  },
  {
    op: 'batchNorm with lengths',
    run: (x, weight, bias) => batchNorm(x, { weight, bias, training: true, lengths: lengthsOf(x.shape) }),
    reference: (x, weight, bias) => batchNormOf(x, { weight, bias, padded: true }),
    shapes: [[[4, 3, 3], [3], [3]]],
    large: [[[5, 37, 24], [24], [24]]],
  },
  {
    op: 'batchNorm by running statistics',
    run: (x, weight, bias, runningMean, runningVar) => batchNorm(x, { weight, bias, runningMean, runningVar }),
    reference: (x, weight, bias, runningMean, runningVar) => batchNormOf(x, { weight, bias, runningMean, runningVar }),
    shapes: [[[4, 3], [3], [3], constant([3]), constant([3], [0.5, 2])]],
    large: [[[133, 70], [70], [70], constant([70]), constant([70], [0.5, 2])]],
  },
  {
    op: 'batchNorm that moves running statistics',
    run: (x, mean, variance) => {
      const [runningMean, runningVar] = [clone(mean), clone(variance)];
      return [batchNorm(x, { runningMean, runningVar, training: true }), runningMean, runningVar];
    },
    reference: (x, mean, variance) => [batchNormOf(x, {}), moved(x, mean, 'mean'), moved(x, variance, 'variance')],
    shapes: [[[5, 3], constant([3]), constant([3], [0.5, 2])]],
    large: [[[133, 70], constant([70]), constant([70], [0.5, 2])]],
    gradient: false, // running statistics pass none on
  },
];

const shapes = [[[3, 5]], [[2, 3, 17]], [[4, 1]], [[0, 4]], [[2, 0, 3]], [[1]]];
export const normalizationOps: readonly OpCase[] = [
  {
    op: 'softmax',
    large: [[[5, 37, 24]]],
    run: (x) => softmax(x),
    reference: (x) => byRows(x, (row, index) => softmaxOf(row)[index] ?? 0),
    shapes: [...shapes, [[]], [[2, 0]]],
    domain: [-4, 4],
  },
  {
    op: 'logSoftmax',
    large: [[[5, 37, 24]], [[40, 10_000]]],
    run: (x) => logSoftmax(x),
    reference: (x) => byRows(x, (row, index) => Math.log(softmaxOf(row)[index] ?? 0)),
    shapes: [...shapes, [[]], [[2, 0]]],
    domain: [-4, 4],
  },
  {
    op: 'layerNorm',
    large: [[[7, 5000]]],
    run: (x) => layerNorm(x, { eps: 0.01 }),
    reference: (x) => byRows(x, standardScore),
    shapes,
  },
  {
    op: 'layerNorm with weight and bias',
    large: [[[5, 37, 24], [24], [24]]],
    run: (x, weight, bias) => layerNorm(x, { weight, bias, eps: 0.01 }),
    reference: (x, weight, bias) =>
      byRows(x, (row, index) => standardScore(row, index) * (weight.data[index] ?? 0) + (bias.data[index] ?? 0)),
    shapes: [
      [[3, 5], [5], [5]],
      [[0, 4], [4], [4]],
    ],
  },
  ...[0, 1].flatMap((dim): OpCase[] => [
    {
      op: `softmax along ${dim}`,
      run: (x) => softmax(x, dim),
      reference: (x) => byRows(x, (row, index) => softmaxOf(row)[index] ?? 0, dim),
      shapes: [[[3, 5]], [[2, 4, 3]], [[1, 1]]],
      large: [[[5, 37, 24]]],
      domain: [-4, 4],
    },
    {
      op: `logSoftmax along ${dim}`,
      run: (x) => logSoftmax(x, dim),
      reference: (x) => byRows(x, (row, index) => Math.log(softmaxOf(row)[index] ?? 0), dim),
      shapes: [[[3, 5]], [[2, 4, 3]], [[1, 1]]],
      large: [[[5, 37, 24]]],
      domain: [-4, 4],
    },
  ]),
  ...batchNormOps,
];
