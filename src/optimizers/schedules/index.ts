// The schedules of the public surface.
export { ChainedLR, type ChainedLROptions } from './chained-lr';
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './cosine-annealing-lr';
export { ExponentialLR, type ExponentialLROptions } from './exponential-lr';
export { LambdaLR, type LambdaLROptions, type RateFactor } from './lambda-lr';
export { LinearLR, type LinearLROptions } from './linear-lr';
export { MultiStepLR, type MultiStepLROptions } from './multi-step-lr';
export { OneCycleLR, type OneCycleLROptions } from './one-cycle-lr';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reduce-lr-on-plateau';
export { Schedule, type ScheduleState } from './schedule';
export type { OfSchedules } from './schedule-parts';
export { SequentialLR, type SequentialLROptions } from './sequential-lr';
export { StepLR, type StepLROptions } from './step-lr';
export { SWALR, type SWALROptions } from './swa-lr';
