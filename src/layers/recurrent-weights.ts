import { DTypeError } from '../tensor/errors';
import type { CellName } from '../tensor/ops/recurrent';
import { reshape, slice } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import type { Tensor } from '../tensor/tensor';
import { claim } from '../module/allowance';
import { fieldsOf } from '../module/fields';
import type { Module } from '../module/module';
import { Parameter } from '../module/parameter';
import type { RecurrentOptions } from './recurrent-options';
import { uniformValues } from '../module/uniform';

/**
 * The tensors of these names, as a module has them now; a replaced one is where its name is.
 *
 * @param kind  Parameter or BufferTensor
 * @throws {DTypeError} if one is not of that class
 */
export function currentTensors<T extends Tensor>(
  module: Module,
  names: readonly string[],
  kind: new (tensor: Tensor) => T,
): T[] {
  return fieldsOf(module, names).map((held, at) => {
    if (held instanceof kind) return held;
    const name = names[at] ?? '';
    throw new DTypeError(`${module.constructor.name}.forward`, {
      given: `${name}: ${describe(held)}`,
      expected: `a ${kind.name}`,
      fix: `assign new ${kind.name}(tensor) to ${name}`,
    });
  });
}

/** The parameters of these names, see currentTensors. */
export const currentWeights = (module: Module, names: readonly string[]): Parameter[] =>
  currentTensors(module, names, Parameter);

/** What the shapes of the weights depend on. */
type ShapeOptions = Required<
  Pick<RecurrentOptions, 'inputSize' | 'hiddenSize' | 'numLayers' | 'bidirectional' | 'bias'>
>;

/** What the weights depend on. */
type WeightOptions = ShapeOptions & Required<Pick<RecurrentOptions, 'dtype'>>;

/** What a layer hands to the op beside the options. */
export interface CellKind {
  cell: CellName;
  /** Row blocks of a weight: 4 for LSTM, 3 for GRU, 1 for RNN. */
  gates: number;
  /** Width of a projected h; 0 without projection. */
  projSize: number;
}

/**
 * Fresh parameters of a stack, views of one buffer drawn from U(-1/√H, 1/√H), by name and in the order of the buffer.
 */
export function makeWeights(options: WeightOptions, kind: CellKind): Map<string, Parameter> {
  const shapes = weightShapes(options, kind);
  const buffer = uniformValues([elementsOf(shapes)], 1 / Math.sqrt(options.hiddenSize), options.dtype);
  return viewsOf(buffer, shapes, (view) => new Parameter(view));
}

/**
 * Names and shapes of the weights in the order of the buffer. Their number is claimed here, their elements where the
 * buffer is made.
 */
export function weightShapes(options: ShapeOptions, { gates, projSize }: CellKind): Map<string, number[]> {
  const { inputSize, hiddenSize, numLayers, bidirectional, bias } = options;
  const width = projSize > 0 ? projSize : hiddenSize;
  const directions = bidirectional ? ['', '_reverse'] : [''];
  claim([0], numLayers * directions.length * (2 + (projSize > 0 ? 1 : 0) + (bias ? 2 : 0)) - 1);
  const suffixes = Array.from({ length: numLayers }, (_, layer) =>
    directions.map((direction) => ({ layer, suffix: `l${layer}${direction}` })),
  ).flat();
  const shapes = new Map<string, number[]>();
  for (const { layer, suffix } of suffixes) {
    shapes.set(`weight_ih_${suffix}`, [gates * hiddenSize, layer === 0 ? inputSize : directions.length * width]);
    shapes.set(`weight_hh_${suffix}`, [gates * hiddenSize, width]);
    if (projSize > 0) shapes.set(`weight_hr_${suffix}`, [projSize, hiddenSize]);
  }
  if (!bias) return shapes;
  for (const { suffix } of suffixes) {
    shapes.set(`bias_ih_${suffix}`, [gates * hiddenSize]);
    shapes.set(`bias_hh_${suffix}`, [gates * hiddenSize]);
  }
  return shapes;
}

/** How many numbers all of these shapes have. */
export const elementsOf = (shapes: ReadonlyMap<string, readonly number[]>): number =>
  [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** What `make` makes of views of a fresh buffer, one after the other; disposes of the buffer's own handle. */
export function viewsOf<T>(
  buffer: Tensor,
  shapes: ReadonlyMap<string, readonly number[]>,
  make: (view: Tensor) => T,
): Map<string, T> {
  const made = new Map<string, T>();
  let start = 0;
  for (const [name, shape] of shapes) {
    const part = slice(buffer, [start], [start + sizeOf(shape)]);
    const view = reshape(part, shape);
    made.set(name, make(view));
    part.dispose();
    view.dispose();
    start += sizeOf(shape);
  }
  buffer.dispose();
  return made;
}

const kinds = [
  'weight_ih',
  'weight_hh',
  'bias_ih',
  'bias_hh',
  'weight_hr',
  'weight_norm_ih',
  'weight_norm_hh',
  'weight_norm_c',
  'bias_norm_c',
  'weight_peephole',
];

/**
 * PyTorch's order: by layer, forwards before backwards, and within one weight_ih, weight_hh, bias_ih, bias_hh,
 * weight_hr; then what variants of the cell have.
 */
export function byLayerAndDirection(a: string, b: string): number {
  const key = (name: string): number[] => {
    const [, kind = '', layer = '', reverse] = /^(\w+?_\w+?)_l(\d+)(_reverse)?$/.exec(name) ?? [];
    return [Number(layer), reverse === undefined ? 0 : 1, kinds.indexOf(kind)];
  };
  const other = key(b);
  return (
    key(a)
      .map((value, i) => value - (other[i] ?? 0))
      .find((difference) => difference !== 0) ?? 0
  );
}
