// By what losses were divided, for those who add up batches. Written by the losses, read by the Trainer alone.
import type { Tensor } from './tensor';

/** By what a loss was divided: a number, `none` for a sum; where only the device knows, f64 [2]: the divisor, and the sum that it divides. */
export type Divisor = number | 'none' | Tensor;

type Divisors = Map<Tensor, Divisor>;

const open: Divisors[] = []; // per environment: each worker loads a copy of this module

/**
 * Runs `fn` and gathers by what each loss was divided that stmnet computed meanwhile. In `fn` a mean over nothing, as of a batch whose labels are all
 * ignored, is 0 and has no gradient: it adds nothing to the sums.
 *
 * @internal
 */
export function takeDivisors<R>(fn: () => R): { result: R; divisors: ReadonlyMap<Tensor, Divisor> } {
  const divisors: Divisors = new Map();
  open.push(divisors);
  try {
    return { result: fn(), divisors };
  } finally {
    open.pop();
  }
}

/** Whether anyone asks by what losses are divided. @internal */
export const divisorsWanted = (): boolean => open.length > 0;

/** Tells by what `loss` was divided. @returns the loss @internal */
export function divided(loss: Tensor, divisor: Divisor): Tensor {
  open.at(-1)?.set(loss, divisor);
  return loss;
}
