// Training loops of the public surface.
export type { Batch, BatchField, TensorTree } from './batch';
export type { Batches } from './batches';
export type { Mode as FigureMode } from './figure-direction';
export { AveragedWeights, type AveragedWeightsOptions } from './callbacks/averaged-weights';
export { CsvLogger, type CsvLoggerOptions } from './callbacks/csv-logger';
export { FreezeParts, type FreezePartsOptions, type FrozenParts } from './callbacks/freeze-parts';
export { GradientReport, type GradientReportOptions } from './callbacks/gradient-report';
export { TensorBoard, type TensorBoardOptions } from './callbacks/tensorboard';
export { EarlyStopping, type EarlyStoppingOptions } from './callbacks/early-stopping';
export type { CallbackState, StopOptions, TrainerCallback, TrainingRun, TrainingStep } from './callback';
export type { BestOptions, CheckpointOptions } from './checkpoint-options';
export type { EpochRecord, Figures, ValidationRecord } from './epoch-record';
export type { GradientRecord } from './gradient-record';
export { History, type FigureOptions, type BestRecord } from './history';
export type { ResumeRecord, StopRecord } from './history-json';
export type { LearningRateCurve, LearningRateSearchOptions } from './learning-rate-search';
export type { LossFunction, LossResult, LossTerm } from './loss-terms';
export type { Progress, ProgressMaker } from './progress';
export { Trainer, type PredictInput, type PredictOptions, type TrainerConstructor } from './trainer';
export type {
  AnyBatch,
  CommonTrainerOptions,
  CustomTrainerOptions,
  FitOptions,
  MetricComparison,
  MetricFrom,
  MetricUse,
  NamedMetric,
  OutputOf,
  TrainerOptions,
} from './trainer-options';
export { TrainingError } from './training-error';
