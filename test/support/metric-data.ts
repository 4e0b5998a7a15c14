// Data that metrics are compared on with those of other packages: scripts/metric-references.py has the same formulas.
import { tensor, type GivenHints, type Metric } from 'stmnet';

const rows = 40;
const numbers = Array.from({ length: rows }, (_, i) => i);

/** Labels of four of five classes, scores of all five, and weights. */
export const classes = {
  truth: numbers.map((i) => (i * i + Math.floor(i / 3)) % 4),
  scores: numbers.map((i) =>
    [0, 1, 2, 3, 4].map((c) => {
      const right = c === (i * i + Math.floor(i / 3)) % 4 && i % 3 > 0;
      return ((i * 7 + c * 11 + (right ? 15 : 0)) % 17) / 17;
    }),
  ),
  weight: numbers.map((i) => 1 + (i % 4) / 2),
};

/** The same as yes and no: whether the class is more than 1, and the score of class 1. */
export const binary = {
  truth: classes.truth.map((label) => Number(label > 1)),
  scores: classes.scores.map((row) => row[1] ?? 0),
  weight: classes.weight,
};

/** Labels of five classes, numbers that are no probabilities (`given`), and probabilities that sum to 1. */
export const chances = {
  truth: classes.truth.map((label, i) => (i % 11 === 5 ? 4 : label)),
  given: classes.scores,
  scores: classes.scores.map((row) => row.map((score) => score / row.reduce((sum, other) => sum + other, 0))),
  weight: classes.weight,
};

/** Two outputs and their targets, `shift` more than they are. */
export const regression = (shift = 0): Data => {
  const truth = numbers.map((i) => [0, 1].map((c) => (((i * 5) % 13) - 6) * 1.5 + c + shift));
  const scores = truth.map((row, i) => row.map((target, c) => target + Math.sin(i + c)));
  return { truth, scores, weight: classes.weight };
};

/** The first output alone, and its target. */
export const regressionOfOne = (shift = 0): Data => {
  const { truth, scores, weight } = regression(shift);
  const first = (row: number | readonly number[]): number => (typeof row === 'number' ? row : (row[0] ?? 0));
  return { truth: truth.map(first), scores: scores.map(first), weight };
};

/** What metrics compare. */
export interface Data {
  readonly scores: readonly (number | readonly number[])[];
  readonly truth: readonly (number | readonly number[])[];
  readonly weight: readonly number[];
}

/**
 * The value of a metric over data in batches.
 *
 * @param size  of a batch
 * @param weighted  whether the rows have their weights
 * @param hints  beside the weights
 */
export async function inBatches(
  metric: Metric,
  { scores, truth, weight }: Data,
  { size = 40, weighted = false, hints = {} }: { size?: number; weighted?: boolean; hints?: GivenHints } = {},
): Promise<number> {
  metric.reset();
  for (let at = 0; at < truth.length; at += size) {
    const part = <T>(list: readonly T[]): T[] => list.slice(at, at + size);
    const output = tensor(part(scores), { dtype: 'f64' });
    metric.update(output, tensor(part(truth), { dtype: truth.every(Number.isInteger) ? 'i32' : 'f64' }), {
      ...hints,
      ...(weighted ? { weight: part(weight) } : {}),
    });
  }
  return metric.compute();
}
