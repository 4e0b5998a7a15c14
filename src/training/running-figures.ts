import type { Metric } from '../metrics/metric';
import type { Tensor } from '../tensor/tensor';
import type { Figures } from './epoch-record';
import { lossNumbers } from './faults';
import type { Measured } from './loss-terms';
import type { BatchOutcome } from './step';

/** What was not finite in a step that changed no parameter. */
export type Odd = { readonly what: 'loss'; readonly value: number } | { readonly what: 'gradient' };

/**
 * The figures of batches so far: the loss, then the metrics. The loss is no Metric, because each batch of it is read as
 * soon as it is computed, to leave out what is not finite; metrics are read only when their values are wanted.
 */
export class RunningFigures {
  readonly #metrics: readonly Metric[];
  readonly #loss: Total[] = [];

  /** Metrics begin anew. */
  constructor(metrics: readonly Metric[]) {
    for (const metric of metrics) metric.reset();
    this.#metrics = metrics;
  }

  /**
   * Counts a batch, before the scope of its tensors ends.
   *
   * @param training  whether to leave the loss of a batch out of which a term or the gradient is not finite
   * @returns what was not finite, of a batch that was left out
   */
  add({ terms, hints, output, target, skip }: BatchOutcome, training: boolean): Promise<Odd | undefined> {
    if (output !== undefined) for (const metric of this.#metrics) metric.update(output, target, hints);
    return this.#addLoss(terms, training, skip);
  }

  /** The device computes what there is to add; this begins to read it, and adds it when it is there. */
  async #addLoss(terms: readonly Measured[], training: boolean, skip?: Tensor): Promise<Odd | undefined> {
    const reads = terms.map(async ({ weight, values, divisor }) => partOf(weight, divisor, await lossNumbers(values)));
    const [flag, parts] = await Promise.all([skip === undefined ? [0] : lossNumbers(skip), Promise.all(reads)]);
    const odd = parts.find(({ sum }) => !Number.isFinite(sum));
    if (odd !== undefined && training) return { what: 'loss', value: odd.sum };
    // Where nothing in a batch counts, its mean is 0 / 0: leaving out that step was right, and is no fault to report.
    const counts = parts.every(({ mean, divisor }) => !mean || divisor !== 0);
    if (flag[0] !== 0 && counts && training) return { what: 'gradient' };
    parts.forEach((part, index) => {
      const total = (this.#loss[index] ??= { sum: 0, divisor: 0, mean: false });
      total.sum += part.sum;
      total.divisor += part.divisor;
      total.mean ||= part.mean;
    });
    return undefined;
  }

  /** Whether nothing has counted for the loss so far, as where all labels are ignored. */
  get empty(): boolean {
    return this.#loss.length === 0 || this.#loss.some(({ mean, divisor }) => mean && divisor === 0);
  }

  /** The figures of all batches so far; NaN where nothing counted. */
  async values(): Promise<Figures> {
    const values = await Promise.all(
      this.#metrics.map(async (metric) => [metric.name, await metric.compute()] as const),
    );
    return { loss: lossOf(this.#loss), ...Object.fromEntries(values) };
  }
}

/** What a term of the loss adds up to. */
interface Total {
  sum: number;
  divisor: number;
  /** Whether anything was divided: if not, the figure is the sum. */
  mean: boolean;
}

function lossOf(totals: readonly Total[]): number {
  if (totals.length === 0) return Number.NaN;
  return totals.reduce((total, { sum, divisor, mean }) => total + (mean ? sum / divisor : sum), 0);
}

function partOf(weight: number, divisor: Measured['divisor'], values: ArrayLike<number>): Total {
  const [first = Number.NaN, second = Number.NaN] = Array.from(values);
  if (divisor === 'none') return { sum: weight * first, divisor: 0, mean: false };
  if (divisor === 'sum') return { sum: weight * second, divisor: first, mean: true };
  const [by, quotient] = divisor === 'quotient' ? [first, second] : [divisor, first];
  // A divisor of 0 means that nothing counted: the sum is 0, although the quotient is NaN.
  return { sum: by === 0 ? 0 : weight * quotient * by, divisor: by, mean: true };
}
