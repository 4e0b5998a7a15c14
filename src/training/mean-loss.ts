import type { StepNumbers } from './step-report';

/**
 * What was not finite in a step that changed no parameter; `scale` where gradients overflow although the GradScaler has
 * made the scale small.
 */
export type Odd =
  | { readonly what: 'loss'; readonly value: number }
  | { readonly what: 'gradient' }
  | { readonly what: 'scale'; readonly value: number };

/** The first metric of every training, the loss over batches so far: term by term Σ loss · divisor / Σ divisor. */
export class MeanLoss {
  #totals: Total[] = [];

  /**
   * Adds what was read of a batch.
   *
   * @param training  whether to leave out a batch of which a term or the gradient is not finite
   * @returns what was not finite, of a batch that was left out
   */
  add({ terms, flag = 0, scale = 1 }: StepNumbers, training: boolean): Odd | undefined {
    const parts = terms.map(partOf);
    const odd = parts.find(({ sum }) => !Number.isFinite(sum));
    if (odd !== undefined && training) return { what: 'loss', value: odd.sum };
    // Where nothing in a batch counts, its mean is 0 / 0: leaving out that step was right, and is no fault to report.
    const counts = parts.every(({ mean, divisor }) => !mean || divisor !== 0);
    if (flag !== 0 && counts && training) return { what: 'gradient' };
    if (scale < 1 && training) return { what: 'scale', value: scale };
    parts.forEach((part, index) => {
      const total = (this.#totals[index] ??= { sum: 0, divisor: 0, mean: false });
      total.sum += part.sum;
      total.divisor += part.divisor;
      total.mean ||= part.mean;
    });
    return undefined;
  }

  /** What has been added so far, for a checkpoint. */
  state(): readonly Total[] {
    return this.#totals.map((total) => ({ ...total }));
  }

  /** Goes on from there. */
  loadState(totals: readonly Total[]): void {
    this.#totals = totals.map((total) => ({ ...total }));
  }

  /** Whether nothing has counted so far, as where all labels are ignored. */
  get empty(): boolean {
    return this.#totals.length === 0 || this.#totals.some(({ mean, divisor }) => mean && divisor === 0);
  }

  /** The loss so far; NaN where nothing counted. */
  get value(): number {
    if (this.#totals.length === 0) return Number.NaN;
    return this.#totals.reduce((total, { sum, divisor, mean }) => total + (mean ? sum / divisor : sum), 0);
  }
}

/** What a term of the loss adds up to. */
export interface Total {
  sum: number;
  divisor: number;
  /** Whether anything was divided: if not, the figure is the sum. */
  mean: boolean;
}

function partOf({ weight, divisor, values }: StepNumbers['terms'][number]): Total {
  const [first = Number.NaN, second = Number.NaN] = values;
  if (divisor === 'none') return { sum: weight * first, divisor: 0, mean: false };
  if (divisor === 'sum') return { sum: weight * second, divisor: first, mean: true };
  const [by, quotient] = divisor === 'quotient' ? [first, second] : [divisor, first];
  // A divisor of 0 means that nothing counted: the sum is 0, although the quotient is NaN.
  return { sum: by === 0 ? 0 : weight * quotient * by, divisor: by, mean: true };
}
