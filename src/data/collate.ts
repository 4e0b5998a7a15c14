import { defaultDevice } from '../tensor/device';
import { OptionError, ShapeError } from '../tensor/errors';
import {
  type HostArray,
  type SourceArray,
  checkDType,
  isHostArray,
  isHostData,
  isScalar,
  readHostValues,
  readItem,
  type HostValues,
} from '../tensor/host-array';
import { type NestedArray, Tensor, type DType } from '../tensor/tensor';
import { cast } from '../tensor/ops/elementwise';
import { nearMiss } from '../tensor/option-names';
import { describe, isPlainObject } from '../tensor/options';
import { batchDType, joinRows, padRows } from '../tensor/pad';
import { markRows } from '../tensor/batch-rows';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { zeros } from '../tensor/factories';
import { itemNames, itemOfBatch, type ItemName, type ItemPlaces } from './item-places';
import { SequenceList } from './sequence-list';

/** What one field of an item may hold: a number, numbers on the host in any form, a tensor, or a list of sequences. */
export type Field =
  number | boolean | SourceArray | HostArray<SourceArray> | readonly NestedArray[] | Tensor | SequenceList;

/**
 * What `collate` makes of items: each field of records, and of records in them, becomes a tensor or a PaddedSequence;
 * items that are no records become one.
 */
export type Collated<Item> = Item extends SequenceList
  ? PaddedSequence
  : Item extends Field
    ? Sequence
    : { [Name in keyof Item]: CollatedField<Item[Name]> };

/** What `collate` makes of one field. */
export type CollatedField<Value> = Value extends SequenceList
  ? PaddedSequence
  : Value extends Field
    ? Sequence
    : Value extends object
      ? Collated<Value>
      : Sequence;

/** Element types by field, where the default is not what is wanted. */
export type FieldTypes<Item> = Item extends Field ? DType : { [Name in keyof Item]?: FieldTypesOf<Item[Name]> };

/** The element type of one field, or those of its fields. */
export type FieldTypesOf<Value> = Value extends Field ? DType : Value extends object ? FieldTypes<Value> : DType;

/**
 * Makes a batch of items. Field by field:
 *
 * - numbers: [N];
 * - arrays and tensors of one shape: stacked, [N, …];
 * - arrays and tensors that differ in their first axis only: a PaddedSequence [N, T, …] with their lengths;
 * - SequenceLists: the sequences of all items, one behind the other, a PaddedSequence [W, T, …];
 * - records, as in { input: { series, age }, target }: a record of the same fields.
 *
 * Element types never depend on the numbers: plain numbers and plain arrays make f32, booleans bool, and typed arrays
 * and tensors keep theirs. Labels and indices may be f32: what takes them checks that they are whole, and f32 holds
 * whole numbers up to 2^24. Beyond, use an Int32Array or `dtypes`.
 *
 * @param items   at least one, all alike: records of fields, such as { input, target }, or single fields
 * @param dtypes  element types of fields, as in { words: 'i32' } or { price: 'f64' }, exact from the numbers given
 * @throws {ShapeError} if there is no item, or the items do not fit each other
 * @throws {DTypeError} if there is no such element type, or a number does not fit it
 * @throws {OptionError} if `dtypes` names a field that the items do not have
 */
export function collate<Item>(items: readonly Item[], dtypes?: FieldTypes<Item>): Collated<Item>;
export function collate(items: readonly unknown[], dtypes?: unknown): unknown {
  return batchOf(items, dtypes, { others: [], named: itemOfBatch });
}

/**
 * As `collate`, for a batch of a dataset: an item [] of a field says nothing of its features, so in a batch of such
 * items alone it has those of the dataset's others.
 *
 * @param others  items of the dataset, read only where one is needed
 * @param places  where the items come from, for messages
 */
export function collateLike<Item>(
  items: readonly Item[],
  dtypes: FieldTypes<Item> | undefined,
  others: Iterable<Item>,
  places?: ItemPlaces,
): Collated<Item>;
export function collateLike(
  items: readonly unknown[],
  dtypes: unknown,
  others: Iterable<unknown>,
  places?: ItemPlaces,
): unknown {
  return batchOf(items, dtypes, { others, named: places === undefined ? itemOfBatch : itemNames(places) });
}

/** What goes with the items of a batch. */
interface Around {
  /** Items of the dataset, or one field of them. */
  readonly others: Iterable<unknown>;
  /** What messages call an item. */
  readonly named: ItemName;
}

function batchOf(items: readonly unknown[], dtypes: unknown, around: Around): unknown {
  const [first] = items;
  if (items.length === 0)
    throw new ShapeError('collate', {
      given: 'an empty batch',
      expected: 'at least one item',
      fix: 'leave empty batches out',
    });
  refusePair(first, around.named);
  checkTypes('collate', first, dtypes);
  if (isField(first)) return collateField('', items, asked('collate', dtypes), around);
  if (!isRecord(first)) throw noRecord(first, 0, around);
  return batchOfRecords('', first, items, dtypes, around);
}

const noRecord = (item: unknown, row: number, { named }: Around): ShapeError =>
  new ShapeError('collate', {
    given: `${describe(item)} as ${named(row)}`,
    expected: 'numbers, arrays, tensors, or records of these',
    fix: isGap(item) ? 'leave such items out' : 'make a record of it, or pass a collate function of your own',
  });

/** Whether nothing stands where an item or a field should. */
const isGap = (value: unknown): value is null | undefined => value === null || value === undefined;

/**
 * A record of the fields of records.
 *
 * @param path  to the field that holds them, for messages: 'input.', or '' for items
 */
function batchOfRecords(
  path: string,
  first: Record<string, unknown>,
  items: readonly unknown[],
  dtypes: unknown,
  around: Around,
): Record<string, unknown> {
  refuseOthers(path, first, items, around);
  const types = isRecord(dtypes) ? dtypes : {};
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const values = items.map((item) => fieldOf(item, name));
      const [head] = values;
      const rest = { ...around, others: fieldsOf(around.others, name) };
      if (isGroup(head)) {
        const odd = values.findIndex((value) => !isGroup(value));
        if (odd >= 0) throw otherKind(values, odd, fieldNames(`${path}${name}`, around));
        return [name, batchOfRecords(`${path}${name}.`, head, values, types[name], rest)];
      }
      return [name, collateField(`${path}${name}`, values, asked('collate', types[name]), rest)];
    }),
  );
}

/** Refuses what is no record among records, and fields that the first item lacks: they would be left out. */
function refuseOthers(path: string, first: object, items: readonly unknown[], around: Around): void {
  const { named } = around;
  for (const [index, item] of items.entries()) {
    if (path === '' && (!isRecord(item) || isField(item))) throw noRecordLike(first, item, index, around);
    const names = isRecord(item) && !isField(item) ? Object.keys(item) : [];
    const name = names.find((key) => !(key in first));
    if (name === undefined) continue;
    throw new ShapeError('collate', {
      given: `a field ${path}${name} in ${named(index)} that ${named(0)} lacks`,
      expected: 'the same fields in all items',
      fix: 'give the field to every item, or to none',
    });
  }
}

const noRecordLike = (first: object, item: unknown, row: number, { named }: Around): ShapeError =>
  new ShapeError('collate', {
    given: `${describe(item)} as ${named(row)}`,
    expected: `a record of ${Object.keys(first).join(', ')}, as ${named(0)} is`,
    fix: isGap(item) ? 'leave such items out' : 'give it the fields of the others',
  });

/** Refuses [input, target], which is no array of numbers: its parts have no names. */
function refusePair(item: unknown, named: ItemName): void {
  if (!Array.isArray(item) || item.length !== 2) return;
  const [input, target]: readonly unknown[] = item;
  const isPlain = Array.isArray(input) && Array.isArray(target) && input.length === target.length;
  if (isPlain || !(isField(input) && isField(target)) || (isScalar(input) && isScalar(target))) return;
  throw new ShapeError('collate', {
    given: `the pair ${describe(item)} as ${named(0)}`,
    expected: 'an array of numbers, or a record of fields',
    fix: 'name the parts: { input: x, target: y }',
  });
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
    if (isRecord(dtypes))
      throw new OptionError(op, {
        given: `dtypes: ${describe(dtypes)} for items without names`,
        expected: 'one element type',
        fix: "pass such as 'f32', or make the items records such as { input, target }",
      });
    checkDType(op, dtypes);
  } else if (isRecord(item)) {
    const names = Object.keys(item);
    if (!isPlainObject(dtypes))
      throw new OptionError(op, {
        given: `dtypes: ${describe(dtypes)}`,
        expected: `element types by field (${names.join(', ')})`,
        fix: `pass such as { ${names[0] ?? ''}: 'f32' }`,
      });
    for (const [name, dtype] of Object.entries(dtypes)) {
      if (!names.includes(name)) {
        const meant = nearMiss(name, names);
        throw new OptionError(op, {
          given: `${name} in dtypes`,
          expected: `only fields of the items: ${names.join(', ')}`,
          fix: meant === undefined ? `leave ${name} out` : `write ${meant}, if that is what you mean by ${name}`,
        });
      }
      const field = fieldOf(item, name);
      if (isGroup(field)) checkTypes(op, field, dtype);
      else checkDType(op, dtype);
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isField = (value: unknown): boolean =>
  value instanceof Tensor || value instanceof SequenceList || isHostData(value);

/** Whether a field holds fields. */
const isGroup = (value: unknown): value is Record<string, unknown> =>
  isPlainObject(value) && !isField(value) && !isHostArray(value);

const fieldOf = (item: unknown, name: string): unknown => (isRecord(item) ? item[name] : undefined);

/** One field of items, as often as it is walked over. */
const fieldsOf = (items: Iterable<unknown>, name: string): Iterable<unknown> => ({
  *[Symbol.iterator]() {
    for (const item of items) yield fieldOf(item, name);
  },
});

const asked = (op: string, dtype: unknown): DType | undefined =>
  dtype === undefined ? undefined : checkDType(op, dtype);

/** What a message calls a field of an item; `name` is empty where items are fields themselves. */
const fieldNames =
  (name: string, { named }: Around): ItemName =>
  (row) =>
    name === '' ? named(row) : `${name} of ${named(row)}`;

function collateField(name: string, values: readonly unknown[], dtype: DType | undefined, around: Around): Sequence {
  if (values[0] instanceof SequenceList) return collateLists(name, values, dtype, around);
  const kindOf = (value: unknown): string => {
    if (!isScalar(value)) return 'array';
    return dtype === undefined ? typeof value : 'number';
  };
  const named = fieldNames(name, around);
  const parts = values.map((value, row) => {
    const part = toPart(value, () => named(row));
    if (part === undefined || kindOf(value) !== kindOf(values[0])) throw otherKind(values, row, named);
    return part;
  });
  const own = parts.map((part) =>
    part instanceof Tensor && dtype !== undefined && part.dtype !== dtype ? cast(part, dtype) : part,
  );
  const shapes = own.map(({ shape }) => shape.join());
  if (shapes.some((shape) => shape !== shapes[0])) return padRows('collate', named, own, { dtype });
  const alike = shapes[0] === '0' ? withFeatures(own, around.others) : own;
  const shape = alike[0]?.shape ?? [];
  return markRows(
    joinRows('collate', named, alike, shape, { dtype: dtype ?? batchDType(own), device: defaultDevice() }),
  );
}

/** The sequences of all items, one behind the other. */
function collateLists(
  name: string,
  values: readonly unknown[],
  dtype: DType | undefined,
  around: Around,
): PaddedSequence {
  const fieldOfItem = fieldNames(name, around);
  const named: string[] = [];
  const parts = values.flatMap((value, row) => {
    if (!(value instanceof SequenceList)) throw otherKind(values, row, fieldOfItem);
    return value.sequences.map((sequence, place) => {
      const words = `sequence ${place} of ${fieldOfItem(row)}`;
      named.push(words);
      const part = toPart(sequence, () => words);
      if (part === undefined) throw otherKind([sequence], 0, () => words);
      return part;
    });
  });
  const own = parts.map((part) => (part instanceof Tensor && dtype !== undefined ? cast(part, dtype) : part));
  if (own.length > 0) return padRows('collate', (row) => named[row] ?? '', own, { dtype });
  // None at all: as wide as those of other items.
  const [other] = otherSequences(around.others);
  const [, ...rest] = other?.shape ?? [0];
  return new PaddedSequence(
    zeros([0, 0, ...rest], { dtype: dtype ?? batchDType(other === undefined ? [] : [other]) }),
    [],
  );
}

function* otherSequences(others: Iterable<unknown>): Generator<HostValues | Tensor> {
  for (const other of others)
    if (other instanceof SequenceList)
      for (const sequence of other.sequences) {
        const part = toPart(sequence, () => 'a sequence of another item');
        if (part !== undefined) yield part;
      }
}

/**
 * Parts without steps ([], shape [0]) get the feature axes of the first item of the dataset that has some: shape
 * [0, D], so that the batch is [N, 0, D].
 */
function withFeatures(
  parts: readonly (HostValues | Tensor)[],
  others: Iterable<unknown>,
): readonly (HostValues | Tensor)[] {
  for (const other of others) {
    const rest = (other instanceof Tensor ? other.shape : readHostValues('collate', other)?.shape)?.slice(1) ?? [];
    if (rest.length > 0) return parts.map((part) => (part instanceof Tensor ? part : { ...part, shape: [0, ...rest] }));
    const oneAxis =
      other instanceof Tensor ? other.size > 0 : isScalar(other) || (Array.isArray(other) && other.length > 0);
    if (oneAxis) break;
  }
  return parts;
}

/** @param named  what a message calls the values */
function otherKind(values: readonly unknown[], row: number, named: ItemName): ShapeError {
  const value = values[row];
  const kind = row > 0 ? kindInWords(values[0]) : undefined;
  return new ShapeError('collate', {
    given: value === undefined ? `no ${named(row)}` : `${describe(value)} as ${named(row)}`,
    expected: kind === undefined ? 'a number, a boolean, an array or a tensor' : `${kind}, as ${named(0)} is`,
    fix: adviceOn(value),
  });
}

/** Undefined for what is no field. */
function kindInWords(value: unknown): string | undefined {
  if (isScalar(value)) return `a ${typeof value}`;
  if (value instanceof SequenceList) return 'a SequenceList';
  if (isField(value)) return 'an array or a tensor';
  return isGroup(value) ? `a record of ${Object.keys(value).join(', ')}` : undefined;
}

function adviceOn(value: unknown): string {
  if (isGap(value)) return 'fill the field in, or leave the item out';
  if (typeof value === 'string')
    return (
      'make a number of it: Number(x) of digits, the index of a class, labels.indexOf(x), ' +
      'or text.encode(x) of a TextVectorizer'
    );
  if (typeof value === 'bigint') return 'make a number of it: Number(x)';
  return 'correct the item, or pass a collate function of your own';
}

/**
 * A field of one item, with a shape; undefined for what is no field.
 *
 * @param name  of the field and the item, for the message
 */
function toPart(value: unknown, name: () => string): HostValues | Tensor | undefined {
  return value instanceof Tensor ? value : readItem('collate', value, () => ` in ${name()}`);
}
