// The layers of the public surface. What a model file may name are the classes of the catalogue, but for those that
// others extend.
import { declarePackaged, type ModuleClass } from '../module/packaged';
import { Module } from '../module/module';
import * as catalogue from './catalogue';

const { Bidirectional, Recurrent, Residual, Sequential, TimeDistributed, ...others } = catalogue;
/** Classes for others to extend. */
const bases: readonly unknown[] = [catalogue.Activation, catalogue.RecurrentCell, catalogue.RecurrentLayer];
const isLayer = (entry: [string, unknown]): entry is [string, ModuleClass] =>
  typeof entry[1] === 'function' && entry[1].prototype instanceof Module && !bases.includes(entry[1]);

declarePackaged({ Bidirectional, Recurrent, Residual, Sequential, TimeDistributed }, true);
declarePackaged(Object.fromEntries(Object.entries<unknown>(others).filter(isLayer)), false);

export * from './catalogue';
export {
  quantizeDynamic,
  type QuantizeDynamicOptions,
  type QuantizeDynamicResult,
  type QuantizedForm,
  type UnquantizedLayer,
} from './quantize-dynamic';
export { detach } from '../module/detach';
export { Module, type ForwardHook, type ModuleConfig, type NameMismatch, type StateDict } from '../module/module';
export type { Stream, StreamFrame, StreamOptions } from '../module/stream';
export { BufferTensor, Parameter } from '../module/parameter';
export type { RecurrentAlgorithm } from '../tensor/ops/recurrent';
export type { ModuleClasses } from '../module/rebuild';
export type { FloatingDType } from '../module/uniform';
