// Training loops of the public surface.
export type { Batch, Batches } from './batches';
export type { TrainerCallback } from './callback';
export { History, type EpochRecord } from './history';
export { Accuracy, ConfusionMatrix, MeanAbsoluteError, MeanSquaredError, Metric, type AccuracyOptions, type ConfusionMatrixOptions } from './metric';
export { Trainer, type FitOptions, type LossFunction, type TrainerOptions } from './trainer';
