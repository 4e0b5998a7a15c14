import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { takeLossNotes, type Divisor, type OutputKind } from '../tensor/ops/losses-notes';
import { clearPadding } from '../tensor/map-values';
import { add, cast, mul } from '../tensor/ops/elementwise';
import { countReal } from '../tensor/ops/losses-shapes';
import { sum } from '../tensor/ops/reduce';
import { reshape, stack } from '../tensor/ops/shape';
import { checkOptions, describe, finiteNumber, nonNegativeNumber } from '../tensor/options';
import { lengthsOf, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { elementWeights } from '../tensor/ops/losses-weights';
import { isSequence } from './batch';
import type { MetricHints } from '../metrics/metric-input';

/** One term of a loss, with what a Trainer has to know to add up batches. */
export interface LossTerm {
  /** A tensor of one element. */
  readonly loss: Tensor;
  /** What the term is multiplied by, a finite number. Default 1. */
  readonly weight?: number;
  /**
   * By what `loss` was divided, 0 or more: the number of items, steps or elements that a mean is over, or the sum of
   * their weights, as a number or as a tensor of one element; `none` if it is a sum. Default: what stmnet's own losses
   * divided by; of others the number of real elements of the target.
   */
  readonly divisor?: number | Tensor | 'none';
}

/** What a loss function may return: a loss, a term, or several whose sum is the loss. */
export type LossResult = Tensor | LossTerm | readonly (Tensor | LossTerm)[];

/**
 * Anything that turns predictions and targets into a loss: one of stmnet's losses, a module, or a function. Where
 * batches have a weight, of examples or steps, it comes third.
 *
 * The figure of a data set is, term by term, Σ loss · divisor / Σ divisor over its batches, hence the same for all
 * batch sizes; of sums it is their sum. The divisors of stmnet's losses are known, also where a function calls them and
 * returns what they return. A loss computed otherwise is taken for a mean over the real elements of the target, which
 * are its rows or steps where each has one, or their weights; where the target is a record, over rows or their weights.
 * A term may tell its divisor:
 *
 *     loss: (output, target) => [
 *       crossEntropy(output, target),
 *       { loss: penalty(output), weight: 0.1, divisor: output.shape[0] },
 *     ]
 */
export type LossFunction<Output = Sequence, Target = Sequence> =
  | {
      /** The loss of predictions. */
      forward(input: Output, target: Target): LossResult;
    }
  | ((output: Output, target: Target, weight: Sequence | undefined) => LossResult);

/** A term as the host adds it up: what to read, and what that is. */
export interface Measured {
  readonly weight: number;
  /** A loss of one element; f64 [2] where the device knows the divisor. */
  readonly values: Tensor;
  /**
   * A number, `none`, or what stands behind the divisor in `values`: the `sum` that it divides, or their `quotient`.
   */
  readonly divisor: number | 'none' | 'sum' | 'quotient';
}

/** What a mean is taken to be over if its loss does not tell. */
export interface Counted {
  readonly output: unknown;
  /** What is compared with the output, if that is known. */
  readonly compared: () => { readonly target?: Sequence; readonly weight?: Sequence };
  /** Rows of the batch. */
  readonly rows: number | undefined;
}

/**
 * Computes the loss of a batch.
 *
 * @returns the loss, for `backward`; its terms, without history; how it reads the outputs
 * @throws {OptionError} if `loss` returns no loss of one element
 */
export function measure(
  loss: () => LossResult,
  counted: Counted,
): { loss: Tensor; terms: Measured[]; hints: MetricHints } {
  const { result, notes } = takeLossNotes(loss);
  const terms = termsOf(result).map((term) => ({
    ...term,
    divisor: term.divisor ?? notes.divisors.get(term.loss) ?? defaultDivisor(counted),
  }));
  const weighed = terms.map((term) => (term.weight === 1 ? term.loss : mul(term.loss, term.weight)));
  return {
    loss: weighed.reduce((sum, term) => add(sum, term)),
    terms: noGrad(() => terms.map(measured)),
    hints: hintsOf(notes.kinds),
  };
}

/** The real elements of the target, without one the rows; or the sum of their weights. */
function defaultDivisor({ output, compared, rows }: Counted): Divisor {
  const { target, weight } = compared();
  if (target === undefined)
    return weight === undefined ? (rows ?? 1) : noGrad(() => sum(cast(valuesOf(clearPadding(weight)), 'f64')));
  const lengths = lengthsOf(target) ?? (isSequence(output) ? lengthsLike(output, target) : undefined);
  const { shape } = target;
  if (weight === undefined) return countReal(shape, lengths);
  return noGrad(() => sum(elementWeights('Trainer: the loss', weight, { shape, lengths, dtype: 'f64' })));
}

/** The lengths of the output where a plain target has its rows and steps. */
function lengthsLike(output: Sequence, target: Sequence): readonly number[] | undefined {
  const alike = output.shape[0] === target.shape[0] && output.shape[1] === target.shape[1];
  return alike ? lengthsOf(output) : undefined;
}

function measured({ loss, weight, divisor }: { loss: Tensor; weight: number; divisor: Divisor }): Measured {
  if (!(divisor instanceof Tensor)) return { weight, values: loss.detach(), divisor };
  if (divisor.size === 2) return { weight, values: divisor, divisor: 'sum' };
  const both = [divisor, loss].map((value) => reshape(cast(value.detach(), 'f64'), []));
  return { weight, values: stack(both, 0), divisor: 'quotient' };
}

const OP = 'Trainer: the loss';
const FIX =
  'return the loss of the batch, a tensor that mean() or sum() gave, or { loss, divisor }, or an array of such terms';

function termsOf(result: unknown): { loss: Tensor; weight: number; divisor: number | Tensor | 'none' | undefined }[] {
  const terms: readonly unknown[] = Array.isArray(result) ? result : [result];
  if (terms.length === 0) throw new OptionError(OP, { given: 'no term', expected: 'at least one', fix: FIX });
  return terms.map((term) => {
    if (term instanceof Tensor) return { loss: scalar(term), weight: 1, divisor: undefined };
    if (typeof term !== 'object' || term === null || !('loss' in term) || !(term.loss instanceof Tensor)) {
      const fix = term instanceof Promise ? 'let the loss function return it without async' : FIX;
      throw new OptionError(OP, { given: describe(term), expected: 'a tensor of one element', fix });
    }
    checkOptions(OP, term, ['loss', 'weight', 'divisor']);
    const [weight, divisor] = [
      'weight' in term ? term.weight : undefined,
      'divisor' in term ? term.divisor : undefined,
    ];
    return {
      loss: scalar(term.loss),
      weight: finiteNumber(OP, 'weight', weight ?? 1),
      divisor: checkedDivisor(divisor),
    };
  });
}

function scalar(loss: Tensor): Tensor {
  if (loss.size === 1) return loss;
  const fix = "take its mean() or sum(); a loss with reduction: 'none' does not";
  throw new OptionError(OP, { given: describe(loss), expected: 'a tensor of one element', fix });
}

function checkedDivisor(divisor: unknown): number | Tensor | 'none' | undefined {
  if (divisor === undefined || divisor === 'none') return divisor;
  if (!(divisor instanceof Tensor)) return nonNegativeNumber(OP, 'divisor', divisor);
  if (divisor.size === 1) return divisor;
  throw new OptionError(OP, {
    given: `divisor: ${describe(divisor)}`,
    expected: 'a tensor of one element',
    fix: 'take the sum() of the weights',
  });
}

/** What the metrics may know of the outputs, if all losses that were computed read them alike. */
function hintsOf([first, ...others]: readonly OutputKind[]): MetricHints {
  const alike = others.every((kind) => kind.scores === first?.scores && kind.ignoreIndex === first.ignoreIndex);
  return first === undefined || !alike ? {} : first;
}
