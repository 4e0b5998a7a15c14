import { binding } from '../native/load';
import { checkFunction, refusePromise } from './scope';

function withGrad<R>(op: string, on: boolean, fn: () => R): R {
  checkFunction(op, fn);
  const before = binding.isGradEnabled();
  binding.setGradEnabled(on);
  try {
    const result = fn();
    refusePromise(op, result);
    return result;
  } finally {
    binding.setGradEnabled(before);
  }
}

/**
 * Runs `fn` without keeping a history for `backward`: for inference, and for changing parameters in place.
 *
 * @throws {OptionError} if `fn` is asynchronous
 */
export const noGrad = <R>(fn: () => R): R => withGrad('noGrad', false, fn);

/**
 * Keeps the history of what `fn` does, inside `noGrad`.
 *
 * @throws {OptionError} if `fn` is asynchronous
 */
export const enableGrad = <R>(fn: () => R): R => withGrad('enableGrad', true, fn);

/** Whether ops keep a history for `backward` now. */
export const isGradEnabled = (): boolean => binding.isGradEnabled();
