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
      const total = (this.#totals[index] ??= { sum: 0, divisor: 0, mean: false, undefined: false });
      total.sum += part.sum;
      total.divisor += part.divisor;
      total.mean ||= part.mean;
      total.undefined ||= part.undefined;
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

  /**
   * Of which terms, 1 for the first, nothing has counted so far, so that there is no loss: of all, as where all labels
   * are ignored, or of some that were 0 / 0 therefore. Undefined where there is one.
   */
  get empty(): EmptyTerms | undefined {
    const none = this.#totals.flatMap((total, index) => (isEmpty(total) ? [index + 1] : []));
    const some = this.#totals.some((total) => isEmpty(total) && total.undefined);
    return none.length === this.#totals.length || some ? { terms: none, of: this.#totals.length } : undefined;
  }

  /** The loss so far; NaN where nothing counted. A term of which nothing counted and which was finite counts as 0. */
  get value(): number {
    if (this.empty !== undefined) return Number.NaN;
    return this.#totals.reduce((loss, total) => {
      if (isEmpty(total)) return loss;
      return loss + (total.mean ? total.sum / total.divisor : total.sum);
    }, 0);
  }
}

/** Terms of a loss of which nothing counts, 1 for the first, of how many. */
export interface EmptyTerms {
  readonly terms: readonly number[];
  readonly of: number;
}

/** What a term of the loss adds up to. */
export interface Total {
  sum: number;
  divisor: number;
  /** Whether anything was divided: if not, the figure is the sum. */
  mean: boolean;
  /** Whether a mean of nothing was NaN, 0 / 0. */
  undefined: boolean;
}

const isEmpty = ({ mean, divisor }: Total): boolean => mean && divisor === 0;

function partOf({ weight, divisor, values }: StepNumbers['terms'][number]): Total {
  const [first = Number.NaN, second = Number.NaN] = values;
  if (divisor === 'none') return { sum: weight * first, divisor: 0, mean: false, undefined: false };
  if (divisor === 'sum') return { sum: weight * second, divisor: first, mean: true, undefined: first === 0 };
  const [by, quotient] = divisor === 'quotient' ? [first, second] : [divisor, first];
  // A divisor of 0 means that nothing counted: the sum is 0, although the quotient is NaN.
  return {
    sum: by === 0 ? 0 : weight * quotient * by,
    divisor: by,
    mean: true,
    undefined: by === 0 && !Number.isFinite(quotient),
  };
}
