import { binding } from '../native/load';
import { ids } from '../optimizers/optimizer';
import { OptionError } from '../tensor/errors';
import { full } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add, cast, div, eq, maskedFill, mul, reciprocal } from '../tensor/ops/elementwise';
import { reshape, select } from '../tensor/ops/shape';
import { keep } from '../tensor/scope';
import { idOf, Tensor } from '../tensor/tensor';
import type { Measured } from './loss-terms';
import { reportOf, type StepReport } from './step-report';
import type { OnNaN } from './stop-flag';
import { putBack, type RunningStatistics, type StatisticsBefore } from './statistics-before';
import { parametersOf, update, type UpdateParts } from './update';

/** What came of an update. */
export interface Updated {
  /** Of all batches of the group, as one batch of them would have it. */
  readonly loss: Tensor;
  readonly report: StepReport;
}

/**
 * Gradients of several batches, for one update as of all of them in one batch. A mean is the sum of what it is over,
 * divided by how much that is, so the gradients of the sums are added up,
 *
 *   g ← Σ ∇(loss · divisor)      and at the end      g ← g / Σ divisor
 *
 * hence batches of other sizes or lengths, as the last group of an epoch may have, count by what is in them. Losses
 * that were divided by nothing are added up alone.
 */
export class Accumulation {
  readonly #parts: UpdateParts;
  readonly #every: number;
  #batches = 0;
  /** What the losses so far add up to, and their divisors, f64 []. */
  #sum: Tensor | undefined;
  #divisor: Tensor | undefined;
  #before: StatisticsBefore = [];
  /** The statistics before the running batch; they belong to its scope. */
  #beforeBatch: StatisticsBefore = [];

  constructor(parts: UpdateParts, every: number) {
    this.#parts = parts;
    this.#every = every;
  }

  /** Before the forward of a batch: keeps what the statistics are before it, and before the first one of a group. */
  begin(statistics: RunningStatistics): void {
    this.#beforeBatch = statistics.copies();
    if (this.#batches > 0) return;
    this.drop();
    this.#before = statistics.copies();
    for (const [, before] of this.#before) keep(before);
  }

  /**
   * Goes back through a batch.
   *
   * @returns whether the group is complete
   * @throws {OptionError} if the terms of the loss were divided by different things
   */
  add(loss: Tensor, terms: readonly Measured[]): boolean {
    const { optimizer, scaler } = this.#parts;
    const divisor = divisorOf(terms);
    if (this.#batches === 0) optimizer.zeroGrad();
    if (divisor !== 0) {
      const summed =
        divisor === 'none' ? loss : mul(loss, divisor instanceof Tensor ? cast(divisor, loss.dtype) : divisor);
      (scaler?.scale(summed) ?? summed).backward();
      noGrad(() => {
        this.#sum = this.#added(this.#sum, cast(summed.detach(), 'f64'));
        if (divisor === 'none') return;
        const counted = divisor instanceof Tensor ? divisor : full([], divisor, { dtype: 'f64', device: loss.device });
        this.#divisor = this.#added(this.#divisor, counted);
      });
    }
    this.#putBackBatch(divisor, loss.device);
    return ++this.#batches === this.#every;
  }

  /** A batch of which nothing counts leaves the statistics as they were: NaN in it would stay, and no step be odd. */
  #putBackBatch(divisor: number | Tensor | 'none', device: string): void {
    const statistics = this.#beforeBatch;
    this.#beforeBatch = [];
    if (statistics.length === 0 || (divisor !== 0 && !(divisor instanceof Tensor))) return;
    const counted = divisor instanceof Tensor ? reshape(cast(divisor, 'f32'), []) : full([], 0, { device });
    putBack(
      statistics,
      noGrad(() => maskedFill(mul(counted, 0), eq(counted, 0), Number.NaN)),
    );
  }

  #added(before: Tensor | undefined, value: Tensor): Tensor {
    const flat = reshape(value, []);
    const sum = keep(before === undefined ? flat.clone() : add(before, flat));
    before?.dispose();
    return sum;
  }

  /**
   * Changes the parameters by what there is, which is nothing where no batch counts; undefined if none has come since
   * the last update.
   */
  update(onNaN: OnNaN): Updated | undefined {
    if (this.#batches === 0) return undefined;
    const [sum, divisor] = [this.#sum, this.#divisor];
    const { optimizer } = this.#parts;
    const loss = noGrad(() => lossOf(sum, divisor, parametersOf(optimizer)[0]?.device));
    if (sum === undefined) {
      putBack(this.#before, full([], Number.NaN, { device: loss.device }));
      this.drop();
      return { loss, report: reportOf([]) };
    }
    const terms = divisor === undefined ? [] : [{ divisor: 'sum' as const, values: reshape(divisor.clone(), [1]) }];
    if (divisor !== undefined) noGrad(() => this.#divideGradients(divisor));
    const told = update(this.#parts, { loss, terms }, onNaN);
    const { flag } = told;
    if (flag !== undefined) putBack(this.#before, flag);
    // That nothing counts is no fault: the step is left out, and that is all.
    const odd = noGrad(() => (flag && divisor ? maskedFill(flag, eq(divisor, 0), 0) : flag));
    this.drop();
    return { loss, report: reportOf([], { ...told, flag: odd }) };
  }

  #divideGradients(divisor: Tensor): void {
    const factor = maskedFill(reciprocal(divisor), eq(divisor, 0), 0); // f64, which gradients of f64 take as it is
    binding.scaleGradients(ids(parametersOf(this.#parts.optimizer)), idOf(factor, 'Trainer', 'factor'));
  }

  /** Forgets the batches since the last update. */
  drop(): void {
    this.#sum?.dispose();
    this.#divisor?.dispose();
    for (const [, before] of this.#before) before.dispose();
    this.#before = [];
    [this.#batches, this.#sum, this.#divisor] = [0, undefined, undefined];
  }
}

/** Nothing has counted where there is no sum: a mean is 0 / 0 then. */
function lossOf(sum: Tensor | undefined, divisor: Tensor | undefined, device = 'cpu'): Tensor {
  if (sum === undefined) return full([], Number.NaN, { dtype: 'f64', device });
  return divisor === undefined ? sum.clone() : div(sum, divisor);
}

/** By what a loss was divided: a number, f64 [], or `none`. */
function divisorOf(terms: readonly Measured[]): number | Tensor | 'none' {
  const [first, ...others] = terms;
  const alike = others.every(
    ({ divisor }) => divisor === first?.divisor && divisor !== 'sum' && divisor !== 'quotient',
  );
  if (first !== undefined && alike) {
    const { divisor, values } = first;
    return divisor === 'sum' || divisor === 'quotient' ? noGrad(() => select(values, 0, 0)) : divisor;
  }
  throw new OptionError('Trainer', {
    given: `accumulate with a loss of terms that were divided by different things`,
    expected: 'one divisor for all of them, or one term',
    fix: 'take larger batches, or let the loss function divide all terms by the same number',
  });
}
