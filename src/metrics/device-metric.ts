import { noGrad } from '../tensor/grad-mode';
import { ShapeError } from '../tensor/errors';
import { add_, clone } from '../tensor/ops/elementwise';
import { describe } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { outsideScopes, scope } from '../tensor/scope';
import { Tensor } from '../tensor/tensor';
import { Metric, type Gathering } from './metric';
import { readHints, type GivenHints, type MetricHints, type NumericInput } from './metric-input';

/**
 * A metric that adds up tensors where they are: nothing is read before it is computed.
 *
 * A class of one's own says what it sums up of a batch, `count`, and what the sums come to, `result`:
 *
 *     class Bias extends DeviceMetric {
 *       readonly name = 'bias';
 *       protected count(output: Tensor, target: Tensor): Tensor {
 *         return stack([sub(output, target).sum(), ones([])], 0).cast('f64');
 *       }
 *       protected result([total = 0, batches = 0]: readonly number[]): number {
 *         return total / batches;
 *       }
 *     }
 */
export abstract class DeviceMetric<Output = NumericInput, Target = NumericInput> extends Metric<
  Output,
  Target,
  readonly number[]
> {
  /**
   * Sums over one batch, f64, of one shape for all batches.
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
  protected abstract override result(totals: readonly number[]): number;

  /** What two parts of the data come to together. Default: their sum. */
  protected joined(before: Tensor, counted: Tensor): Tensor {
    return add_(before, counted);
  }

  /** @internal */
  protected override gathering(): Gathering<readonly number[]> {
    return new Totals((output, target, hints, before) => {
      const counted = this.count(
        this.read(output, 'output'),
        this.read(target, 'target'),
        readHints(`${this.constructor.name}.update`, hints),
      );
      if (before === undefined) return clone(counted);
      if (before.shape.join() !== counted.shape.join()) throw otherSums(this.constructor.name, before, counted);
      return this.joined(before.device === counted.device ? before : before.to(counted.device), counted);
    });
  }
}

/** What was summed up so far, with one batch more. */
type Counting = (output: unknown, target: unknown, hints: GivenHints, before: Tensor | undefined) => Tensor;

/** Sums over batches, on the device of the last one: a model may move between two batches. */
class Totals implements Gathering<readonly number[]> {
  readonly #counting: Counting;
  #sums: Tensor | undefined;

  constructor(counting: Counting, sums?: Tensor) {
    this.#counting = counting;
    this.#sums = sums;
  }

  add(output: unknown, target: unknown, hints: GivenHints): void {
    const before = this.#sums;
    const sums = outsideScopes(() => noGrad(() => scope(() => this.#counting(output, target, hints, before))));
    if (sums !== before) before?.dispose();
    this.#sums = sums;
  }

  async read(): Promise<readonly number[] | undefined> {
    return this.#sums === undefined ? undefined : Array.from(await this.#sums.data());
  }

  copy(): Totals {
    const sums = this.#sums;
    return new Totals(this.#counting, sums && outsideScopes(() => noGrad(() => clone(sums))));
  }

  async state(): Promise<Tensor | undefined> {
    return this.#sums;
  }

  loadState(state: unknown): void {
    this.dispose();
    if (state instanceof Tensor) this.#sums = outsideScopes(() => noGrad(() => clone(state)));
  }

  dispose(): void {
    this.#sums?.dispose();
    this.#sums = undefined;
  }
}

const otherSums = (op: string, before: Tensor, counted: Tensor): ShapeError =>
  new ShapeError(op, {
    given: `a batch that comes to ${describe(counted)} after others that came to ${describe(before)}`,
    expected: 'sums of one shape for all batches',
    fix: 'compare outputs of one model, or count apart what has another number of classes',
  });

/** The mean of what was counted: [sum, count]. */
export const ratio = ([total = 0, count = 0]: readonly number[]): number => (count === 0 ? Number.NaN : total / count);
