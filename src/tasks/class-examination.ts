import type { EvaluationRecord, ExampleRecord } from '../report';
import { calibrationBins } from './calibration';
import type { ClassEvaluation } from './class-evaluation';
import type { ClassPrediction } from './class-prediction';

/** How many examples of a kind a report shows. */
const SHOWN = 20;

/** A text and what was said of it. */
interface Judged extends Required<ExampleRecord> {
  readonly right: boolean;
  /** By how much the most probable label is ahead of the next. */
  readonly margin: number;
}

/**
 * What a report shows of classified texts.
 *
 * @param evaluation   of these texts
 * @param predictions  what was said of each
 */
export function examineClasses(
  evaluation: ClassEvaluation,
  texts: readonly { readonly text: string; readonly labels: readonly string[] }[],
  predictions: readonly ClassPrediction[],
): Omit<EvaluationRecord, 'part' | 'lengths'> {
  const { loss, accuracy, f1, confusion, labels, classes } = evaluation;
  const judged = texts.flatMap((text, place) => {
    const prediction = predictions[place];
    return prediction === undefined ? [] : [judge(text, prediction)];
  });
  const shown = (kept: readonly Judged[]): ExampleRecord[] =>
    kept.slice(0, SHOWN).map(({ text, label, predicted, probability }) => ({ text, label, predicted, probability }));
  const counts = labels.map((label) => ({ label, count: texts.filter((one) => one.labels.includes(label)).length }));
  return {
    figures: { loss, accuracy, f1 },
    ...(confusion && { confusion: { labels, counts: confusion } }),
    perClass: labels.map((label) => ({ label, ...(classes[label] ?? NOTHING) })),
    calibration: calibrationBins(
      judged.map(({ probability }) => probability),
      judged.map(({ right }) => right),
    ),
    examples: {
      worst: shown(judged.filter(({ right }) => !right).sort((a, b) => b.probability - a.probability)),
      uncertain: shown([...judged].sort((a, b) => a.margin - b.margin)),
    },
    labels: counts,
  };
}

const NOTHING = { precision: Number.NaN, recall: Number.NaN, f1: Number.NaN, support: 0 };

/** With several labels a text the probability is that of the answer as a whole: of its least certain label. */
function judge({ text, labels }: { text: string; labels: readonly string[] }, prediction: ClassPrediction): Judged {
  const chances = Object.values(prediction.probabilities).sort((a, b) => b - a);
  const said = prediction.labels ?? [prediction.label];
  const certain = chances.map((chance) => Math.max(chance, 1 - chance));
  const probability = prediction.labels === undefined ? prediction.probability : Math.min(...certain);
  return {
    text,
    label: labels.join(', '),
    predicted: said.join(', '),
    probability,
    right: [...said].sort().join('\n') === [...labels].sort().join('\n'),
    margin: prediction.labels === undefined ? (chances[0] ?? 0) - (chances[1] ?? 0) : probability,
  };
}
