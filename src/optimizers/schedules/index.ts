// The schedules of the public surface.
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './cosine-annealing-lr';
export { ExponentialLR, type ExponentialLROptions } from './exponential-lr';
export { LinearLR, type LinearLROptions } from './linear-lr';
export { MultiStepLR, type MultiStepLROptions } from './multi-step-lr';
export { OneCycleLR, type OneCycleLROptions } from './one-cycle-lr';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reduce-lr-on-plateau';
export { Schedule, type ScheduleState } from './schedule';
export { StepLR, type StepLROptions } from './step-lr';
