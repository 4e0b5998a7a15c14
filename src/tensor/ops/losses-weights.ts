// Weights of examples or steps, as losses and metrics take them.
import { ShapeError } from '../errors';
import { cast } from './elementwise';
import { expand, reshape } from './shape';
import { clearPadding } from '../map-values';
import { describe } from '../options';
import { PaddedSequence, lengthsOf, valuesOf, type Sequence } from '../padded-sequence';
import type { DType, Tensor } from '../tensor';

/**
 * A weight for each element of something, 0 in its padding.
 *
 * @param op       the caller, for the message
 * @param weight   one for each example, [N], for each step, [N, T], or for each element
 * @param shape    of what is weighed, [N, …] or [N, T, …]
 * @param lengths  of what is weighed, if it is padded
 * @param dtype    of the result
 * @throws {ShapeError} if the axes of the weight are not the first ones of the shape, or lengths differ
 */
export function elementWeights(
  op: string,
  weight: Sequence,
  { shape, lengths, dtype }: { shape: readonly number[]; lengths: readonly number[] | undefined; dtype: DType },
): Tensor {
  const own = lengthsOf(weight);
  const known = own === undefined || lengths === undefined || own.join() === lengths.join();
  const axes = fittingAxes(weight.shape, shape);
  if (axes === undefined || !known) throw unfit(op, weight, shape, lengths);
  const values = cast(valuesOf(clearPadding(weight)), dtype);
  const expanded = expand(reshape(values, [...axes, ...shape.slice(axes.length).map(() => 1)]), shape);
  return lengths === undefined ? expanded : new PaddedSequence(expanded, lengths).zeroPadding().values;
}

/** The shape of a weight as the first axes of `shape`: axes of extent 1 at its end may be left out. */
function fittingAxes(weight: readonly number[], shape: readonly number[]): readonly number[] | undefined {
  const fits = (axes: readonly number[]): boolean =>
    axes.length > 0 && axes.length <= shape.length && axes.every((extent, axis) => extent === shape[axis]);
  for (let axes = weight; axes.length > 0; axes = axes.slice(0, -1)) {
    if (fits(axes)) return axes;
    if (axes.at(-1) !== 1) return undefined;
  }
  return undefined;
}

function unfit(op: string, weight: Sequence, shape: readonly number[], lengths: readonly number[] | undefined): Error {
  const own = lengthsOf(weight);
  const withLengths = own === undefined ? '' : ` with lengths ${describe(own)}`;
  const beside = lengths === undefined ? '' : ` with lengths ${describe(lengths)}`;
  const steps = shape.length > 1 ? `, or one a step, [${shape.slice(0, 2).join(', ')}]${beside}` : '';
  return new ShapeError(op, {
    given: `weight ${describe(valuesOf(weight))}${withLengths} for values of shape [${shape.join(', ')}]`,
    expected: `one an example, [${shape[0] ?? 1}]${steps}`,
    fix: 'give each item a field weight: a number, or an array with one a step',
  });
}
