import { DTypeError, ShapeError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add, div, maskedFill, maximum, mul, sub, where } from '../tensor/ops/elementwise';
import { gather, indexSelect } from '../tensor/ops/indexing';
import { divided } from '../tensor/ops/losses-notes';
import { reductionOnly, type LossOptions } from '../tensor/ops/losses-options';
import { checkLabelShape, commonLengths } from '../tensor/ops/losses-shapes';
import { argmax, logSumExp, max, sum } from '../tensor/ops/reduce';
import { reshape, select, slice, split, squeeze, stack, transpose, unsqueeze } from '../tensor/ops/shape';
import { describe, positiveInteger } from '../tensor/options';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { floating, readOptions } from '../tensor/read-options';
import { scope } from '../tensor/scope';
import { pickSteps } from '../tensor/steps';
import type { Tensor } from '../tensor/tensor';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import { takeOver, type Parameter } from '../module/parameter';
import type { Stepping } from '../module/stream';
import { uniformValues, type FloatingDType } from '../module/uniform';
import { checkSteps, withStep } from './pooling';

/** Options of a CRF. */
export interface CRFOptions {
  /** C, number of tags. */
  numTags: number;
  /** Element type of the parameters. Default f32. */
  dtype?: FloatingDType;
}

/** Emissions of real steps, zeros past each length. */
interface Emissions {
  /** [N, T, C], of at least one step. */
  readonly values: Tensor;
  readonly lengths: readonly number[];
  readonly steps: number;
}

/**
 * Linear-chain conditional random field (Lafferty et al., 2001): how well tags follow each other counts beside how well
 * each fits its step, and paths of tags are compared as a whole.
 *
 *   score(y) = start[y_1] + Σ_t emissions[t, y_t] + Σ_t transitions[y_(t-1), y_t] + end[y_T]
 *   P(y)     = exp(score(y)) / Σ_y' exp(score(y'))          over all C^T paths, exactly
 *
 * It stands behind the layer that scores the tags of each step, is trained by its own `loss`, and gives the best path:
 *
 *     loss: (emissions, batch) => model.crf.loss(emissions, batch.tags),
 *     …
 *     const tags = model.crf.forward(emissions);
 *
 * Shapes: emissions [N, T, C] → tags [N, T], i32; transitions [C, C], from and to, start_transitions and
 * end_transitions [C], each from U(-0.1, 0.1).
 *
 * @throws {OptionError} if `numTags` is not a positive whole number, or an option is unknown
 */
export class CRF extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<CRFOptions>>;
  /** What it adds that a tag (row) is followed by another (column), [C, C]. */
  transitions: Parameter;
  /** What it adds that a path begins with a tag, [C]. */
  start_transitions: Parameter;
  /** What it adds that a path ends with a tag, [C]. */
  end_transitions: Parameter;

  constructor(options: CRFOptions) {
    super();
    this.options = readOptions('CRF', options, { numTags: positiveInteger, dtype: floating });
    const { numTags, dtype } = this.options;
    this.transitions = takeOver(uniformValues([numTags, numTags], 0.1, dtype));
    this.start_transitions = takeOver(uniformValues([numTags], 0.1, dtype));
    this.end_transitions = takeOver(uniformValues([numTags], 0.1, dtype));
  }

  override get stepping(): Stepping {
    return 'whole';
  }

  /**
   * The most probable path of each row (Viterbi, 1967), without a gradient; of equally probable ones that whose tags
   * come first. Zeros past a length.
   *
   * @throws {ShapeError} if the emissions are not [N, T, numTags]
   */
  forward<X extends Sequence>(emissions: X): X;
  forward(emissions: Sequence): Sequence {
    const { values, lengths, steps } = this.#read('CRF.forward', emissions);
    const path = scope(() => noGrad(() => this.#bestPaths(values, lengths, steps)));
    if (emissions instanceof PaddedSequence)
      return new PaddedSequence(slice(path, [0, 0], [null, emissions.shape[1] ?? 0]), lengths).zeroPadding();
    return slice(path, [0, 0], [null, emissions.shape[1] ?? 0]);
  }

  /**
   * -log P of the given tags: the mean over real steps, the sum, or with `none` that of each row, [N]. A row of length
   * 0 gives 0, and so does the mean over no step.
   *
   * @param tags  i32 [N, T], of 0..C-1
   * @throws {ShapeError} if the emissions are not [N, T, numTags], or there is not one tag for each step
   * @throws {DTypeError} if tags are not i32
   * @throws {OptionError} if a tag is out of range, at the call where it came from the host, else {NativeError} at the
   * next read
   */
  loss(emissions: Sequence, tags: Sequence, options: LossOptions = {}): Tensor {
    const op = 'CRF.loss';
    const { reduction } = readOptions(op, options, reductionOnly);
    const read = this.#read(op, emissions);
    checkSequence(op, tags, 'tags');
    if (tags.dtype !== 'i32')
      throw new DTypeError(op, {
        given: `tags ${describe(tags)}`,
        expected: 'i32',
        fix: "cast them: tags.cast('i32')",
      });
    checkLabelShape(op, 'emissions', valuesOf(emissions), valuesOf(tags));
    const lengths = commonLengths(op, emissions, tags) ?? read.lengths;
    const own = new PaddedSequence(read.values, lengths).zeroPadding().values;
    const right = new PaddedSequence(valuesOf(withStep(tags)), lengths).zeroPadding().values;
    const rows = clearEmpty(sub(this.#ofAllPaths(own, lengths), this.#ofPath(own, right, lengths)), lengths);
    if (reduction === 'none') return rows;
    const steps = lengths.reduce((total, length) => total + length, 0);
    return reduction === 'sum' ? divided(sum(rows), 'none') : divided(div(sum(rows), Math.max(steps, 1)), steps);
  }

  #read(op: string, given: Sequence): Emissions {
    const { input, rows, steps, features } = checkSteps(op, given);
    const { numTags } = this.options;
    if (features !== numTags)
      throw new ShapeError(op, {
        given: `emissions ${describe(given)}`,
        expected: `last axis ${numTags} (numTags)`,
        fix: `put a Linear with outFeatures: ${numTags} before it, or build the CRF with numTags: ${features}`,
      });
    if (!(input instanceof PaddedSequence))
      return { values: input, lengths: new Array<number>(rows).fill(steps), steps };
    return { values: input.zeroPadding().values, lengths: input.lengths, steps };
  }

  /** log Σ exp(score) over all paths of each row, [N]: the forward recursion. */
  #ofAllPaths(values: Tensor, lengths: readonly number[]): Tensor {
    const [first, ...others] = stepsOf(values);
    const into = transpose(this.transitions, 0, 1); // [C to, C from]
    const reached = [add(first, this.start_transitions)];
    for (const step of others) {
      const paths = add(unsqueeze(reached.at(-1) ?? first, 1), into); // [N, C to, C from]
      reached.push(add(logSumExp(paths, -1), step));
    }
    return logSumExp(add(atEnd(stack(reached, 1), lengths), this.end_transitions), -1);
  }

  /** The score of one path of each row, [N]. */
  #ofPath(values: Tensor, tags: Tensor, lengths: readonly number[]): Tensor {
    const [rows = 0, steps = 0] = tags.shape;
    const { numTags } = this.options;
    const emitted = sum(squeeze(gather(values, 2, unsqueeze(tags, 2)), 2), 1);
    const [from, to] = [slice(tags, [0, 0], [null, steps - 1]), slice(tags, [0, 1])];
    const pairs = reshape(add(mul(from, numTags), to), [rows * (steps - 1)]);
    const passed = reshape(indexSelect(reshape(this.transitions, [numTags * numTags]), 0, pairs), [rows, steps - 1]);
    const passes = lengths.map((length) => Math.max(length - 1, 0));
    const between = sum(new PaddedSequence(passed, passes).zeroPadding().values, 1);
    const begins = indexSelect(this.start_transitions, 0, select(tags, 1, 0));
    const ends = indexSelect(this.end_transitions, 0, atEnd(tags, lengths));
    return add(add(emitted, between), add(begins, ends));
  }

  /** [N, T]; what stands past a length is some path. */
  #bestPaths(values: Tensor, lengths: readonly number[], steps: number): Tensor {
    const [first, ...others] = stepsOf(values);
    const into = transpose(this.transitions, 0, 1);
    const best = [add(first, this.start_transitions)]; // score of the best path to each tag
    const before: Tensor[] = []; // the tag that stands before it there
    for (const step of others) {
      const paths = add(unsqueeze(best.at(-1) ?? first, 1), into);
      before.push(places(paths));
      best.push(add(max(paths, -1), step));
    }
    const last = places(add(atEnd(stack(best, 1), lengths), this.end_transitions));
    const path = [last];
    for (let step = steps - 2; step >= 0; step--) {
      const [from, tag = last] = [before[step] ?? last, path[0]];
      const came = squeeze(gather(from, 1, unsqueeze(tag, 1)), 1);
      path.unshift(where(endsAt(step, lengths, last.device), last, came));
    }
    return stack(path, 1);
  }
}

/** Each step of [N, T, C], [N, C]; there is one at least. */
function stepsOf(values: Tensor): [Tensor, ...Tensor[]] {
  const [first, ...others] = split(values, 1, 1).map((step) => squeeze(step, 1));
  return [first ?? values, ...others];
}

/** Place of the largest along the last axis, 0 where one is NaN: then there is no path, but one has to be given. */
const places = (scores: Tensor): Tensor => maximum(argmax(scores, -1), 0);

/** The last real step of each row of [N, T, …], the first one of an empty row. */
function atEnd(values: Tensor, lengths: readonly number[]): Tensor {
  const [, steps = 0] = values.shape;
  return pickSteps(
    values,
    lengths.map((length, row) => row * steps + Math.max(length - 1, 0)),
  );
}

/** Which rows have their last step there, bool [N]. */
const endsAt = (step: number, lengths: readonly number[], device: string): Tensor =>
  flags(lengths, (length) => length === step + 1, device);

/** [N] with 0 in the rows that have no real step. */
function clearEmpty(rows: Tensor, lengths: readonly number[]): Tensor {
  if (!lengths.includes(0)) return rows;
  return maskedFill(
    rows,
    flags(lengths, (length) => length === 0, rows.device),
    0,
  );
}

const flags = (lengths: readonly number[], holds: (length: number) => boolean, device: string): Tensor =>
  tensor(
    { data: Uint8Array.from(lengths, (length) => Number(holds(length))), shape: [lengths.length] },
    { dtype: 'bool', device },
  );
