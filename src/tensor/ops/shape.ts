import { binding } from '../../native/load';
import { OptionError, ShapeError } from '../errors';
import { within } from '../op-name';
import { full } from '../factories';
import { describe } from '../options';
import { checkTensor, checkTensors, idOf, idsOf, wrap, type Tensor } from '../tensor';

// reshape, flatten, transpose, permute, slice, select, unsqueeze, squeeze, expand and split are views: no element is
// copied (reshape copies where it must).

/**
 * The same elements in row-major order under other extents.
 *
 * @param shape  the new extents; -1 in one place stands for what is left
 * @throws {ShapeError} if the numbers of elements differ
 */
export const reshape = (x: Tensor, shape: readonly number[]): Tensor =>
  wrap(binding.reshape(idOf(x, 'reshape'), shape));

/** Axes `start..end` merged into one. @throws {OptionError} if one is not there, or they are the wrong way round */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  const from = axisOf('flatten', x, start),
    to = axisOf('flatten', x, end);
  if (from > to)
    throw new OptionError('flatten', {
      given: `axes ${describe(start)} to ${describe(end)} of ${String(x)}`,
      expected: 'the first before the last',
      fix: 'exchange them',
    });
  const merged = x.shape.slice(from, to + 1).reduce((product, extent) => product * extent, 1);
  return within('flatten', () => reshape(x, [...x.shape.slice(0, from), merged, ...x.shape.slice(to + 1)]));
}

function axisOf(op: string, x: Tensor, dim: number): number {
  checkTensor(x, op);
  const rank = Math.max(x.rank, 1);
  if (!Number.isInteger(dim) || dim < -rank || dim >= rank)
    throw new OptionError(op, {
      given: `dim ${describe(dim)}`,
      expected: `${-rank}..${rank - 1} for ${String(x)}`,
      fix: 'name an axis that is there',
    });
  return dim < 0 ? dim + rank : dim;
}

/** Axes `a` and `b` exchanged. @throws {OptionError} if one is not there */
export const transpose = (x: Tensor, a: number, b: number): Tensor =>
  wrap(binding.transpose(idOf(x, 'transpose'), a, b));

/** Axes in the order `dims`. @throws {OptionError} if one is missing, not there, or named twice */
export const permute = (x: Tensor, dims: readonly number[]): Tensor => wrap(binding.permute(idOf(x, 'permute'), dims));

/**
 * Elements `start` to `end` (exclusive) of each axis. Negative places count from the end, `null` leaves a side open,
 * what lies outside is cut; axes that are not named stay whole.
 *
 * @example x.slice([0, 1], [null, 2])  // x[:, 1:2]
 * @throws {OptionError} if there are more places than axes, or one is no whole number
 */
export function slice(x: Tensor, start: readonly (number | null)[], end: readonly (number | null)[] = []): Tensor {
  checkTensor(x, 'slice');
  if (!Array.isArray(start) || !Array.isArray(end)) {
    throw new OptionError('slice', {
      given: `${describe(start)} and ${describe(end)}`,
      expected: 'a list of starts and one of ends',
      fix: 'write x.slice([0], [2]) for the first two places of the first axis',
    });
  }
  const axes = Math.max(start.length, end.length);
  const at = Array.from({ length: axes }, (_, axis) => start[axis] ?? 0);
  const to = Array.from({ length: axes }, (_, axis) => end[axis] ?? 0);
  return wrap(
    binding.slice(
      idOf(x, 'slice'),
      at,
      to,
      Array.from({ length: axes }, (_, axis) => ((end[axis] ?? null) === null ? 1 : 0)),
    ),
  );
}

/** Place `index` along `dim`, which goes away. @throws {OptionError} if `index` is out of range */
export const select = (x: Tensor, dim: number, index: number): Tensor =>
  wrap(binding.select(idOf(x, 'select'), dim, index));

/** A new axis of extent 1 at `dim`. @throws {OptionError} if `dim` lies past the axes */
export const unsqueeze = (x: Tensor, dim: number): Tensor => wrap(binding.unsqueeze(idOf(x, 'unsqueeze'), dim));

/**
 * Without axis `dim` if its extent is 1; without any axis of extent 1 if `dim` is left out.
 *
 * @throws {OptionError} if there is no such axis
 */
export const squeeze = (x: Tensor, dim?: number): Tensor => wrap(binding.squeeze(idOf(x, 'squeeze'), dim));

/**
 * Axes of extent 1 repeated to `shape`; -1 keeps an extent; new axes go in front.
 *
 * @throws {ShapeError} if another axis would have to change
 */
export const expand = (x: Tensor, shape: readonly number[]): Tensor => wrap(binding.expand(idOf(x, 'expand'), shape));

/** The `tensors` behind each other along `dim`. @throws {ShapeError} if they differ in another axis */
export const concat = (tensors: readonly Tensor[], dim: number): Tensor =>
  wrap(binding.concat(idsOf(tensors, 'concat', 'tensors'), dim));

/** The `tensors`, of one shape, behind each other along a new axis `dim`. @throws {ShapeError} if shapes differ */
export function stack(tensors: readonly Tensor[], dim: number): Tensor {
  checkTensors(tensors, 'stack', 'tensors');
  const [first] = tensors;
  const odd = tensors.find((x) => x.shape.join() !== first?.shape.join());
  if (odd !== undefined)
    throw new ShapeError('stack', {
      given: `${String(first)} and ${String(odd)}`,
      expected: 'tensors of one shape',
      fix: 'pad() sequences of different lengths',
    });
  return within('stack', () => {
    const raised = tensors.map((x) => unsqueeze(x, dim));
    return concat(raised, dim < 0 && first !== undefined ? dim + first.rank + 1 : dim);
  });
}

/**
 * Consecutive parts along `dim`: of `sizes` elements each (the last may be shorter), or of the sizes listed.
 *
 * @throws {ShapeError} if listed sizes do not add up to the extent
 */
export function split(x: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
  const input = idOf(x, 'split');
  const parts = typeof sizes === 'number' ? equalParts(x, sizes, dim) : sizes;
  return binding.split(input, parts, dim).map((id) => wrap(id));
}

/** More tensors cannot be alive at a time. */
const MOST_PARTS = 2 ** 24;

function equalParts(x: Tensor, size: number, dim: number): number[] {
  if (!Number.isInteger(size) || size < 1)
    throw new OptionError('split', {
      given: `size ${describe(size)}`,
      expected: 'a whole number of 1 or more',
      fix: 'correct the size',
    });
  const extent = x.shape[axisOf('split', x, dim)] ?? 0;
  const count = Math.ceil(extent / size);
  if (count > MOST_PARTS)
    throw new OptionError('split', {
      given: `size ${size} for ${String(x)}`,
      expected: `at most ${MOST_PARTS} parts`,
      fix: 'make larger parts',
    });
  return Array.from({ length: count }, (_, part) => Math.min(size, extent - part * size));
}

/**
 * `x` repeated `repeats[i]` times along axis i.
 *
 * @throws {OptionError} if there is not one number for each axis; {ShapeError} if the result would have more than 2^40
 * elements
 */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  checkTensor(x, 'tile');
  if (
    !Array.isArray(repeats as unknown) ||
    repeats.length !== x.rank ||
    repeats.some((times) => !Number.isInteger(times) || times < 0)
  ) {
    throw new OptionError('tile', {
      given: `repeats ${describe(repeats)} for ${String(x)}`,
      expected: `${x.rank} whole numbers of 0 or more`,
      fix: 'give each axis a number',
    });
  }
  checkExtents(
    'tile',
    x,
    x.shape.map((extent, axis) => extent * (repeats[axis] ?? 1)),
  );
  return within('tile', () =>
    repeats.reduce((result, times, axis) => (times === 1 ? result : repeatAxis(result, axis, times)), x),
  );
}

/** What a tensor may have, an empty axis left out: native code has the same limit. */
const MOST_ELEMENTS = 2 ** 40;

/**
 * Before parts of the result are made, which may be huge themselves.
 *
 * @throws {ShapeError} if no tensor can have this shape
 */
function checkExtents(op: string, x: Tensor, shape: readonly number[]): void {
  if (shape.reduce((product, extent) => product * Math.max(extent, 1), 1) <= MOST_ELEMENTS) return;
  throw new ShapeError(op, {
    given: `${String(x)} to [${shape.join(', ')}]`,
    expected: 'at most 2^40 elements in all',
    fix: 'ask for less',
  });
}

/** As a view that repeats everything from the axis on, [before, times, rest], whose elements are then copied. */
function repeatAxis(x: Tensor, axis: number, times: number): Tensor {
  const product = (extents: readonly number[]): number => extents.reduce((all, extent) => all * extent, 1);
  const before = product(x.shape.slice(0, axis)),
    rest = product(x.shape.slice(axis));
  const repeated = expand(reshape(x, [before, 1, rest]), [before, times, rest]);
  return reshape(
    repeated,
    x.shape.map((extent, i) => (i === axis ? extent * times : extent)),
  );
}

/**
 * `x` with `value` around it: `amounts[i]` is [before, after] of axis i.
 *
 * @throws {OptionError} if there is not one pair of whole numbers for each axis
 */
export function padConstant(x: Tensor, amounts: readonly (readonly [number, number])[], value = 0): Tensor {
  checkTensor(x, 'padConstant');
  const isPair = (pair: unknown): boolean =>
    Array.isArray(pair) && pair.length === 2 && pair.every((count) => Number.isInteger(count) && count >= 0);
  if (!Array.isArray(amounts as unknown) || amounts.length !== x.rank || !amounts.every(isPair)) {
    throw new OptionError('padConstant', {
      given: `amounts ${describe(amounts)} for ${String(x)}`,
      expected: `${x.rank} pairs of whole numbers of 0 or more`,
      fix: 'give each axis [before, after]',
    });
  }
  checkExtents(
    'padConstant',
    x,
    x.shape.map((extent, axis) => extent + (amounts[axis]?.[0] ?? 0) + (amounts[axis]?.[1] ?? 0)),
  );
  const border = (around: Tensor, axis: number, count: number): Tensor[] =>
    count === 0
      ? []
      : [
          full(
            around.shape.map((n, i) => (i === axis ? count : n)),
            value,
            { dtype: x.dtype, device: x.device },
          ),
        ];
  return within('padConstant', () =>
    amounts.reduce<Tensor>((result, [before, after], axis) => {
      const parts = [...border(result, axis, before), result, ...border(result, axis, after)];
      return parts.length === 1 ? result : concat(parts, axis);
    }, x),
  );
}

/** The order along `dims` reversed; a view. */
export const flip = (x: Tensor, dims: readonly number[]): Tensor => wrap(binding.flip(idOf(x, 'flip'), dims));
