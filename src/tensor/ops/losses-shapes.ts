// What the shapes of predictions and targets say, for losses and metrics.
import { ShapeError } from '../errors';
import { describe } from '../options';
import { lengthsOf, type Sequence } from '../padded-sequence';
import type { Tensor } from '../tensor';
import { cast } from './elementwise';
import { reshape } from './shape';

/** Lengths of one of the two sequences, or of both, which must agree. */
export function commonLengths(op: string, input: Sequence, target: Sequence): readonly number[] | undefined {
  const [first, second] = [lengthsOf(input), lengthsOf(target)];
  if (first === undefined || second === undefined) return first ?? second;
  if (first.length === second.length && first.every((length, row) => length === second[row])) return first;
  const given = `lengths ${describe(first)} of the input and ${describe(second)} of the target`;
  throw new ShapeError(op, { given, expected: 'equal lengths', fix: 'pad both from the same sequences' });
}

/** Real elements among those of `shape`, [N, T, …] where there are lengths. */
export function countReal(shape: readonly number[], lengths: readonly number[] | undefined): number {
  if (lengths === undefined) return shape.reduce((product, extent) => product * extent, 1);
  const steps = lengths.reduce((total, length) => total + length, 0);
  return shape.slice(2).reduce((product, extent) => product * extent, steps);
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);
const withoutAxis = (shape: readonly number[], axis: number): number[] => shape.filter((_, index) => index !== axis);

/** The shape without the axes of extent 1 at its end. */
function withoutOnes(shape: readonly number[]): readonly number[] {
  let rank = shape.length;
  while (rank > 0 && shape[rank - 1] === 1) rank--;
  return shape.slice(0, rank);
}

/** Whether two shapes are equal, or one is the other with an axis of extent 1 at its end. */
export const sameButForOne = (a: readonly number[], b: readonly number[]): boolean =>
  same(a, b) || (same(withoutOnes(a), withoutOnes(b)) && Math.abs(a.length - b.length) === 1);

/** Whether `shorter` is `longer` without its second axis, not counting axes of extent 1 at the end. */
const hasTimeBeside = (longer: readonly number[], shorter: readonly number[]): boolean =>
  shorter.length > 0 && same(withoutOnes(withoutAxis(longer, 1)), withoutOnes(shorter));

/**
 * What to do about an output that has a time axis where the target has none, or the other way round.
 *
 * @param output  its shape, without the axis of classes if the targets are labels
 * @param target  its shape
 * @param rank    from how many axes on the second can be time
 * @returns undefined if that is not what is wrong
 */
function aboutTime(output: readonly number[], target: readonly number[], rank: number): string | undefined {
  if (output.length >= rank && hasTimeBeside(output, target)) {
    const pool = 'put LastStep, MeanPool or MaxPool after the last recurrent layer';
    return `the output has a time axis and the target none: ${pool}`;
  }
  if (target.length >= rank && hasTimeBeside(target, output)) {
    const keep = 'leave out what joins the steps, such as LastStep, or give a sequence one target';
    return `the target has a time axis and the output none: ${keep}`;
  }
  return undefined;
}

/**
 * Checks that output and target are of one shape.
 *
 * @param name  of the output, for the message
 * @throws {ShapeError} if they are not, with what to do about it
 */
export function checkEqualShapes(op: string, name: string, output: Tensor, target: Tensor): void {
  if (same(output.shape, target.shape)) return;
  const [given, expected] = [`${name} ${describe(output)} and target ${describe(target)}`, 'equal shapes'];
  if (sameButForOne(output.shape, target.shape)) {
    const fix =
      output.rank > target.rank
        ? 'give each target an axis of its own, as in target: [y] in the items, or target.unsqueeze(-1)'
        : `give the ${name} the axis too, as in ${name}.unsqueeze(-1), or take it from the target: target.squeeze(-1)`;
    throw new ShapeError(op, { given, expected, fix });
  }
  const fix =
    aboutTime(output.shape, target.shape, 3) ??
    'let the model have as many outputs as there are targets; nothing is broadcast here';
  throw new ShapeError(op, { given, expected, fix });
}

/**
 * Checks that there is one label for each row of classes.
 *
 * @param name    of the output, for the message
 * @param output  […, C]
 * @param target  […]
 * @throws {ShapeError} if there is not, with what to do about it
 */
export function checkLabelShape(op: string, name: string, output: Tensor, target: Tensor): void {
  const wanted = output.shape.slice(0, -1);
  if (output.rank > 0 && same(target.shape, wanted)) return;
  const given = `${name} ${describe(output)} and target ${describe(target)}`;
  const expected = `a target of shape [${wanted.join(', ')}]: classes are the last axis of the ${name}`;
  throw new ShapeError(op, { given, expected, fix: aboutLabels(output.shape, target.shape, wanted) });
}

function aboutLabels(output: readonly number[], target: readonly number[], wanted: readonly number[]): string {
  if (target.length === wanted.length + 1 && target.at(-1) === 1 && same(withoutAxis(target, wanted.length), wanted)) {
    return 'take the last axis from the target: target.squeeze(-1), or target: label in place of [label] in the items';
  }
  const classesSecond =
    output.length === target.length + 1 && output.length > 2 && same(withoutAxis(output, 1), target);
  if (classesSecond && target.length > 1) return 'put the classes last: output.transpose(1, -1)';
  return aboutTime(wanted, target, 2) ?? 'give each row of the output one label';
}

/**
 * Targets of 0 and 1 in the shape and dtype of the output: labels may be i32 or bool, and may lack or have an axis of
 * extent 1 at the end.
 *
 * @throws {ShapeError} if the shapes differ in more
 */
export function binaryTarget(op: string, name: string, output: Tensor, target: Tensor): Tensor {
  if (!sameButForOne(output.shape, target.shape)) checkEqualShapes(op, name, output, target);
  const numbers = target.dtype === 'i32' || target.dtype === 'bool' ? cast(target, output.dtype) : target;
  return same(output.shape, target.shape) ? numbers : reshape(numbers, output.shape);
}
