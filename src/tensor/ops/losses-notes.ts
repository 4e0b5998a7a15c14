// What losses tell those who add up batches and measure outputs. Written by the losses, read by the Trainer alone.
import type { Tensor } from '../tensor';

/**
 * By what a loss was divided: a number, `none` for a sum; where only the device knows, f64 [2]: the divisor, and the
 * sum that it divides.
 */
export type Divisor = number | 'none' | Tensor;

/** How a loss reads the outputs. */
export interface OutputKind {
  /** Scores of classes along the last axis, or of yes and no each, before or after a sigmoid. */
  readonly scores: 'classes' | 'logits' | 'probabilities';
  /** The label that it leaves out. */
  readonly ignoreIndex?: number | undefined;
}

/** What was told meanwhile. */
export interface LossNotes {
  readonly divisors: Map<Tensor, Divisor>;
  readonly kinds: OutputKind[];
}

const open: LossNotes[] = []; // per environment: each worker loads a copy of this module

/**
 * Runs `fn` and gathers what the losses tell that are computed meanwhile. In `fn` a mean over nothing, as of a batch
 * whose labels are all ignored, is 0 and has no gradient: it adds nothing to the sums.
 *
 * @internal
 */
export function takeLossNotes<R>(fn: () => R): { result: R; notes: LossNotes } {
  const notes: LossNotes = { divisors: new Map(), kinds: [] };
  open.push(notes);
  try {
    return { result: fn(), notes };
  } finally {
    open.pop();
  }
}

/** Whether anyone asks by what losses are divided. @internal */
export const divisorsWanted = (): boolean => open.length > 0;

/** Tells by what `loss` was divided. @returns the loss @internal */
export function divided(loss: Tensor, divisor: Divisor): Tensor {
  open.at(-1)?.divisors.set(loss, divisor);
  return loss;
}

/** Tells how a loss reads the outputs. @internal */
export function tellKind(kind: OutputKind): void {
  open.at(-1)?.kinds.push(kind);
}
