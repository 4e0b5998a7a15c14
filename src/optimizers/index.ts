// The optimizers, schedules and clipping of the public surface.
export { Adadelta, type AdadeltaOptions } from './adadelta';
export { Adagrad, type AdagradOptions } from './adagrad';
export { Adam, AdamW, type AdamOptions } from './adam';
export { Adamax, type AdamaxOptions } from './adamax';
export { clipGradNorm, clipGradValue, type ClipGradNormOptions, type ClipGradValueOptions } from './clip';
export { GradScaler, type GradScalerOptions, type GradScalerStateDict } from './grad-scaler';
export { NAdam, type NAdamOptions } from './nadam';
export { Optimizer, type OptimizerStateDict, type StateLayout, type StateScalars, type StepCall } from './optimizer';
export type { OptimizerGroup, OptimizerOptions, ParameterGroup } from './optimizer-options';
export { partGroups, type PartGroupsOptions } from './part-groups';
export { RMSprop, type RMSpropOptions } from './rmsprop';
export * from './schedules';
export { SGD, type SGDOptions } from './sgd';
