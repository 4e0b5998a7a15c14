import { DTypeError } from '../tensor/errors';
import type { CellName } from '../tensor/ops/recurrent';
import { reshape, slice } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { claim } from '../module/allowance';
import type { Module } from '../module/module';
import { Parameter } from '../module/parameter';
import type { RecurrentOptions } from './recurrent-options';
import { uniformValues, type FloatingDType } from '../module/uniform';

/**
 * The parameters of these names, as a module has them now; a replaced one is where its name is.
 *
 * @throws {DTypeError} if one is no Parameter
 */
export function currentWeights(module: Module, names: readonly string[]): Parameter[] {
  return names.map((name) => {
    const parameter: unknown = Reflect.get(module, name);
    if (parameter instanceof Parameter) return parameter;
    throw new DTypeError(`${module.constructor.name}.forward`, {
      given: `${name}: ${describe(parameter)}`,
      expected: 'a Parameter',
      fix: `assign new Parameter(tensor) to ${name}`,
    });
  });
}

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
  return viewsOfOne(weightShapes(options, kind), 1 / Math.sqrt(options.hiddenSize), options.dtype);
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

/** Parameters that are views of one fresh buffer, one after the other. */
function viewsOfOne(
  shapes: ReadonlyMap<string, readonly number[]>,
  bound: number,
  dtype: FloatingDType,
): Map<string, Parameter> {
  const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
  const buffer = uniformValues([[...shapes.values()].reduce((sum, shape) => sum + size(shape), 0)], bound, dtype);
  const parameters = new Map<string, Parameter>();
  let start = 0;
  for (const [name, shape] of shapes) {
    const part = slice(buffer, [start], [start + size(shape)]);
    const view = reshape(part, shape);
    parameters.set(name, new Parameter(view));
    part.dispose();
    view.dispose();
    start += size(shape);
  }
  buffer.dispose();
  return parameters;
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
