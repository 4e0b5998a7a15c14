import { binding } from '../native/load';
import { oneOf } from './options';
import { checkFunction, refusePromise } from './scope';

/**
 * What products of f32 numbers may be computed in: `fma` f32 throughout; `tf32`, `bf16` or `f16`: the operands rounded
 * to 10, 7 or 10 bits of mantissa (f16: to numbers up to 65,504), sums in f32, by the matrix units of a CUDA device.
 * The CPU rounds to `bf16`, which is faster where the processor has AVX-512 BF16 and slower elsewhere, and computes in
 * f32 in the other modes; a step's product with the state before it, and products with a vector, are in f32 always.
 * Parameters, results and gradients are f32 in every mode.
 */
export type MathMode = 'fma' | 'tf32' | 'bf16' | 'f16';

/** See `setMathMode`. */
export const mathMode = (): MathMode => binding.mathMode();

/**
 * Sets what recurrent layers and matrix products of f32 numbers may be computed in, for the calls that follow. `tf32`
 * at the start, as PyTorch's recurrent layers.
 *
 * @throws {OptionError} if `mode` is none of these
 * @see autocast for a part of a program
 */
export function setMathMode(mode: MathMode): void {
  binding.setMathMode(checkMode('setMathMode', mode));
}

function checkMode(op: string, mode: MathMode): MathMode {
  return oneOf(op, 'mode', mode, ['fma', 'tf32', 'bf16', 'f16']);
}

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
  binding.setMathMode(checkMode('autocast', mode));
  try {
    const result = fn();
    refusePromise('autocast', result);
    return result;
  } finally {
    binding.setMathMode(before);
  }
}

/** Whether only algorithms are chosen that give the same bits in every run. */
export const isDeterministic = (): boolean => binding.isDeterministic();

/**
 * Chooses only algorithms that give the same bits in every run of the same program on the same machine, or not. Off at
 * the start: then cuDNN's algorithm for a recurrent layer is the fastest, which a later run may choose differently.
 * Everything else gives the same bits in any case.
 */
export const setDeterministic = (on: boolean): void => binding.setDeterministic(on);
