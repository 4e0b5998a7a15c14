// The metrics of the public surface.
export { Accuracy, type AccuracyOptions } from './accuracy';
export { ConfusionMatrix, type ConfusionMatrixOptions } from './confusion-matrix';
export { MeanAbsoluteError, MeanSquaredError } from './mean-error';
export { Metric, type MetricCount, type MetricHints } from './metric';
export type { OutputKind } from '../tensor/ops/losses-notes';
