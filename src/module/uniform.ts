import { zeros } from '../tensor/factories';
import { uniform_ } from '../tensor/ops/random';
import type { Tensor } from '../tensor/tensor';
import { claim } from './allowance';

/** Element types that a layer's parameters may have. */
export type FloatingDType = 'f32' | 'f64';

/**
 * Fresh values drawn from U(-bound, bound), as PyTorch starts Linear and recurrent layers with.
 *
 * @param bound  finite, at least 0
 */
export function uniformValues(shape: readonly number[], bound: number, dtype: FloatingDType): Tensor {
  claim(shape);
  return uniform_(zeros(shape, { dtype }), { low: -bound, high: bound });
}
