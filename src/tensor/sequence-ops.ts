import { OptionError, ShapeError } from './errors';
import { zeros } from './factories';
import { describe } from './options';
import { PaddedSequence, type Sequence } from './padded-sequence';
import { longest, pickSteps, realPlaces, spreadSteps } from './steps';
import { checkTensor, Tensor } from './tensor';
import {
  concat as concatTensors,
  flip as flipTensor,
  reshape,
  select as selectTensor,
  slice as sliceTensor,
} from './ops/shape';

// The shape ops that mean something else for a PaddedSequence: its lengths go along.

/**
 * The `parts` behind each other along `dim`: tensors, or PaddedSequences:
 *
 * - along rows (0): those of all, padded to the longest;
 * - along steps (1): each row of one continues with the same row of the next, without padding between them;
 * - along an axis of features: side by side; lengths must be equal.
 *
 * @throws {ShapeError} if they differ in another axis, or in lengths
 * @throws {OptionError} if there is none, or tensors and PaddedSequences are mixed
 */
export function concat(parts: readonly Tensor[], dim: number): Tensor;
export function concat(parts: readonly PaddedSequence[], dim: number): PaddedSequence;
export function concat(parts: readonly Sequence[], dim: number): Sequence;
export function concat(parts: readonly Sequence[], dim: number): Sequence {
  const sequences = Array.isArray(parts)
    ? parts.filter((part): part is PaddedSequence => part instanceof PaddedSequence)
    : [];
  const [first] = sequences;
  // Tensors, or something wrong altogether, about which the op on tensors throws.
  if (first === undefined) return concatTensors(parts as readonly Tensor[], dim);
  const other = parts.findIndex((part) => !(part instanceof PaddedSequence));
  if (other >= 0) {
    throw new OptionError('concat', {
      given: `${describe(parts[other])} as part ${other}, beside a PaddedSequence`,
      expected: 'PaddedSequences alone',
      fix: 'wrap a tensor: new PaddedSequence(x, lengths)',
    });
  }
  const axis = dim < 0 ? dim + first.shape.length : dim;
  if (axis === 1) return concatSteps(sequences);
  const steps = Math.max(...sequences.map(({ shape }) => shape[1] ?? 0));
  const values = concatTensors(
    sequences.map((part) => withSteps(part, steps)),
    dim,
  );
  if (axis === 0)
    return PaddedSequence.zeroPadded(
      values,
      sequences.flatMap(({ lengths }) => lengths),
    );
  const odd = sequences.find(({ lengths }) => lengths.some((length, row) => length !== first.lengths[row]));
  if (odd !== undefined) {
    throw new ShapeError('concat', {
      given: `lengths ${describe(first.lengths)} and ${describe(odd.lengths)}`,
      expected: 'equal lengths along an axis of features',
      fix: 'put steps behind each other with dim 1',
    });
  }
  return PaddedSequence.zeroPadded(values, first.lengths);
}

/** The values with zeros up to `steps` steps. */
function withSteps(sequence: PaddedSequence, steps: number): Tensor {
  const { values } = sequence.zeroPadding();
  const [rows = 0, own = 0, ...rest] = values.shape;
  return own === steps
    ? values
    : concatTensors([values, zeros([rows, steps - own, ...rest], { dtype: values.dtype, device: values.device })], 1);
}

function concatSteps(sequences: readonly PaddedSequence[]): PaddedSequence {
  const joined = concatTensors(
    sequences.map(({ values }) => values),
    1,
  );
  const [rows = 0, steps = 0] = joined.shape;
  const starts = sequences.map((_, index) =>
    sequences.slice(0, index).reduce((sum, { shape }) => sum + (shape[1] ?? 0), 0),
  );
  const places = Array.from({ length: rows }, (_, row) =>
    sequences.flatMap(({ lengths }, index) =>
      Array.from({ length: lengths[row] ?? 0 }, (__, step) => row * steps + (starts[index] ?? 0) + step),
    ),
  );
  const lengths = places.map(({ length }) => length);
  const picked = pickSteps(joined, places.flat());
  return PaddedSequence.zeroPadded(spreadSteps(picked, lengths, longest(lengths)), lengths);
}

/**
 * Elements `start` to `end` (exclusive) of each axis. Negative places count from the end, `null` leaves a side open,
 * what lies outside is cut; axes that are not named stay whole. Of a PaddedSequence the steps of each row by itself,
 * see `PaddedSequence.slice`.
 *
 * @example slice(x, [0, 1], [null, 2])  // x[:, 1:2]
 * @throws {OptionError} if there are more places than axes, or one is no whole number
 */
export function slice<X extends Sequence>(x: X, start: readonly (number | null)[], end?: readonly (number | null)[]): X;
export function slice(x: Sequence, start: readonly (number | null)[], end: readonly (number | null)[] = []): Sequence {
  return x instanceof PaddedSequence ? x.slice(start, end) : sliceTensor(x, start, end);
}

/**
 * Place `index` along `dim`, which goes away. Of a PaddedSequence a row, a step of each row, or a place among the
 * features, see `PaddedSequence.select`.
 *
 * @throws {OptionError} if `index` is out of range, but for a step that no row has
 */
export function select(x: Tensor, dim: number, index: number): Tensor;
export function select(x: PaddedSequence, dim: 0 | 1, index: number): Tensor;
export function select(x: Sequence, dim: number, index: number): Sequence;
export function select(x: Sequence, dim: number, index: number): Sequence {
  return x instanceof PaddedSequence ? x.select(dim, index) : selectTensor(x, dim, index);
}

/**
 * The order along `dims` reversed; of a tensor a view. Of a PaddedSequence the steps of each row within its length, see
 * `PaddedSequence.flip`.
 *
 * @throws {OptionError} if an axis is not there or named twice
 */
export function flip<X extends Sequence>(x: X, dims: readonly number[]): X;
export function flip(x: Sequence, dims: readonly number[]): Sequence {
  return x instanceof PaddedSequence ? x.flip(dims) : flipTensor(x, dims);
}

/**
 * The real steps of all rows, one behind the other: [N, T, …] → [W, …], W of them in all; of a tensor every step is
 * one.
 *
 * @throws {OptionError} if `x` is no sequence; {ShapeError} if it is a tensor without steps
 */
export function flattenSteps(x: Sequence): Tensor {
  if (x instanceof PaddedSequence) return pickSteps(x.values, realPlaces(x.lengths, x.shape[1] ?? 0));
  checkTensor(x, 'flattenSteps');
  const [rows, steps, ...rest] = stepsOf('flattenSteps', 'x', x);
  return reshape(x, [rows * steps, ...rest]);
}

/**
 * The opposite of `flattenSteps`: [W, …] → [N, T, …], a PaddedSequence with the lengths of `like`, zeros past each, or
 * a tensor where `like` is one. So what a model says of the letters of each word goes back to its word:
 *
 *     const ofWords = unflattenSteps(words, lastStep.forward(lstm.forward(characters).output));
 *
 * @param like   a PaddedSequence with as many real steps, a tensor [N, T, …], or lengths
 * @param steps  of all rows, one behind the other
 * @throws {ShapeError} if there are not as many, or `like` is a tensor without steps; {OptionError} if it is none of
 * the three
 */
export function unflattenSteps(like: PaddedSequence | readonly number[], steps: Tensor): PaddedSequence;
export function unflattenSteps(like: Tensor, steps: Tensor): Tensor;
export function unflattenSteps(like: Sequence, steps: Tensor): Sequence;
export function unflattenSteps(like: Sequence | readonly number[], steps: Tensor): Sequence {
  const op = 'unflattenSteps';
  checkTensor(steps, op, 'steps');
  if (like instanceof Tensor) {
    const [rows, length] = stepsOf(op, 'like', like);
    checkCount(op, steps, rows * length, describe(like));
    return reshape(steps, [rows, length, ...steps.shape.slice(1)]);
  }
  const lengths = like instanceof PaddedSequence ? like.lengths : like;
  if (!Array.isArray(lengths) || !lengths.every((length) => Number.isInteger(length) && length >= 0))
    throw new OptionError(op, {
      given: `${describe(like)} as like`,
      expected: 'a PaddedSequence, a tensor [N, T, …], or lengths of at least 0',
      fix: 'pass the sequence that the steps belong to',
    });
  checkCount(
    op,
    steps,
    lengths.reduce((sum: number, length: number) => sum + length, 0),
    `lengths ${describe(lengths)}`,
  );
  const most = like instanceof PaddedSequence ? (like.shape[1] ?? 0) : longest(lengths);
  return PaddedSequence.zeroPadded(spreadSteps(steps, lengths, most), lengths);
}

function stepsOf(op: string, name: string, x: Tensor): readonly [number, number, ...number[]] {
  const [rows, steps, ...rest] = x.shape;
  if (rows !== undefined && steps !== undefined) return [rows, steps, ...rest];
  throw new ShapeError(op, {
    given: `${describe(x)} as ${name}`,
    expected: '[N, T, …]',
    fix: 'put the batch first: x.unsqueeze(0)',
  });
}

function checkCount(op: string, steps: Tensor, count: number, of: string): void {
  if (steps.rank > 0 && steps.shape[0] === count) return;
  throw new ShapeError(op, {
    given: `${describe(steps)} for ${of}`,
    expected: `first axis ${count}, the number of real steps`,
    fix: 'give each real step of the rows its own, in their order',
  });
}
