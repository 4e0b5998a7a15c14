// Training loops of the public surface.
export type { Batch, Batches } from './batches';
export type { TrainerCallback, TrainingRun } from './callback';
export type { EpochRecord, Figures } from './epoch-record';
export { History } from './history';
export type { LossFunction, LossResult, LossTerm } from './loss-terms';
export { Trainer } from './trainer';
export type { FitOptions, TrainerOptions } from './trainer-options';
export { TrainingError } from './training-error';
