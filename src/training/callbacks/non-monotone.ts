import { counted } from '../../tensor/counted';
import { OptionError } from '../../tensor/errors';
import { describe, isNumberList, nonNegativeInteger } from '../../tensor/options';
import { readOptions } from '../../tensor/read-options';

/** What a checkpoint keeps of it. */
export interface NonMonotoneState {
  /** Losses of the validations so far. */
  readonly losses: readonly number[];
  /** Training steps before the last of them. */
  readonly seen: number;
  /** Training steps before averaging began; null before. */
  readonly begun: number | null;
}

/**
 * The non-monotonic trigger of NT-ASGD (Merity, Keskar and Socher, Regularizing and optimizing LSTM language models,
 * 2017, algorithm 1): averaging begins behind a validation whose loss is above the smallest of those that lie more than
 * n validations back.
 */
export class NonMonotone {
  readonly #interval: number;
  #losses: number[] = [];
  #seen = 0;
  #begun: number | null = null;

  /** @param interval  n */
  constructor(interval: number) {
    this.#interval = interval;
  }

  /** Whether a step counts: it lies behind that validation. */
  counts(step: number): boolean {
    return this.#begun !== null && step > this.#begun;
  }

  /**
   * Looks at a validation; a second time at that after the same step does nothing. A loss that is not finite is none.
   *
   * @param loss  of it; undefined if there was none
   * @param step  training steps before it
   * @returns whether averaging begins
   */
  look(loss: number | undefined, step: number): boolean {
    if (this.#begun !== null || loss === undefined || !Number.isFinite(loss) || step === this.#seen) return false;
    this.#seen = step;
    const earlier = this.#losses.slice(0, -this.#interval);
    this.#losses.push(loss);
    if (earlier.length === 0 || loss <= Math.min(...earlier)) return false;
    this.#begun = step;
    return true;
  }

  /** Why no step of a training that has ended counts. @param figure  what the losses are called */
  whyNone(figure: string): string {
    const n = this.#interval;
    if (this.#begun !== null) return 'averaging began behind the last step that counts';
    if (this.#losses.length <= n + 1)
      return `that takes ${n + 2} validations of a finite ${figure} at least, and there were ${this.#losses.length}`;
    return `${figure} was never above the smallest of those more than ${counted(n, 'validation')} back`;
  }

  /** Begins anew. */
  reset(): void {
    [this.#losses, this.#seen, this.#begun] = [[], 0, null];
  }

  /** What `loadState` goes on from. */
  state(): NonMonotoneState {
    return { losses: [...this.#losses], seen: this.#seen, begun: this.#begun };
  }

  /** Goes on from there. @throws {OptionError} if it is the state of something else */
  loadState(op: string, state: unknown): void {
    const { losses, seen, begun } = readOptions<object, NonMonotoneState>(op, state as object, {
      losses: lossesOf,
      seen: nonNegativeInteger,
      begun: (caller, name, value) => (value === null ? null : nonNegativeInteger(caller, name, value)),
    });
    [this.#losses, this.#seen, this.#begun] = [[...losses], seen, begun];
  }
}

function lossesOf(op: string, name: string, value: unknown): readonly number[] {
  if (Array.isArray(value) && isNumberList(value) && value.every(Number.isFinite)) return value as number[];
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'the losses of the validations so far',
    fix: 'pass what state() gave',
  });
}
