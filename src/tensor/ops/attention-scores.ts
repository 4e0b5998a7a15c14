import { arange } from '../factories';
import { ge, logicalAnd, mul } from './elementwise';
import { matmul } from './matmul';
import { transpose, unsqueeze } from './shape';
import { finiteNumber } from '../options';
import type { Tensor } from '../tensor';

/** `scale · Q Kᵀ`, […, Q, K]; scale is 1 / √D by default. @internal */
export function scaledProducts(query: Tensor, key: Tensor, scale?: number): Tensor {
  const factor = finiteNumber(
    'scaledDotProductAttention',
    'scale',
    scale ?? 1 / Math.sqrt(Math.max(1, query.shape.at(-1) ?? 1)),
  );
  return matmul(mul(query, factor), transpose(key, -2, -1));
}

/** bool [Q, K]: query i sees keys 0..i. @internal */
export function causalMask(query: Tensor, key: Tensor): Tensor {
  const places = (count: number): Tensor => arange(0, count, 1, { dtype: 'i32', device: query.device });
  return ge(unsqueeze(places(query.shape.at(-2) ?? 0), 1), places(key.shape.at(-2) ?? 0));
}

/** What both masks let through; an absent one lets everything through. @internal */
export const both = (mask: Tensor | undefined, other: Tensor): Tensor =>
  mask === undefined ? other : logicalAnd(mask, other);
