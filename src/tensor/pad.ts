import { remedy } from './package-copies';
import { defaultDevice } from './device';
import { OptionError, ShapeError } from './errors';
import { tensor, zeros } from './factories';
import { type NestedArray, Tensor, type DType } from './tensor';
import {
  isScalar,
  joinElements,
  readItem,
  sizeOf,
  toElements,
  type HostArray,
  type HostValues,
  type SourceArray,
} from './host-array';
import { concat, stack } from './ops/shape';
import { describe } from './options';
import { PaddedSequence } from './padded-sequence';
import { asGiven, readOptions } from './read-options';
import { scope } from './scope';
import { longest } from './steps';

/** What `pad` takes to be one sequence, [T, …]; a bare typed array is [T]. */
export type SequenceItem = HostArray<SourceArray> | SourceArray | readonly NestedArray[] | Tensor;

/** How `pad` builds the batch. */
export interface PadOptions {
  /** Element type of host items. Default: that of their typed arrays; plain numbers make f32. Tensors keep theirs. */
  dtype?: DType | undefined;
  /** Number of steps of the batch, at least that of the longest item. Default: that of the longest item. */
  steps?: number | undefined;
  /** Where host items go. Default: the default device. */
  device?: string | undefined;
}

/**
 * Puts sequences of different lengths into one batch, zeros at the end of the short ones.
 *
 * Shapes: items [T_i, …] with equal axes after the first → values [N, T, …] with T = max T_i, lengths T_i. Tensors
 * stay in the graph.
 *
 * @param items  at least one: host arrays, typed arrays, nested arrays or tensors
 * @throws {ShapeError} if there is no item, or items differ after the first axis, or one is longer than `options.steps`
 */
export function pad(items: readonly SequenceItem[], options: PadOptions = {}): PaddedSequence {
  const settings = readOptions('pad', options, { dtype: asGiven, steps: asGiven, device: asGiven });
  if (!Array.isArray(items))
    throw new OptionError('pad', {
      given: `${describe(items)} as items`,
      expected: 'an array of sequences',
      fix: remedy(items, 'put the sequences into an array: pad([a, b])'),
    });
  if (items.length === 0)
    throw new ShapeError('pad', { given: 'no sequence', expected: 'at least one', fix: 'leave empty batches out' });
  return padRows('pad', (index) => `item ${index}`, items.map(toRow), settings);
}

/**
 * What `pad` does, for items that were read already.
 *
 * @param op     the caller, for the message
 * @param named  what an item is to the caller: 'input of item 3'
 * @internal
 */
export function padRows(
  op: string,
  named: (index: number) => string,
  rows: readonly (HostValues | Tensor)[],
  options: PadOptions = {},
): PaddedSequence {
  const rest = checkFeatures(op, named, rows);
  const lengths = rows.map((row) => row.shape[0] ?? 0);
  const least = longest(lengths);
  const steps = options.steps ?? least;
  if (!Number.isInteger(steps) || steps < least) {
    throw new ShapeError(op, {
      given: `steps: ${describe(options.steps)}`,
      expected: `at least ${least}, the length of the longest item`,
      fix: 'cut the items, or leave steps out',
    });
  }
  const settings = { dtype: options.dtype ?? batchDType(rows), device: options.device ?? defaultDevice() };
  return PaddedSequence.zeroPadded(joinRows(op, named, rows, [steps, ...rest], settings), lengths);
}

/**
 * From this many elements on, items go to the device one by one and are joined there: a quarter of the time on this
 * thread, which timers and requests wait for, and padding takes no memory on the host.
 */
const LARGE_BATCH = 2 ** 16;

/**
 * One tensor [N, …] of items, zeros at the end of those that are shorter along their first axis.
 *
 * @param op     the caller, for the message
 * @param named  what an item is to the caller, as for `padRows`
 * @param shape  of each item in the batch
 * @internal
 */
export function joinRows(
  op: string,
  named: (index: number) => string,
  rows: readonly (HostValues | Tensor)[],
  shape: readonly number[],
  settings: { dtype: DType; device: string },
): Tensor {
  const { dtype } = settings;
  const stride = sizeOf(shape);
  const onHost = rows.filter((row): row is HostValues => !(row instanceof Tensor));
  if (onHost.length === rows.length && rows.length * stride < LARGE_BATCH) {
    const data = joinElements(op, named, onHost, dtype, stride);
    return tensor({ data, shape: [rows.length, ...shape] }, settings);
  }
  const toTensor = (row: HostValues | Tensor, index: number): Tensor =>
    row instanceof Tensor
      ? row
      : tensor({ data: toElements(op, row.data, dtype, () => ` as ${named(index)}`), shape: row.shape }, settings);
  return scope(() =>
    stack(
      rows.map((row, index) => lengthened(toTensor(row, index), shape)),
      0,
    ),
  );
}

/** A tensor [T', …] with zeros behind it up to `shape`, [T, …]. */
function lengthened(row: Tensor, [steps = 1, ...rest]: readonly number[]): Tensor {
  const [length = 1] = row.shape;
  if (length === steps) return row;
  const padding = zeros([steps - length, ...rest], { dtype: row.dtype, device: row.device });
  return length === 0 ? padding : concat([row, padding], 0);
}

/**
 * The dtype of a batch: that of its tensors, if there are any, else of the items on the host; f32 where they differ.
 * @internal
 */
export function batchDType(rows: readonly (HostValues | Tensor)[]): DType {
  const tensors = rows.filter((row) => row instanceof Tensor);
  const [first, ...others] = tensors.length > 0 ? tensors : rows;
  return first !== undefined && others.every(({ dtype }) => dtype === first.dtype) ? first.dtype : 'f32';
}

/** The axes after the first, which all items share; an item without steps may lack them, as [] does. */
function checkFeatures(
  op: string,
  named: (index: number) => string,
  rows: readonly { shape: readonly number[] }[],
): readonly number[] {
  const like = Math.max(
    rows.findIndex((row) => row.shape[0] !== 0),
    0,
  );
  const rest = rows[like]?.shape.slice(1) ?? [];
  rows.forEach(({ shape }, index) => {
    const isEmpty = shape.length === 1 && shape[0] === 0;
    if (isEmpty || (shape.length === rest.length + 1 && rest.every((extent, axis) => extent === shape[axis + 1])))
      return;
    const expected = `[${['T', ...rest].join(', ')}], as ${named(like)} is`;
    throw new ShapeError(op, {
      given: `${named(index)} of shape ${describe(shape)}`,
      expected,
      fix: 'give all sequences the same features',
    });
  });
  return rest;
}

/** An item of a batch as it was given. */
function toRow(item: unknown, index: number): HostValues | Tensor {
  if (item instanceof Tensor) return item;
  const row = isScalar(item) ? undefined : readItem('pad', item, () => ` in item ${index}`);
  if (row !== undefined) return row;
  throw new ShapeError('pad', {
    given: `${describe(item)} as item ${index}`,
    expected: 'a host array, a typed array, nested arrays or a tensor',
    fix: remedy(item, 'give each item the shape [T, …]'),
  });
}
