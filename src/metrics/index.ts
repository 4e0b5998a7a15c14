// The metrics of the public surface.
export { Accuracy, TopKAccuracy, type TopKAccuracyOptions } from './accuracy';
export { ClassReport, type ClassAverage, type ClassFigures } from './class-report';
export type { AccuracyOptions, ClassOptions } from './classes';
export { ConfusionMatrix, type ConfusionMatrixFormat, type ConfusionMatrixOptions } from './confusion-matrix';
export { DeviceMetric } from './device-metric';
export { HostMetric, type HostForm, type HostNumbers } from './host-metric';
export { MeanAbsoluteError, MeanSquaredError } from './mean-error';
export {
  Metric,
  type GivenHints,
  type MetricCount,
  type MetricHints,
  type MetricInput,
  type NumericInput,
} from './metric';
export { F1Score, Precision, Recall, type PrecisionRecallOptions } from './precision-recall';
export type { OutputKind } from '../tensor/ops/losses-notes';
