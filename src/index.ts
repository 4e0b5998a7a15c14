// The public surface. Nothing inside src/ imports this file.
import './tensor/methods.generated';

export { defineFunction, type FunctionDefinition } from './tensor/custom-function';
export { defaultDevice, devices, memory, numThreads, setDefaultDevice, setNumThreads, synchronize, type DeviceInfo } from './tensor/device';
export * from './tensor/errors';
export { arange, eye, full, ones, onesLike, tensor, zeros, zerosLike, type HostArray, type NestedArray, type TensorOptions, type TensorSource } from './tensor/factories';
export { enableGrad, isGradEnabled, noGrad } from './tensor/grad-mode';
export * from './tensor/ops/elementwise';
export { PaddedSequence, pad, type PadOptions, type Sequence, type SequenceItem } from './tensor/padded-sequence';
export { scope } from './tensor/scope';
export { Tensor, type BackwardOptions, type DType, type TypedArray } from './tensor/tensor';
