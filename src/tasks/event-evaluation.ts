import { BrierScore, LogLoss } from '../metrics/probabilities';
import { AUROC } from '../metrics/ranking';
import type { CalibrationBin } from '../report';
import { calibrationBins } from './calibration';

/** How well probabilities fit what happened. */
export interface ProbabilityFigures {
  /** Probability that who does gets a higher one than who does not; NaN where all do, or none does. */
  readonly auroc: number;
  /** Mean of -log of the probability of what happened. */
  readonly logLoss: number;
  /** Mean of the squared difference between the probability and what happened, 1 or 0. */
  readonly brierScore: number;
  /** Share of those of whom the more probable came true. */
  readonly accuracy: number;
}

/** Another model's figures on the same examples. */
export interface EventBaseline {
  /** What it is: `logistic regression on recency, frequency, value`. */
  readonly name: string;
  /** What it came to. */
  readonly figures: ProbabilityFigures;
}

/** What was asked about each customer. */
export interface AskedQuestion {
  /** Whether it happens in so many days … */
  readonly horizon: number;
  /** … after this moment, as the rows write it: a date, or a number of days. */
  readonly cutOff: string;
}

/** What `evaluate` of an EventClassifier gives. */
export interface EventEvaluation extends ProbabilityFigures {
  /** What was asked. Absent where sequences had a label each. */
  readonly question?: AskedQuestion;
  /** The same as `logLoss`. */
  readonly loss: number;
  /** How many customers were asked about: those with an event at or before the cut-off. */
  readonly count: number;
  /** Share of them to whom it happened. */
  readonly share: number;
  /** Whether what was said to be likely did happen. */
  readonly calibration: readonly CalibrationBin[];
  /** What simpler models come to that learned from the same examples. */
  readonly baselines: readonly EventBaseline[];
}

/**
 * Compares probabilities with what happened.
 *
 * @param probabilities  that it happens, of each example
 * @param happened       whether it did
 */
export async function probabilityFigures(
  probabilities: Float64Array,
  happened: readonly boolean[],
): Promise<ProbabilityFigures> {
  const truth = happened.map(Number);
  const measure = async (metric: AUROC | LogLoss | BrierScore): Promise<number> => {
    metric.update(probabilities, truth);
    const value = await metric.compute();
    metric.reset();
    return value;
  };
  const right = happened.filter((did, example) => did === (probabilities[example] ?? 0) > 0.5);
  return {
    auroc: await measure(new AUROC()),
    logLoss: await measure(new LogLoss()),
    brierScore: await measure(new BrierScore()),
    accuracy: right.length / happened.length,
  };
}

/** The same, with what else there is to say, beside baselines. */
export async function evaluateEvents(
  probabilities: Float64Array,
  happened: readonly boolean[],
  baselines: readonly { readonly name: string; readonly probabilities: Float64Array }[],
): Promise<EventEvaluation> {
  const figures = await probabilityFigures(probabilities, happened);
  return {
    loss: figures.logLoss,
    ...figures,
    count: happened.length,
    share: happened.filter(Boolean).length / happened.length,
    calibration: calibrationBins(probabilities, happened),
    baselines: await Promise.all(
      baselines.map(async (one) => ({
        name: one.name,
        figures: await probabilityFigures(one.probabilities, happened),
      })),
    ),
  };
}
