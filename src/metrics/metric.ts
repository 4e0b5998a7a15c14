import { checkSequence } from '../module/check-input';
import { markClass } from '../tensor/copies';
import { zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import type { OutputKind } from '../tensor/ops/losses-notes';
import { add_, fill_ } from '../tensor/ops/elementwise';
import type { Sequence } from '../tensor/padded-sequence';
import { outsideScopes, scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';

/**
 * What a Trainer tells its metrics of the outputs, as the loss reads them: `scores` of classes along the last axis, or
 * of yes and no each, before or after a sigmoid (`classes`, `logits`, `probabilities`), and the label that it leaves
 * out, `ignoreIndex`. What a metric was given as an option goes before.
 */
export type MetricHints = Partial<OutputKind>;

/**
 * A number that is gathered batch by batch: `update` counts on the device without waiting, `compute` reads the result.
 *
 * Given PaddedSequences, metrics count real steps only; what lies past a length has no effect, NaN included. The value
 * does not depend on the batch size.
 */
export abstract class Metric {
  static {
    markClass(this.prototype, 'Metric');
  }

  /** Under which it stands in the history and in the result of `evaluate`. */
  abstract readonly name: string;
  #totals: Tensor | undefined;

  /** Shape of what `count` returns. */
  protected abstract readonly shape: readonly number[];

  /**
   * Sums over one batch, of `shape`, f64.
   *
   * @param hints  what is known of the outputs, as `update` got it
   * @throws {ShapeError} if output and target do not fit each other
   */
  protected abstract count(output: Sequence, target: Sequence, hints: MetricHints): Tensor;

  /**
   * The value of the metric.
   *
   * @param totals  the sums over all batches, in row-major order
   * @throws {OptionError} if the sums say that something was counted which must not be
   */
  protected abstract result(totals: readonly number[]): number;

  /** Forgets all batches. */
  reset(): void {
    const totals = this.#totals;
    if (totals !== undefined) noGrad(() => fill_(totals, 0));
  }

  /**
   * Counts one batch.
   *
   * @param hints  what is known of the outputs, as a Trainer knows from its loss. Default: nothing
   * @throws {ShapeError} if output and target do not fit each other; {OptionError} if one is neither a Tensor nor a
   * PaddedSequence
   */
  update(output: Sequence, target: Sequence, hints: MetricHints = {}): void {
    checkSequence(`${this.constructor.name}.update`, output, 'output');
    checkSequence(`${this.constructor.name}.update`, target, 'target');
    noGrad(() =>
      scope(() => {
        const counted = this.count(output, target, hints);
        add_(this.#totalsOn(counted.device), counted);
      }),
    );
  }

  /** The totals, on the device of what is to be added: a model may move between two batches. */
  #totalsOn(device: string): Tensor {
    const before = this.#totals;
    if (before?.device === device) return before;
    this.#totals = outsideScopes(() => before?.to(device) ?? zeros(this.shape, { dtype: 'f64', device }));
    before?.dispose();
    return this.#totals;
  }

  /** The sums over all batches, in row-major order. */
  protected async totals(): Promise<number[]> {
    return this.#totals === undefined ? [] : Array.from(await this.#totals.data());
  }

  /** The value over all batches since `reset`; NaN if nothing was counted. */
  async compute(): Promise<number> {
    const totals = await this.totals();
    return totals.length === 0 ? Number.NaN : this.result(totals);
  }
}

/** The mean of what was counted: [sum, count]. */
export const ratio = ([total = 0, count = 0]: readonly number[]): number => (count === 0 ? Number.NaN : total / count);
