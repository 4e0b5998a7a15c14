import { ShapeError } from '../tensor/errors';
import { tensor, type HostArray, type NestedArray } from '../tensor/factories';
import { stack } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { pad, toHostArray, type Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import { Tensor, type DType, type TypedArray } from '../tensor/tensor';

/** What one field of an item may hold: a number, numbers on the host in any form, or a tensor. */
export type Field = number | boolean | TypedArray | HostArray | readonly NestedArray[] | Tensor;

/** What `collate` makes of items: each field of records becomes a tensor or a PaddedSequence; items that are no records become one. */
export type Collated<Item> = Item extends Field ? Sequence : { [Name in keyof Item]: Sequence };

/** Element types by field, where the default is not what is wanted. */
export type FieldTypes<Item> = Item extends Field ? DType : { [Name in keyof Item]?: DType };

/**
 * Makes a batch of items. Field by field:
 *
 * - numbers: [N]; i32 if all are whole numbers, as labels are, else f32 (bool for booleans);
 * - arrays and tensors of one shape: stacked, [N, …];
 * - arrays and tensors that differ in their first axis only: a PaddedSequence [N, T, …] with their lengths.
 *
 * @param items   at least one, all alike: records of fields, such as { input, target }, or single fields
 * @param dtypes  element types of fields, as in { target: 'f32' } for numbers that happen to be whole
 * @throws {ShapeError} if there is no item, or the items do not fit each other
 */
export function collate<Item>(items: readonly Item[], dtypes?: FieldTypes<Item>): Collated<Item>;
export function collate(items: readonly unknown[], dtypes?: unknown): unknown {
  const [first] = items;
  if (first === undefined) throw new ShapeError('collate', { given: 'an empty batch', expected: 'at least one item', fix: 'leave empty batches out' });
  if (isField(first)) return collateField('items', items, typeof dtypes === 'string' ? toDType(dtypes) : undefined);
  if (!isRecord(first)) throw new ShapeError('collate', { given: `the item ${describe(first)}`, expected: 'numbers, arrays, tensors, or records of these', fix: 'pass a collate function of your own' });
  const types = isRecord(dtypes) ? dtypes : {};
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, collateField(name, items.map((item) => (isRecord(item) ? item[name] : undefined)), toDType(types[name]))]),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isTyped = (value: unknown): value is TypedArray => value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;
const isNumber = (value: unknown): value is number | boolean => typeof value === 'number' || typeof value === 'boolean';
const isField = (value: unknown): boolean =>
  isNumber(value) || isTyped(value) || value instanceof Tensor || Array.isArray(value) || (isRecord(value) && isTyped(value['data']) && Array.isArray(value['shape']));

function toDType(value: unknown): DType | undefined {
  const found = (['f32', 'f64', 'i32', 'bool'] as const).find((dtype) => dtype === value);
  if (found !== undefined || value === undefined) return found;
  throw new ShapeError('collate', { given: `dtype ${describe(value)}`, expected: "'f32', 'f64', 'i32' or 'bool'", fix: 'choose one of them' });
}

function collateField(name: string, values: readonly unknown[], dtype: DType | undefined): Sequence {
  const numbers = values.filter(isNumber);
  if (numbers.length === values.length) return tensor(numbers, { dtype: dtype ?? dtypeOfNumbers(numbers) });
  const odd = values.findIndex((value) => isNumber(value) !== isNumber(values[0]));
  if (odd > 0) throw otherKind(name, values[odd], odd);
  const parts = values.map((value, index) => toPart(name, value, index));
  const shapes = parts.map(({ shape }) => shape.join());
  const equal = shapes.every((shape) => shape === shapes[0]);
  const onHost = parts.filter((part): part is HostArray => !(part instanceof Tensor));
  const options = dtype === undefined ? {} : { dtype };
  if (onHost.length === parts.length && onHost.reduce((bytes, { data }) => bytes + data.byteLength, 0) < LARGE_BATCH) return equal ? tensor(joined(onHost), options) : pad(onHost, options);
  const kind = dtype ?? (new Set(onHost.map(({ data }) => data.constructor)).size > 1 ? 'f32' : undefined);
  return scope(() => {
    const tensors = parts.map((part) => (part instanceof Tensor ? part : tensor(part, kind === undefined ? {} : { dtype: kind })));
    return equal ? stack(tensors, 0) : pad(tensors);
  });
}

/** From this many bytes on, items go to the device one by one and are joined there: a quarter of the time on this thread, which timers and requests wait for. */
const LARGE_BATCH = 2 ** 18;

const dtypeOfNumbers = (numbers: readonly (number | boolean)[]): DType =>
  numbers.every((value) => typeof value === 'boolean') ? 'bool' : numbers.every((value) => Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31) ? 'i32' : 'f32';

const otherKind = (name: string, value: unknown, index: number): ShapeError =>
  new ShapeError('collate', { given: `${describe(value)} as ${name} of item ${index}`, expected: 'numbers, arrays or tensors, the same kind in all items', fix: 'correct the item, or pass a collate function of your own' });

/** A field of one item, with a shape. Numbers in plain arrays are f32, as everywhere. */
function toPart(name: string, value: unknown, index: number): HostArray | Tensor {
  if (value instanceof Tensor) return value;
  if (isTyped(value)) return { data: value, shape: [value.length] };
  const host = toHostArray('collate', value);
  if (host === undefined) throw otherKind(name, value, index);
  return Array.isArray(value) ? { data: Float32Array.from(host.data), shape: host.shape } : host;
}

/** [N, …] of arrays of one shape; of f32 if their types differ. */
function joined(parts: readonly HostArray[]): HostArray {
  const [first] = parts;
  const size = first?.data.length ?? 0;
  const total = size * parts.length;
  const same = parts.every(({ data }) => data.constructor === first?.data.constructor);
  const data =
    same && first?.data instanceof Int32Array ? new Int32Array(total)
    : same && first?.data instanceof Uint8Array ? new Uint8Array(total)
    : same && first?.data instanceof Float64Array ? new Float64Array(total)
    : new Float32Array(total);
  parts.forEach((part, index) => data.set(part.data, index * size));
  return { data, shape: [parts.length, ...(first?.shape ?? [])] };
}
