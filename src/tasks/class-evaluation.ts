import { ConfusionMatrix } from '../metrics/confusion-matrix';
import { ClassReport, type ClassFigures } from '../metrics/class-report';
import type { ClassLabels } from './class-labels';
import type { ClassPrediction } from './class-prediction';

/** What a classifier's `evaluate` gives. */
export interface ClassEvaluation {
  /** Mean over the examples, without those whose label training never saw. */
  readonly loss: number;
  /** Part of the examples whose label was predicted; with several labels each, part of all yes and no. */
  readonly accuracy: number;
  /** Of two labels that of the rarer one; of more the mean over them; with several labels each, over all yes and no. */
  readonly f1: number;
  /** Precision, recall, F1 and support of each label. */
  readonly classes: Readonly<Record<string, ClassFigures>>;
  /** Labels of rows and columns of `confusion`: those of training, then those that only these examples have. */
  readonly labels: readonly string[];
  /** Counts: rows are true labels, columns predicted ones. Absent where an example may have several labels. */
  readonly confusion?: readonly (readonly number[])[];
  /** Labels that training never saw: examples of them count as wrong. Absent if there is none. */
  readonly unknownLabels?: readonly string[];
}

/**
 * Compares what was predicted with what is right.
 *
 * @param predictions  what was predicted for each example
 * @param examples     its label
 */
export async function evaluateClasses(
  loss: number,
  labels: ClassLabels,
  predictions: readonly ClassPrediction[],
  examples: readonly (readonly string[])[],
): Promise<ClassEvaluation> {
  const [said, right] = [predictions.map(({ label }) => label), examples.map(([label = '']) => label)];
  const unknown = labels.unknownAmong(right);
  const names = [...labels.names, ...unknown];
  const matrix = new ConfusionMatrix({ labels: names });
  matrix.update(said, right);
  const [confusion, report] = [await matrix.matrix(), await matrix.report()];
  matrix.reset();
  const { accuracy, macro, classes } = report;
  const f1 = (labels.positive === undefined ? macro : classes[labels.positive])?.f1 ?? Number.NaN;
  return {
    loss,
    accuracy,
    f1,
    classes,
    labels: names,
    confusion,
    ...(unknown.length === 0 ? {} : { unknownLabels: unknown }),
  };
}

/**
 * The same where an example may have several labels, or none.
 *
 * @param predictions  what was predicted for each example
 * @param right        its labels
 */
export function evaluateLabelSets(
  loss: number,
  labels: ClassLabels,
  predictions: readonly ClassPrediction[],
  right: readonly (readonly string[])[],
): ClassEvaluation {
  const said = predictions.map((prediction) => prediction.labels ?? []);
  const unknown = labels.unknownAmong(right.flat());
  const names = [...labels.names, ...unknown];
  const countOf = (holds: (name: string, place: number) => boolean): number[] =>
    names.map((name) => right.reduce((count, _, place) => count + Number(holds(name, place)), 0));
  const counts = {
    right: countOf((name, place) => said[place]?.includes(name) === true && right[place]?.includes(name) === true),
    said: countOf((name, place) => said[place]?.includes(name) === true),
    truth: countOf((name, place) => right[place]?.includes(name) === true),
  };
  const [both, all] = [sum(counts.right), sum(counts.said) + sum(counts.truth)];
  return {
    loss,
    accuracy: 1 - (all - 2 * both) / (names.length * right.length),
    f1: all === 0 ? 0 : (2 * both) / all,
    classes: new ClassReport(counts, names, 0).classes,
    labels: names,
    ...(unknown.length === 0 ? {} : { unknownLabels: unknown }),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
