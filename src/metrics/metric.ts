import { markClass } from '../tensor/package-copies';
import type { Sequence } from '../tensor/padded-sequence';
import { toSequence, type GivenHints, type MetricInput } from './metric-input';

/** A count that has begun: what a metric has seen since. */
export interface MetricCount<Output = MetricInput, Target = MetricInput> {
  /** Counts one batch, without waiting. */
  update(output: Output, target: Target, hints?: GivenHints): void;
  /** The metric of all batches so far; NaN if nothing was counted. */
  compute(): Promise<number>;
  /** Its further figures of all batches so far, by their names; NaN if nothing was counted. */
  figures(): Promise<Record<string, number>>;
  /** What was counted so far, for a checkpoint: plain data, or a tensor, which may change with the next batch. */
  state(): Promise<unknown>;
  /**
   * Goes on from there.
   *
   * @param state  what `state` gave, of a count of a metric alike
   */
  loadState(state: unknown): void;
  /** Lets go of what was counted. */
  dispose(): void;
}

/** Where a count keeps what it has gathered. @internal */
export interface Gathering<Gathered> {
  /** Takes what `update` got, without waiting. */
  add(output: unknown, target: unknown, hints: GivenHints): void;
  /** What was gathered; undefined if nothing was. */
  read(): Promise<Gathered | undefined>;
  /** Another one with the same in it. */
  copy(): Gathering<Gathered>;
  /** What is in it, for a checkpoint; undefined if nothing is. */
  state(): Promise<unknown>;
  /** Takes over what `state` gave, in place of what is in it. */
  loadState(state: unknown): void;
  /** Lets go of all. */
  dispose(): void;
}

/**
 * A number that is gathered batch by batch: `update` takes a batch without waiting, `compute` reads the result.
 *
 * Given PaddedSequences, metrics count real steps only; what lies past a length has no effect, NaN included. The value
 * does not depend on the batch size. With weights a mean is Σ weight · value / Σ weight. Plain arrays of whole numbers
 * become i32, those of others f64.
 *
 * A metric holds nothing but what it has gathered, and several counts may run at a time, as where an evaluation takes
 * place while an epoch is running. One of your own extends DeviceMetric, which adds up tensors where they are, or
 * HostMetric, which gets numbers or texts.
 */
export abstract class Metric<Output = MetricInput, Target = MetricInput, Gathered = unknown> {
  static {
    markClass(this.prototype, 'Metric');
  }

  /** Under which it stands in the history and in the result of `evaluate`. */
  abstract readonly name: string;
  /** Names of its further figures, which stand in the history as `name.figure`. Default: none. */
  readonly figureNames: readonly string[] = [];
  #own: Gathering<Gathered> | undefined;

  /** Begins to gather. @internal */
  protected abstract gathering(): Gathering<Gathered>;

  /**
   * The value of the metric.
   *
   * @throws {OptionError} if something was counted which must not be
   */
  protected abstract result(gathered: Gathered): number | Promise<number>;

  /**
   * The further figures that `figureNames` names.
   *
   * @param _gathered  as `result` gets it
   * @throws {OptionError} if something was counted which must not be
   */
  protected details(_gathered: Gathered): Record<string, number> {
    return {};
  }

  /**
   * What was given as a tensor or a PaddedSequence.
   *
   * @param what  output or target, for the message
   * @throws {OptionError} if the metric does not compare such
   */
  protected read(given: unknown, what: 'output' | 'target'): Sequence {
    return toSequence(`${this.constructor.name}.update`, given, what);
  }

  /** What was gathered since `reset`; undefined if nothing was. @internal */
  protected gathered(): Promise<Gathered | undefined> {
    return this.#current().read();
  }

  /** Forgets all batches. */
  reset(): void {
    this.#own?.dispose();
    this.#own = undefined;
  }

  /**
   * Counts one batch.
   *
   * @param hints  what is known of the batch, as a Trainer knows from its loss. Default: nothing
   * @throws {ShapeError} if output and target do not fit each other; {OptionError} if one is nothing that the metric
   * compares
   */
  update(output: Output, target: Target, hints: GivenHints = {}): void {
    this.#current().add(output, target, hints);
  }

  /** The value over all batches since `reset`; NaN if nothing was counted. */
  async compute(): Promise<number> {
    return this.#valueOf(await this.gathered());
  }

  /** The further figures over all batches since `reset`, by their names; NaN if nothing was counted. */
  async figures(): Promise<Record<string, number>> {
    return this.#figuresOf(await this.gathered());
  }

  /**
   * Begins a count beside the metric's own and beside others. Whenever it is computed, the metric takes over what it
   * has gathered, so that afterwards `compute()` and the like tell of the count that was computed last.
   *
   * @throws {OptionError} from its `update`, if output or target is nothing that the metric compares
   */
  begin(): MetricCount<Output, Target> {
    const own = this.gathering();
    return {
      update: (output, target, hints = {}) => own.add(output, target, hints),
      compute: async () => {
        this.reset();
        this.#own = own.copy();
        return this.#valueOf(await own.read());
      },
      figures: async () => this.#figuresOf(await own.read()),
      state: () => own.state(),
      loadState: (state) => own.loadState(state),
      dispose: () => own.dispose(),
    };
  }

  #current(): Gathering<Gathered> {
    return (this.#own ??= this.gathering());
  }

  #valueOf(gathered: Gathered | undefined): number | Promise<number> {
    return gathered === undefined ? Number.NaN : this.result(gathered);
  }

  #figuresOf(gathered: Gathered | undefined): Record<string, number> {
    const known = gathered === undefined ? {} : this.details(gathered);
    return Object.fromEntries(this.figureNames.map((name) => [name, known[name] ?? Number.NaN]));
  }
}
