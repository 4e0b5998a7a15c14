// The metrics of the public surface.
export { Accuracy, type AccuracyOptions } from './accuracy';
export { ConfusionMatrix, type ConfusionMatrixOptions } from './confusion-matrix';
export { DeviceMetric } from './device-metric';
export { HostMetric, type HostForm, type HostNumbers } from './host-metric';
export { MeanAbsoluteError, MeanSquaredError } from './mean-error';
export {
  Metric,
  type Gathering,
  type GivenHints,
  type MetricCount,
  type MetricHints,
  type MetricInput,
  type NumericInput,
} from './metric';
export type { OutputKind } from '../tensor/ops/losses-notes';
