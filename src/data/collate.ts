import { DTypeError, OptionError, ShapeError } from '../tensor/errors';
import { tensor, type HostArray, type NestedArray } from '../tensor/factories';
import { stack } from '../tensor/ops/shape';
import { nearMiss } from '../tensor/option-names';
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
 * @throws {DTypeError} if there is no such element type, or a number does not fit it
 * @throws {OptionError} if `dtypes` names a field that the items do not have
 */
export function collate<Item>(items: readonly Item[], dtypes?: FieldTypes<Item>): Collated<Item>;
export function collate(items: readonly unknown[], dtypes?: unknown): unknown {
  const [first] = items;
  if (first === undefined) throw new ShapeError('collate', { given: 'an empty batch', expected: 'at least one item', fix: 'leave empty batches out' });
  checkTypes('collate', first, dtypes);
  if (isField(first)) return collateField('items', items, toDType(dtypes));
  if (!isRecord(first)) throw new ShapeError('collate', { given: `the item ${describe(first)}`, expected: 'numbers, arrays, tensors, or records of these', fix: 'pass a collate function of your own' });
  const types = isRecord(dtypes) ? dtypes : {};
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, collateField(name, items.map((item) => (isRecord(item) ? item[name] : undefined)), toDType(types[name]))]),
  );
}

/**
 * Checks the element types that a user asks for.
 *
 * @param op      the caller, for the message
 * @param item    one of the items
 * @param dtypes  one element type for items that are fields themselves, or some by field for records
 * @throws {DTypeError} if there is no such element type
 * @throws {OptionError} if the item has no such field
 */
export function checkTypes(op: string, item: unknown, dtypes: unknown): void {
  if (dtypes === undefined) return;
  if (isField(item)) {
    if (isRecord(dtypes)) throw new OptionError(op, { given: `dtypes: ${describe(dtypes)} for items without names`, expected: 'one element type', fix: "pass such as 'f32', or make the items records such as { input, target }" });
    toDType(dtypes);
  } else if (isRecord(item)) {
    const names = Object.keys(item);
    if (!isRecord(dtypes)) throw new OptionError(op, { given: `dtypes: ${describe(dtypes)}`, expected: `element types by field (${names.join(', ')})`, fix: `pass such as { ${names[0] ?? ''}: 'f32' }` });
    for (const [name, dtype] of Object.entries(dtypes)) {
      if (!names.includes(name)) {
        const meant = nearMiss(name, names);
        throw new OptionError(op, { given: `${name} in dtypes`, expected: `only fields of the items: ${names.join(', ')}`, fix: meant === undefined ? `leave ${name} out` : `write ${meant}, if that is what you mean by ${name}` });
      }
      toDType(dtype);
    }
  }
}

/**
 * One element type for each field of numbers, so that all batches of a dataset have the same: bool if all are booleans, i32 if all are whole, else f32.
 *
 * @param items   those to judge by, at least one
 * @param dtypes  what the user asks for, which goes before
 * @returns `dtypes` for `collate`, with these added
 */
export function typesOfNumbers<Item>(items: Iterable<Item>, dtypes: FieldTypes<Item> | undefined): FieldTypes<Item> | undefined;
export function typesOfNumbers(items: Iterable<unknown>, dtypes: unknown): unknown {
  const asked = isRecord(dtypes) ? dtypes : {};
  const found = new Map<string, DType>();
  let names: string[] | undefined;
  let single: DType | undefined;
  for (const item of items) {
    if (dtypes === undefined && isNumber(item)) {
      single = wider(single, dtypeOfNumber(item));
      if (single === 'f32') break;
      continue;
    }
    if (!isRecord(item) || isField(item)) break;
    names ??= Object.keys(item).filter((name) => asked[name] === undefined && isNumber(item[name]));
    if (names.length === 0) break;
    for (const name of names) {
      const value = item[name];
      if (isNumber(value)) found.set(name, wider(found.get(name), dtypeOfNumber(value)));
    }
    if (names.every((name) => found.get(name) === 'f32')) break;
  }
  return found.size > 0 ? { ...asked, ...Object.fromEntries(found) } : (dtypes ?? single);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isTyped = (value: unknown): value is TypedArray => value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;
const isNumber = (value: unknown): value is number | boolean => typeof value === 'number' || typeof value === 'boolean';
const isField = (value: unknown): boolean =>
  isNumber(value) || isTyped(value) || value instanceof Tensor || Array.isArray(value) || (isRecord(value) && isTyped(value['data']) && Array.isArray(value['shape']));

function toDType(value: unknown): DType | undefined {
  const found = (['f32', 'f64', 'i32', 'bool'] as const).find((dtype) => dtype === value);
  if (found !== undefined || value === undefined) return found;
  throw new DTypeError('collate', { given: `dtype ${describe(value)}`, expected: "'f32', 'f64', 'i32' or 'bool'", fix: 'choose one of them' });
}

function collateField(name: string, values: readonly unknown[], dtype: DType | undefined): Sequence {
  const numbers = values.filter(isNumber);
  if (numbers.length === values.length) return tensor(numbers, { dtype: fitting(name, numbers, dtype ?? numbers.map(dtypeOfNumber).reduce(wider)) });
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

const dtypeOfNumber = (value: number | boolean): DType => (typeof value === 'boolean' ? 'bool' : Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 'i32' : 'f32');

/** The type that holds the numbers of both. */
const wider = (one: DType | undefined, other: DType): DType => (one === undefined || one === other ? other : one === 'f32' || other === 'f32' ? 'f32' : 'i32');

/** `dtype`, if it holds the numbers. */
function fitting(name: string, numbers: readonly (number | boolean)[], dtype: DType): DType {
  const fits = (value: number): boolean => (dtype === 'i32' ? (value | 0) === value : dtype === 'bool' ? value === 0 || value === 1 : true);
  const odd = numbers.findIndex((value) => !fits(Number(value)));
  if (odd < 0) return dtype;
  const types = name === 'items' ? "'f32'" : `{ ${name}: 'f32' }`;
  throw new DTypeError('collate', {
    given: `${describe(numbers[odd])} as ${name} of item ${odd}`, expected: `${dtype === 'i32' ? 'whole numbers of 32 bits, i32' : 'true or false'}, as in dtypes or the batches before`,
    fix: `pass dtypes: ${types}, or correct the item`,
  });
}

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
