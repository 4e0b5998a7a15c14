import { checkSequence } from '../module/check-input';
import { markClass } from '../tensor/package-copies';
import { zeros } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import type { OutputKind } from '../tensor/ops/losses-notes';
import { add_, clone, fill_ } from '../tensor/ops/elementwise';
import type { Sequence } from '../tensor/padded-sequence';
import { outsideScopes, scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';

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

/** A count that has begun: what a metric has seen since. */
export interface MetricCount {
  /** Counts one batch, on the device and without waiting. */
  update(output: Sequence, target: Sequence, hints?: MetricHints): void;
  /** The metric of all batches so far; NaN if nothing was counted. */
  compute(): Promise<number>;
  /** Lets go of what was counted. */
  dispose(): void;
}

/**
 * A number that is gathered batch by batch: `update` counts on the device without waiting, `compute` reads the result.
 *
 * Given PaddedSequences, metrics count real steps only; what lies past a length has no effect, NaN included. The value
 * does not depend on the batch size. With weights a mean is Σ weight · value / Σ weight.
 *
 * A metric says what it sums, `count`, and what the sums come to, `result`, and holds nothing else: several counts may
 * run at a time, as where an evaluation takes place while an epoch is running.
 */
export abstract class Metric {
  static {
    markClass(this.prototype, 'Metric');
  }

  /** Under which it stands in the history and in the result of `evaluate`. */
  abstract readonly name: string;
  #own = new Totals();

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
    this.#own.clear();
  }

  /**
   * Counts one batch.
   *
   * @param hints  what is known of the batch, as a Trainer knows from its loss. Default: nothing
   * @throws {ShapeError} if output and target do not fit each other; {OptionError} if one is neither a Tensor nor a
   * PaddedSequence
   */
  update(output: Sequence, target: Sequence, hints: MetricHints = {}): void {
    this.#add(this.#own, output, target, hints);
  }

  /** The sums over all batches, in row-major order. */
  protected async totals(): Promise<number[]> {
    return this.#own.read();
  }

  /** The value over all batches since `reset`; NaN if nothing was counted. */
  async compute(): Promise<number> {
    return this.#valueOf(this.#own);
  }

  /**
   * Begins a count beside the metric's own and beside others. Whenever it is computed, the metric takes its sums over,
   * so that afterwards `compute()` and the like tell of the count that was computed last.
   *
   * @throws {OptionError} from its `update`, if output or target is neither a Tensor nor a PaddedSequence
   */
  begin(): MetricCount {
    const totals = new Totals();
    return {
      update: (output, target, hints = {}) => this.#add(totals, output, target, hints),
      compute: async () => {
        this.#own.take(totals);
        return this.#valueOf(totals);
      },
      dispose: () => totals.dispose(),
    };
  }

  #add(totals: Totals, output: Sequence, target: Sequence, hints: MetricHints): void {
    checkSequence(`${this.constructor.name}.update`, output, 'output');
    checkSequence(`${this.constructor.name}.update`, target, 'target');
    noGrad(() => scope(() => totals.add(this.count(output, target, hints), this.shape)));
  }

  async #valueOf(totals: Totals): Promise<number> {
    const numbers = await totals.read();
    return numbers.length === 0 ? Number.NaN : this.result(numbers);
  }
}

/** Sums over batches, on the device. */
class Totals {
  #sums: Tensor | undefined;

  clear(): void {
    const sums = this.#sums;
    if (sums !== undefined) noGrad(() => fill_(sums, 0));
  }

  add(counted: Tensor, shape: readonly number[]): void {
    add_(this.#on(counted.device, shape), counted);
  }

  /** In row-major order; empty if nothing was counted. */
  async read(): Promise<number[]> {
    return this.#sums === undefined ? [] : Array.from(await this.#sums.data());
  }

  /** Becomes a copy of others. */
  take(others: Totals): void {
    this.dispose();
    const sums = others.#sums;
    if (sums !== undefined) this.#sums = outsideScopes(() => noGrad(() => clone(sums)));
  }

  dispose(): void {
    this.#sums?.dispose();
    this.#sums = undefined;
  }

  /** The sums, on the device of what is to be added: a model may move between two batches. */
  #on(device: string, shape: readonly number[]): Tensor {
    const before = this.#sums;
    if (before?.device === device) return before;
    this.#sums = outsideScopes(() => before?.to(device) ?? zeros(shape, { dtype: 'f64', device }));
    before?.dispose();
    return this.#sums;
  }
}

/** The mean of what was counted: [sum, count]. */
export const ratio = ([total = 0, count = 0]: readonly number[]): number => (count === 0 ? Number.NaN : total / count);
