import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { clearPadding } from '../tensor/map-values';
import { describe } from '../tensor/options';
import { lengthsOf, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import type { TypedArray } from '../tensor/tensor';
import { Metric, type Gathering } from './metric';
import { isTexts, readHints, toSequence, type GivenHints, type MetricHints, type NumericInput } from './metric-input';

/** Numbers that were read: elements in row-major order, and where they were padded zeros past each length. */
export interface HostNumbers {
  /** The elements, the last axis running fastest. */
  readonly data: TypedArray;
  /** Extents, outermost axis first. */
  readonly shape: readonly number[];
  /** How many steps of each row are real, of a PaddedSequence. */
  readonly lengths?: readonly number[];
}

/** What a metric on the host gets of what `update` was given: numbers as HostNumbers, texts as they are. */
export type HostForm<Given> = Given extends NumericInput ? HostNumbers : Given;

/**
 * A metric that computes on the host. What it compares is read batch by batch, and nobody waits for it: a read begins
 * when a batch is counted, and its numbers are counted when they are there.
 *
 * A class of one's own says what comes of a batch, `count`, and what the parts of all batches come to, `result`. The
 * parts are kept, in the order of the batches:
 *
 *     class MedianError extends HostMetric<number[]> {
 *       readonly name = 'medianError';
 *       protected count(output: HostNumbers, target: HostNumbers): number[] {
 *         return Array.from(output.data, (x, place) => Math.abs(x - (target.data[place] ?? 0)));
 *       }
 *       protected result(parts: readonly number[][]): number {
 *         const errors = parts.flat().sort((a, b) => a - b);
 *         return errors[Math.floor(errors.length / 2)] ?? Number.NaN;
 *       }
 *     }
 */
export abstract class HostMetric<Part, Output = NumericInput, Target = NumericInput> extends Metric<
  Output,
  Target,
  readonly Part[]
> {
  /** Whether it compares numbers, texts, or either. Default: numbers. */
  protected readonly takes: 'numbers' | 'texts' | 'both' = 'numbers';

  /**
   * What comes of one batch. Texts come as they were given, numbers after `onDevice`.
   *
   * @param output  of the model
   * @param target  what is right
   * @param weight  of examples or steps, if they have some
   * @throws {OptionError} if the metric does not compare such
   */
  protected abstract count(output: HostForm<Output>, target: HostForm<Target>, weight?: HostNumbers): Part;

  /**
   * The value of the metric.
   *
   * @param parts  one a batch, in their order
   * @throws {OptionError} if something was counted which must not be
   */
  protected abstract override result(parts: readonly Part[]): number | Promise<number>;

  /**
   * What to read of a batch, computed where its tensors are: less to copy where the place of the largest score is all
   * that counts, say. Default: all of it.
   *
   * @returns output, target and weight as `count` gets them
   * @throws {ShapeError} if output and target do not fit each other
   */
  protected onDevice(
    output: Sequence,
    target: Sequence,
    { weight }: MetricHints,
  ): readonly [output: Sequence, target: Sequence, weight?: Sequence | undefined] {
    return [output, target, weight];
  }

  /** @internal */
  protected override gathering(): Gathering<readonly Part[]> {
    return new Parts((output, target, hints) => this.#part(output, target, hints));
  }

  #part(output: unknown, target: unknown, hints: GivenHints): Part | Promise<Part> {
    const op = `${this.constructor.name}.update`;
    const textual = [output, target].filter((given) => this.takes !== 'numbers' && isTexts(given)).length;
    if (textual === 2) {
      const weight = hints.weight === undefined ? undefined : toSequence(op, hints.weight, 'weight');
      const counted = (read?: HostNumbers): Part =>
        this.count(output as HostForm<Output>, target as HostForm<Target>, read);
      return weight === undefined ? counted() : hostNumbers(weight).then(counted);
    }
    if (this.takes === 'texts' || textual === 1) throw notAlike(op, output, target, this.takes);
    const reads = noGrad(() =>
      scope(() => {
        const [x, y] = [this.read(output, 'output'), this.read(target, 'target')];
        const kept = this.onDevice(x, y, readHints(op, hints));
        return { all: Promise.all(kept.map(async (part) => part && hostNumbers(part))) };
      }),
    );
    return reads.all.then(([x, y, weight]) => this.count(x as HostForm<Output>, y as HostForm<Target>, weight));
  }
}

/** Begins to read. */
function hostNumbers(x: Sequence): Promise<HostNumbers> {
  const [{ shape }, lengths] = [x, lengthsOf(x)];
  const data = valuesOf(clearPadding(x)).data();
  return data.then((elements) => ({ data: elements, shape, ...(lengths === undefined ? {} : { lengths }) }));
}

type PartOf<Part> = (output: unknown, target: unknown, hints: GivenHints) => Part | Promise<Part>;

/** What comes of the batches, in their order. */
class Parts<Part> implements Gathering<readonly Part[]> {
  readonly #partOf: PartOf<Part>;
  #parts: (Part | Promise<Part>)[];

  constructor(partOf: PartOf<Part>, parts: (Part | Promise<Part>)[] = []) {
    this.#partOf = partOf;
    this.#parts = parts;
  }

  add(output: unknown, target: unknown, hints: GivenHints): void {
    const part = this.#partOf(output, target, hints);
    const parts = this.#parts;
    const place = parts.push(part) - 1;
    if (!(part instanceof Promise)) return;
    part.then(
      (known) => (parts[place] = known),
      () => undefined, // whoever computes the metric hears of it
    );
  }

  async read(): Promise<readonly Part[] | undefined> {
    return this.#parts.length === 0 ? undefined : Promise.all(this.#parts);
  }

  copy(): Parts<Part> {
    return new Parts(this.#partOf, [...this.#parts]);
  }

  state(): Promise<readonly Part[] | undefined> {
    return this.read();
  }

  loadState(state: unknown): void {
    this.#parts = Array.isArray(state) ? [...(state as Part[])] : [];
  }

  dispose(): void {
    this.#parts = [];
  }
}

const notAlike = (op: string, output: unknown, target: unknown, takes: 'numbers' | 'texts' | 'both'): OptionError =>
  new OptionError(op, {
    given: `output ${describe(output)} and target ${describe(target)}`,
    expected: takes === 'texts' ? 'texts for both' : 'texts for both, or numbers for both',
    fix: 'decode numbers first; in a Trainer: { metric, from: async (output, batch) => [texts, batch.texts] }',
  });
