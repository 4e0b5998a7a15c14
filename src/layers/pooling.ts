import { DTypeError, ShapeError } from '../tensor/errors';
import { tensor, zeros } from '../tensor/factories';
import { div, maskedFill } from '../tensor/ops/elementwise';
import { max, mean, sum } from '../tensor/ops/reduce';
import { concat, reshape, select, slice } from '../tensor/ops/shape';
import { checkNoOptions, describe, flag } from '../tensor/options';
import { mapZeros } from '../tensor/map-values';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import { pickSteps } from '../tensor/steps';
import type { Tensor } from '../tensor/tensor';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';

/** An input [N, T, D], of at least one step if only of padding, and its extents. @internal */
export function checkSteps(
  op: string,
  given: Sequence,
): { input: Sequence; rows: number; steps: number; features: number } {
  checkSequence(op, given);
  if (given.shape.length !== 3) {
    throw new ShapeError(op, {
      given: `input ${describe(given)}`,
      expected: '[N, T, D]',
      fix:
        'give it the output of a recurrent layer for a batch, whose items are steps of features, as in [[1], [2]]; ' +
        'or one sequence as x.unsqueeze(0)',
    });
  }
  const input = withStep(given);
  const [rows = 0, steps = 0, features = 0] = input.shape;
  return { input, rows, steps, features };
}

/**
 * A batch in which no row has a step gets one that is padding, so that it is computed like an empty row beside longer
 * ones; any other batch stays as it is.
 *
 * @param input  [N, T, …]
 * @internal
 */
export function withStep(input: Sequence): Sequence {
  const [rows = 0, steps, ...rest] = input.shape;
  if (steps !== 0) return input;
  const values = concat([valuesOf(input), zeros([rows, 1, ...rest], { dtype: input.dtype, device: input.device })], 1);
  return PaddedSequence.zeroPadded(values, new Array<number>(rows).fill(0));
}

/** [N, D] with zeros in the rows that have no real step. */
function clearEmpty(pooled: Tensor, lengths: readonly number[]): Tensor {
  if (!lengths.includes(0)) return pooled;
  const empty = tensor(
    { data: Uint8Array.from(lengths, (length) => (length === 0 ? 1 : 0)), shape: [lengths.length, 1] },
    { dtype: 'bool', device: pooled.device },
  );
  return maskedFill(pooled, empty, 0);
}

/** Options of a LastStep. */
export interface LastStepOptions {
  /** Whether the input is that of a bidirectional layer, whose second half ends at the first step. Default false. */
  bidirectional?: boolean;
}

/**
 * The last real step: what a recurrent layer knows at the end. With `bidirectional`, the first half of the features at
 * the last real step and the second half at the first step, which is where the backward direction ends.
 *
 * Shapes: input [N, T, D] → [N, D]. A row of length 0 gives zeros.
 *
 * @throws {OptionError} if an option is unknown
 */
export class LastStep extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<LastStepOptions>>;

  constructor(options: LastStepOptions = {}) {
    super();
    this.options = readOptions('LastStep', options, { bidirectional: withDefault(flag, false) });
  }

  override get stepping(): Stepping {
    return this.options.bidirectional ? 'whole' : 'each';
  }

  /** @throws {ShapeError} if the input is not [N, T, D], or D is odd with `bidirectional` */
  forward(given: Sequence): Tensor {
    const { input, steps, features } = checkSteps('LastStep.forward', given);
    if (!this.options.bidirectional) return lastSteps(input, steps);
    if (features % 2 !== 0) {
      throw new ShapeError('LastStep.forward', {
        given: `input ${describe(input)}`,
        expected: 'an even last axis, half for each direction',
        fix: 'leave bidirectional out, or give it the output of a bidirectional layer',
      });
    }
    const half = features / 2;
    const part = (from: number, to: number): Sequence => mapZeros(input, (values) => cut(values, from, to));
    const back = part(half, features);
    return concat([lastSteps(part(0, half), steps), firstSteps(back)], -1);
  }
}

const cut = (values: Tensor, from: number, to: number): Tensor => slice(values, [0, 0, from], [null, null, to]);

function lastSteps(input: Sequence, steps: number): Tensor {
  if (!(input instanceof PaddedSequence)) return select(input, 1, steps - 1);
  return clearEmpty(
    pickSteps(
      input.values,
      input.lengths.map((length, row) => row * steps + Math.max(length - 1, 0)),
    ),
    input.lengths,
  );
}

function firstSteps(input: Sequence): Tensor {
  return input instanceof PaddedSequence ? clearEmpty(select(input.values, 1, 0), input.lengths) : select(input, 1, 0);
}

/**
 * Mean over the real steps.
 *
 * Shapes: input [N, T, D] → [N, D]. A row of length 0 gives zeros.
 */
export class MeanPool extends Module {
  /** @throws {OptionError} if there are options */
  constructor() {
    super();
    checkNoOptions('MeanPool', arguments);
  }

  override get stepping(): Stepping {
    return 'whole';
  }

  /** @throws {ShapeError} if the input is not [N, T, D] */
  forward(given: Sequence): Tensor {
    const { input } = checkSteps('MeanPool.forward', given);
    if (!(input instanceof PaddedSequence)) return mean(input, 1);
    if (input.dtype !== 'f32' && input.dtype !== 'f64')
      throw new DTypeError('MeanPool.forward', {
        given: describe(input),
        expected: 'f32 or f64',
        fix: 'cast it first',
      });
    const counts = Float64Array.from(input.lengths, (length) => Math.max(length, 1));
    return div(
      sum(input.zeroPadding().values, 1),
      tensor({ data: counts, shape: [counts.length, 1] }, { dtype: input.dtype, device: input.device }),
    );
  }
}

/** What no element of a dtype lies below: stands for the padding. */
const LEAST = { f32: -Infinity, f64: -Infinity, i32: -(2 ** 31), bool: 0, i8: -128 } as const;

/**
 * Largest value of each feature over the real steps.
 *
 * Shapes: input [N, T, D] → [N, D]. A row of length 0 gives zeros.
 */
export class MaxPool extends Module {
  /** @throws {OptionError} if there are options */
  constructor() {
    super();
    checkNoOptions('MaxPool', arguments);
  }

  override get stepping(): Stepping {
    return 'whole';
  }

  /** @throws {ShapeError} if the input is not [N, T, D] */
  forward(given: Sequence): Tensor {
    const { input, rows, steps } = checkSteps('MaxPool.forward', given);
    if (!(input instanceof PaddedSequence)) return max(input, 1);
    return clearEmpty(
      max(maskedFill(input.values, reshape(input.padding(), [rows, steps, 1]), LEAST[input.dtype]), 1),
      input.lengths,
    );
  }
}
