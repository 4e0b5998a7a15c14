// Some op functions of src/tensor/ops/normalization.ts, each with what it gives in plain TypeScript.
import { layerNorm, logSoftmax, softmax, type HostArray } from 'stmnet';
import { at, generate, type OpCase } from './cases';

/** softmax of plain numbers. */
export function softmaxOf(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** Each element of x with those of its row, the last axis (one element for a tensor without axes). */
const byRows = (x: HostArray, fn: (row: readonly number[], index: number) => number): HostArray =>
  generate(x.shape, (place) => {
    const index = place.at(-1) ?? 0;
    const row = Array.from({ length: x.shape.at(-1) ?? 1 }, (_, i) =>
      at(
        x,
        place.map((one, axis) => (axis === place.length - 1 ? i : one)),
      ),
    );
    return fn(row, index);
  });

/** How far an element lies from its row's mean, in units of √(variance + eps). */
function standardScore(row: readonly number[], index: number): number {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return ((row[index] ?? 0) - mean) / Math.sqrt(variance + 0.01);
}

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
];
