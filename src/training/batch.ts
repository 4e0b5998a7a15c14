import { tensor } from '../tensor/factories';
import { isHostArray, isSourceArray, type HostArray, type SourceArray } from '../tensor/host-array';
import { isPlainObject, describe } from '../tensor/options';
import { mapTensors, tensorsIn } from '../tensor/nested-tensors';
import { OptionError } from '../tensor/errors';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { markRowsLike } from '../tensor/batch-rows';
import { Tensor, type NestedArray } from '../tensor/tensor';

/** Tensors and PaddedSequences, alone or in arrays and records, as deep as one likes. */
export type TensorTree = Sequence | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** What a field of a batch may hold: tensors, or numbers on the host that become a tensor. */
export type BatchField = TensorTree | SourceArray | HostArray<SourceArray> | readonly NestedArray[];

/** What a model is trained on at a time, where the Trainer has no `forward` of its own. */
export interface Batch<Input = Sequence, Target = Sequence> {
  /** For the model's forward: one argument; an array is a list of arguments, a record is one. */
  readonly input: Input;
  /** For the loss and the metrics. */
  readonly target: Target;
  /** How much each example, [N], or each step, [N, T], counts in the loss and the metrics. Default: 1. */
  readonly weight?: Sequence | SourceArray | HostArray<SourceArray> | readonly NestedArray[] | undefined;
}

/** Whether `value` is what layers compute with. */
export const isSequence = (value: unknown): value is Sequence =>
  value instanceof Tensor || value instanceof PaddedSequence;

/** Whether `value` is a record or a list of fields, and not of numbers. */
const isRecordOfFields = (value: unknown): value is Record<string, unknown> =>
  isPlainObject(value) && !isHostArray(value);
const isListOfFields = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.some((part) => isSequence(part) || isPlainObject(part));

/**
 * A field of a batch as tensors: numbers on the host become one.
 *
 * @param place  of the field, for the message: 'input'
 * @throws {OptionError} if it holds something else; {ShapeError, DTypeError} if numbers make no tensor
 */
export function toTensors(op: string, place: string, value: unknown): TensorTree {
  if (isSequence(value)) return value;
  if (isListOfFields(value)) return value.map((part, index) => toTensors(op, `${place}[${index}]`, part));
  if (isRecordOfFields(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, toTensors(op, `${place}.${name}`, part)]),
    );
  if (Array.isArray(value) || isSourceArray(value) || isHostArray(value))
    return tensor(value as readonly NestedArray[]);
  throw new OptionError(op, {
    given: `${describe(value)} as ${place}`,
    expected: 'a tensor, a PaddedSequence, an array of numbers, or arrays and records of these',
    fix: 'make a batch with a DataLoader, pad() or tensor() first',
  });
}

/** The same tree on a device. What is there already stays the same object. */
export function onDevice<Tree>(tree: Tree, device: string | undefined): Tree;
export function onDevice(tree: unknown, device: string | undefined): unknown {
  if (device === undefined) return tree;
  return mapTensors(tree, (x) => markRowsLike(x, x.to(device)));
}

/** Rows of the first tensor of a batch that has axes, N; undefined if there is none. */
export const rowsOf = (batch: unknown): number | undefined => tensorsIn(batch).find(({ rank }) => rank > 0)?.shape[0];
