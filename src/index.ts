/**
 * Models and layers, losses, optimizers, metrics, data, training, files, and the tensors below them. The
 * [guide](../docs/guide.md) shows how they go together.
 *
 * @module stmnet
 */
// The public surface: nothing inside src/ imports this file.
import './tensor/methods.generated';

export { FileError } from './files/file-error';
export type { LineOptions, TextEncoding } from './files/lines';
export { loadCheckpoint, saveCheckpoint, type CheckpointPart } from './io/checkpoint';
export { loadExtras, type Extras, type LoadExtrasOptions } from './io/extras';
export { load, save, type LoadedModule, type LoadOptions, type SaveOptions } from './io/model-file';
export {
  loadSafetensors,
  loadSafetensorsMetadata,
  saveSafetensors,
  type LoadSafetensorsOptions,
  type SaveSafetensorsOptions,
} from './io/safetensors';
export * from './audio';
export * from './data';
export * from './decoding';
export * from './layers';
export * from './losses';
export * from './metrics';
export * from './optimizers';
export * from './text';
export * from './training';
export { compile, type CompileOptions, type CompiledStep } from './tensor/compile';
export { defineFunction, type FunctionDefinition, type FunctionResult } from './tensor/custom-function';
export { isDebug, setDebug } from './tensor/debug';
export {
  defaultDevice,
  devices,
  numThreads,
  setDefaultDevice,
  setNumThreads,
  synchronize,
  type DeviceInfo,
} from './tensor/device';
export * from './tensor/errors';
export {
  arange,
  eye,
  full,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
  type TensorOptions,
  type TensorSource,
} from './tensor/factories';
export type { HostArray, SourceArray } from './tensor/host-array';
export type { DataOptions } from './tensor/read-into';
export { Tensor, type BackwardOptions, type DType, type NestedArray, type TypedArray } from './tensor/tensor';
export { getRandomState, manualSeed, setRandomState, type RandomState } from './tensor/generator';
export { enableGrad, isGradEnabled, noGrad } from './tensor/grad-mode';
export { autocast, isDeterministic, mathMode, setDeterministic, setMathMode, type MathMode } from './tensor/math-mode';
export { emptyCache, memory, setMaxMemory, type MemoryInfo } from './tensor/memory';
export * from './tensor/ops/attention';
export * from './tensor/ops/convolution';
export * from './tensor/ops/elementwise';
export * from './tensor/ops/indexing';
export * from './tensor/ops/losses';
export * from './tensor/ops/matmul';
export * from './tensor/ops/normalization';
export * from './tensor/ops/random';
export * from './tensor/ops/reduce';
export * from './tensor/ops/shape';
// In place of those of ops/shape: they take PaddedSequences too.
export { concat, flattenSteps, flip, select, slice, unflattenSteps } from './tensor/sequence-ops';
export { pad, type PadOptions, type SequenceItem } from './tensor/pad';
export { mapValues } from './tensor/map-values';
export { PaddedSequence, type Sequence } from './tensor/padded-sequence';
export { keep, scope } from './tensor/scope';
