import { binding } from '../native/load';
import { setMathMode, type MathMode } from './device';
import { checkFunction, refusePromise } from './scope';

/**
 * Runs `fn` with another math mode: what its recurrent layers and matrix products of f32 numbers, and their gradients,
 * may be computed in. The mode of before comes back afterwards, also if `fn` throws.
 *
 *     const loss = autocast('bf16', () => crossEntropy(model.forward(x), y));
 *     loss.backward();
 *
 * @param mode  as of `setMathMode`; with 'f16' small gradients become zero unless the loss is scaled: see GradScaler
 * @throws {OptionError} if `mode` is none of these, or `fn` is asynchronous
 */
export function autocast<R>(mode: MathMode, fn: () => R): R {
  checkFunction('autocast', fn);
  const before = binding.mathMode();
  setMathMode(mode);
  try {
    const result = fn();
    refusePromise('autocast', result);
    return result;
  } finally {
    binding.setMathMode(before);
  }
}
