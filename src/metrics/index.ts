// The metrics of the public surface.
export { Accuracy, TopKAccuracy, type TopKAccuracyOptions } from './accuracy';
export { ClassReport, type ClassAverage, type ClassFigures } from './class-report';
export type { ProbabilityOptions } from './chances';
export type { AccuracyOptions, ClassOptions } from './classes';
export { BLEUScore, type BLEUCounts, type BLEUScoreOptions } from './bleu';
export { CHRFScore, type CHRFScoreOptions } from './chrf';
export { ConfusionMatrix, type ConfusionMatrixFormat, type ConfusionMatrixOptions } from './confusion-matrix';
export { DeviceMetric } from './device-metric';
export { CharErrorRate, EditDistance, WordErrorRate } from './edit-distance';
export { EntityF1Score, EntityReport, type EntityCounts, type EntityF1ScoreOptions } from './entities';
export { entitySpans, isEntityTag, type EntitySpan } from './entity-tags';
export { ExactMatch, type ExactMatchOptions } from './exact-match';
export { HostMetric, type HostForm, type HostNumbers } from './host-metric';
export {
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  MeanSquaredError,
  RootMeanSquaredError,
  SymmetricMeanAbsolutePercentageError,
} from './mean-error';
export { Metric, type MetricCount } from './metric';
export type { GivenHints, MetricHints, MetricInput, NumericInput } from './metric-input';
export { F1Score, Precision, Recall, type PrecisionRecallOptions } from './precision-recall';
export { BitsPerCharacter, BrierScore, LogLoss, Perplexity } from './probabilities';
export { R2Score, type R2ScoreOptions } from './r2-score';
export { AUROC, AveragePrecision, type RankedRows, type RankingOptions } from './ranking';
export { ROUGELScore } from './rouge';
export type { OutputKind } from '../tensor/ops/losses-notes';
