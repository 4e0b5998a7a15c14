import { sigmoid } from '../tensor/ops/elementwise';
import { softmax } from '../tensor/ops/normalization';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import type { ClassLabels } from './class-labels';

/** What a classifier says of one input. */
export interface ClassPrediction {
  /** The most probable label. */
  readonly label: string;
  /** How probable it is, 0..1. */
  readonly probability: number;
  /** How probable each label is; they add up to 1, unless there may be several labels. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Where there may be several: those that are more probable than not. */
  readonly labels?: readonly string[];
}

/**
 * How probable each class is.
 *
 * @param scores    [N, C], which is disposed of
 * @param multiple  whether an input may have several labels
 * @returns a row for each input
 */
export async function chances(scores: Tensor, multiple: boolean): Promise<Float32Array[]> {
  const [rows = 0, classes = 0] = scores.shape;
  const values = scope(() => (multiple ? sigmoid(scores) : softmax(scores, -1)));
  const data = await values.data();
  scores.dispose();
  values.dispose();
  return Array.from({ length: rows }, (_, row) => Float32Array.from(data.slice(row * classes, (row + 1) * classes)));
}

/** What is said of an input whose classes are as probable as that. */
export function predictionOf(labels: ClassLabels, row: Float32Array): ClassPrediction {
  const best = row.reduce((top, chance, index) => (chance > (row[top] ?? 0) ? index : top), 0);
  const named = labels.names.map((name, index): [string, number] => [name, row[index] ?? 0]);
  return {
    label: labels.names[best] ?? '',
    probability: row[best] ?? 0,
    probabilities: Object.fromEntries(named),
    ...(labels.multiple && { labels: named.filter(([, chance]) => chance > 0.5).map(([name]) => name) }),
  };
}
