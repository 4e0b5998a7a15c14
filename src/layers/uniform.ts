import { mul_, sub_ } from '../tensor/ops/elementwise';
import { rand } from '../tensor/random';
import type { Tensor } from '../tensor/tensor';

/** Element types that a layer's parameters may have. */
export type FloatingDType = 'f32' | 'f64';

/**
 * Fresh values drawn from U(-bound, bound), as PyTorch starts Linear and recurrent layers with.
 *
 * @param bound  finite, at least 0
 */
export function uniformValues(shape: readonly number[], bound: number, dtype: FloatingDType): Tensor {
  const values = rand(shape, { dtype });
  mul_(values, 2 * bound);
  sub_(values, bound);
  return values;
}
