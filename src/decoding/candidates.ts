import { tensor, zeros } from '../tensor/factories';
import { add, cast, clamp, log, mul, where } from '../tensor/ops/elementwise';
import { indexSelect, topK } from '../tensor/ops/indexing';
import { logSoftmax } from '../tensor/ops/normalization';
import { sum } from '../tensor/ops/reduce';
import { concat, reshape } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { forbid } from './repeated-n-grams';

/** Places of the source that no step has looked at count as much as this: log 0 would leave no difference. */
const LEAST_COVERAGE = 1e-6;

/** What the candidates of a step are made of, for N sentences of W hypotheses each. */
export interface CandidateParts {
  /** [N·W, V], before softmax. */
  readonly scores: Tensor;
  /** log-probability of each hypothesis; -Infinity where a place is empty. */
  readonly before: readonly number[];
  /** W */
  readonly width: number;
  /** How many candidates of a sentence to take, at most. */
  readonly count: number;
  /** Must not come in any row. */
  readonly withoutEnd: number | undefined;
  /** Tokens that must not come in each row. */
  readonly forbidden: readonly (readonly number[])[];
  /** What coverage adds to the score of each row, [N·W]. */
  readonly coverage: Tensor | undefined;
}

/**
 * The best candidates of each sentence, computed where the scores are: f64 [N, 2·C + W], their log-probabilities, best
 * first, their places in [W·V], and the coverage of each hypothesis.
 *
 * @internal
 */
export function candidatesOf(parts: CandidateParts): Tensor {
  const { scores, before, width, count, withoutEnd, forbidden, coverage } = parts;
  const [rows = 0, vocabulary = 0] = scores.shape;
  const own = { dtype: scores.dtype, device: scores.device };
  let next = logSoftmax(scores, -1);
  if (withoutEnd !== undefined) {
    const mask = new Float64Array(vocabulary);
    mask[withoutEnd] = Number.NEGATIVE_INFINITY;
    next = add(next, tensor(mask, own));
  }
  next = forbid(next, forbidden);
  const all = add(next, tensor({ data: Float64Array.from(before), shape: [rows, 1] }, own));
  const sentences = rows / width;
  const { values, indices } = topK(reshape(all, [sentences, width * vocabulary]), Math.min(count, width * vocabulary));
  const covered = coverage ?? zeros([rows], own);
  const columns = [values, indices, reshape(covered, [sentences, width])];
  return concat(
    columns.map((x) => cast(x, 'f64')),
    1,
  );
}

/** How much the hypotheses have looked at each place of the source, with this step, [N·W, S]. @internal */
export function coverageOf(
  before: Tensor | undefined,
  rows: readonly number[] | undefined,
  attention: Sequence,
): Tensor {
  const now = valuesOf(attention);
  if (before === undefined) return add(now, 0);
  if (rows === undefined) return add(before, now);
  return add(indexSelect(before, 0, tensor(Int32Array.from(rows), { device: before.device })), now);
}

/** β Σ log(min(coverage, 1)) over the source of each row, [N·W]. @internal */
export function coverageScore(coverage: Tensor, attention: Sequence, beta: number): Tensor {
  const logs = log(clamp(coverage, { min: LEAST_COVERAGE, max: 1 }));
  const real = attention instanceof PaddedSequence ? where(attention.mask(), logs, 0) : logs;
  return mul(sum(real, 1), beta);
}
