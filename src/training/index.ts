// Training loops of the public surface.
export { Accuracy, type AccuracyOptions } from './accuracy';
export type { Batch, Batches } from './batches';
export type { TrainerCallback } from './callback';
export { ConfusionMatrix, type ConfusionMatrixOptions } from './confusion-matrix';
export { History, type EpochRecord, type Figures } from './history';
export type { LossFunction, LossResult, LossTerm } from './loss-terms';
export { MeanAbsoluteError, MeanSquaredError } from './mean-error';
export { Metric, type MetricHints } from './metric';
export { Trainer } from './trainer';
export type { FitOptions, TrainerOptions } from './trainer-options';
export { TrainingError } from './training-error';
