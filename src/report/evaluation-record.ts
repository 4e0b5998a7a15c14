import type { ClassFigures } from '../metrics/class-report';

/**
 * What the evaluation of one part of the data came to, as far as the task measures it: whatever is there is shown, and
 * what is not is left out. `RUN/evaluation.json` holds one for each part; see `writeEvaluation`.
 */
export interface EvaluationRecord {
  /** The part that was evaluated on. Default `test`. */
  readonly part?: 'validation' | 'test';
  /** Loss and metrics by their names, as the Trainer's `evaluate` gives them: `{ loss: 0.05, accuracy: 0.98 }`. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Which label was taken for which. */
  readonly confusion?: ConfusionRecord;
  /** One row a label. */
  readonly perClass?: readonly LabelFigures[];
  /** Whether what was said to be likely did happen: bins of the predicted probability, the lowest first. */
  readonly calibration?: readonly CalibrationBin[];
  /** Examples that are worth reading, the most telling first. */
  readonly examples?: {
    /** Those that are wrong, the surest of them first. */
    readonly worst?: readonly ExampleRecord[];
    /** Those between whose labels the model could hardly choose. */
    readonly uncertain?: readonly ExampleRecord[];
  };
  /** Of some examples of sequences that were written, what each step looked at. */
  readonly attention?: readonly AttentionRecord[];
  /** How long the examples are, in steps: adjoining bins, the shortest first. */
  readonly lengths?: readonly LengthBin[];
  /** How often each label occurs. */
  readonly labels?: readonly LabelCount[];
  /** Some forecasts beside what came. */
  readonly forecasts?: readonly ForecastRecord[];
  /** What the interval of the forecasts is, as `from the 0.1 to the 0.9 quantile`. */
  readonly interval?: string;
  /** How far forecasts are off at each step, those of the model and of what it is compared with. */
  readonly stepErrors?: readonly StepErrorRecord[];
  /** How good the model is where the examples are changed. */
  readonly robustness?: readonly RobustnessRecord[];
  /** What else was measured on the same examples, such as a logistic regression, to compare the figures with. */
  readonly baselines?: readonly BaselineRecord[];
}

/** A forecast beside what came; NaN where a value is missing. */
export interface ForecastRecord {
  /** Of what, and from when: `sales of store 3, from 2024-01-31`. */
  readonly title: string;
  /** What was known before, the last value last. */
  readonly before: readonly number[];
  /** What came, step by step. */
  readonly truth: readonly number[];
  /** What was forecast. */
  readonly forecast: readonly number[];
  /** The lower end of an interval. */
  readonly low?: readonly number[];
  /** Its upper end. */
  readonly high?: readonly number[];
}

/** How far forecasts are off at each step. */
export interface StepErrorRecord {
  /** Whose they are: `forecast`, `persistence`. */
  readonly name: string;
  /** One for each step of the horizon. */
  readonly values: readonly number[];
}

/** Counts of examples by their label and by what the model took them for. */
export interface ConfusionRecord {
  /** C labels, in the order of rows and columns. */
  readonly labels: readonly string[];
  /** C rows of C counts: a row for each true label, a column for each predicted one. */
  readonly counts: readonly (readonly number[])[];
}

/** How well one label is found; NaN where a figure is 0/0. */
export interface LabelFigures extends ClassFigures {
  /** The label. */
  readonly label: string;
}

/** The examples whose predicted probability lies in [from, to). */
export interface CalibrationBin {
  /** The least probability. */
  readonly from: number;
  /** Where the next bin begins. */
  readonly to: number;
  /** Mean of the predicted probability. NaN in an empty bin, as the next. */
  readonly predicted: number;
  /** Share of them in which it happened, or the prediction was right. */
  readonly observed: number;
  /** How many they are. */
  readonly count: number;
}

/** One example, and what the model said of it. */
export interface ExampleRecord {
  /** What it says. */
  readonly text: string;
  /** What is true of it. */
  readonly label?: string;
  /** What the model took for true. */
  readonly predicted?: string;
  /** Of what was predicted, in [0, 1]. */
  readonly probability?: number;
}

/** Of one example, how much each step of what was written took of each place of the source. */
export interface AttentionRecord {
  /** The tokens of the source. */
  readonly source: readonly string[];
  /** The tokens that were written. */
  readonly target: readonly string[];
  /** A row for each token that was written, a number for each of the source, in [0, 1]. */
  readonly weights: readonly (readonly number[])[];
}

/** Examples of from ≤ length < to. */
export interface LengthBin {
  /** The least length. */
  readonly from: number;
  /** Where the next bin begins. */
  readonly to: number;
  /** How many they are. */
  readonly count: number;
}

/** Examples of one label. */
export interface LabelCount {
  /** The label. */
  readonly label: string;
  /** How many they are. */
  readonly count: number;
}

/** How good a model is on examples that were changed in one way. */
export interface RobustnessRecord {
  /**
   * How: not at all; neighbouring characters swapped, characters dropped or inserted; words replaced by synonyms; the
   * vectors of the tokens moved to where the loss grows fastest.
   */
  readonly change: 'none' | 'swap' | 'drop' | 'insert' | 'synonyms' | 'adversarial';
  /** How strongly: the part of the characters or words, or the length by which the vectors of an example are moved. */
  readonly amount: number;
  /** As of an evaluation. */
  readonly accuracy: number;
  /** As of an evaluation. */
  readonly f1: number;
  /** Part of the examples of which the model says something else than without the change. */
  readonly changed: number;
}

/** What something else than the model came to. */
export interface BaselineRecord {
  /** As in `logistic regression`. */
  readonly name: string;
  /** The same figures as those of the model. */
  readonly figures: Readonly<Record<string, number>>;
}
