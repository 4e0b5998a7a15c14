// How metrics read what they are given: numbers of any form become tensors.
import { OptionError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import {
  isHostData,
  isScalar,
  isSourceArray,
  readHostValues,
  type HostArray,
  type SourceArray,
} from '../tensor/host-array';
import type { OutputKind } from '../tensor/ops/losses-notes';
import { describe } from '../tensor/options';
import { remedy } from '../tensor/package-copies';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { Tensor, type NestedArray } from '../tensor/tensor';

/** Numbers that metrics compare: tensors, padded sequences, or values on the host. */
export type NumericInput = Sequence | SourceArray | HostArray<SourceArray> | readonly NestedArray[];

/** What metrics compare: numbers, texts, or texts and sequences that are cut into tokens or tags. */
export type MetricInput = NumericInput | readonly string[] | readonly (readonly string[])[];

/**
 * What a Trainer tells its metrics of a batch. How the loss reads the outputs: `scores` of classes along the last axis,
 * or of yes and no each, before or after a sigmoid (`classes`, `logits`, `probabilities`), and the label that it leaves
 * out, `ignoreIndex`. What a metric was given as an option goes before. And how much each example, [N], or each step,
 * [N, T], counts: `weight`.
 */
export type MetricHints = Partial<OutputKind> & {
  /** How much each example, [N], or each step, [N, T], counts. Default: 1. */
  readonly weight?: Sequence;
};

/** Hints as `update` takes them: weights may be plain numbers. */
export type GivenHints = Omit<MetricHints, 'weight'> & {
  /** How much each example, [N], or each step, [N, T], counts. Default: 1. */
  readonly weight?: NumericInput | undefined;
};

/** Whether a value is a tensor or a PaddedSequence. */
export const isSequence = (value: unknown): value is Sequence =>
  value instanceof Tensor || value instanceof PaddedSequence;

/** Whether a value is an array of texts, or of arrays of them, some or all of which may be empty. */
export const isTexts = (value: unknown): value is readonly (string | readonly string[])[] =>
  Array.isArray(value) &&
  value.every((part) => typeof part === 'string' || (Array.isArray(part) && part.every((x) => typeof x === 'string')));

/**
 * Numbers as a tensor or a PaddedSequence. Of plain arrays whole numbers become i32, since they may be classes, others
 * f64; typed arrays keep their kind.
 *
 * @param what  output, target or weight, for the message
 * @throws {OptionError} if `value` is something else; {ShapeError, DTypeError} if it makes no tensor
 */
export function toSequence(op: string, value: unknown, what: string): Sequence {
  if (isSequence(value)) return value;
  if (!isHostData(value) || isScalar(value)) {
    throw new OptionError(op, {
      given: value === undefined ? `no ${what}` : `${what} ${describe(value)}`,
      expected: 'a Tensor, a PaddedSequence or an array of numbers',
      fix: remedy(value, 'make a tensor of numbers by tensor(x), a batch of sequences by pad(sequences)'),
    });
  }
  const host = readHostValues(op, value, () => ` in ${what}`);
  if (host === undefined || isSourceArray(value) || !Array.isArray(value)) return tensor(value as number[]);
  const whole = Array.prototype.every.call(host.data, (x) => Number.isInteger(x) && Math.abs(Number(x)) < 2 ** 31);
  return tensor(value as number[], { dtype: whole ? 'i32' : 'f64' });
}

/**
 * Hints with the weight as a tensor.
 *
 * @throws {OptionError} if the weight is no tensor, PaddedSequence or array of numbers
 */
export function readHints(op: string, { weight, ...hints }: GivenHints): MetricHints {
  return weight === undefined ? hints : { ...hints, weight: toSequence(op, weight, 'weight') };
}
