import { ShapeError } from '../errors';
import { arange } from '../factories';
import { checkOptions, describe, finiteNumber, flag } from '../options';
import type { Tensor } from '../tensor';
import { ge, logicalAnd, mul } from './elementwise';
import { matmul } from './matmul';
import { softmax } from './normalization';
import { transpose, unsqueeze } from './shape';

/** Options of `scaledDotProductAttention`. */
export interface ScaledDotProductAttentionFunctionOptions {
  /** bool, broadcasts to […, Q, K]: false hides a key from a query. A query that sees no key gives zeros. */
  mask?: Tensor | undefined;
  /** Factor of the products. Default 1 / √D. */
  scale?: number | undefined;
  /** Whether query i sees keys 0..i only. Default false. */
  causal?: boolean;
}

/**
 * Attention by scaled products (Vaswani et al., 2017).
 *
 *   softmax(scale · Q Kᵀ) V
 *
 * Shapes: query […, Q, D], key […, K, D], value […, K, E] → […, Q, E].
 *
 * @throws {ShapeError} if the axes do not fit each other
 * @see torch.nn.functional.scaled_dot_product_attention
 */
export function scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, options: ScaledDotProductAttentionFunctionOptions = {}): Tensor {
  const op = 'scaledDotProductAttention';
  checkOptions(op, options, ['mask', 'scale', 'causal']);
  const causal = flag(op, 'causal', options.causal ?? false);
  if (query.rank < 2 || key.shape.at(-1) !== query.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2)) {
    throw new ShapeError(op, {
      given: `query ${describe(query)}, key ${describe(key)} and value ${describe(value)}`, expected: '[…, Q, D], […, K, D] and […, K, E]', fix: 'project query and key to one width',
    });
  }
  const scores = scaledProducts(query, key, options.scale);
  const mask = causal ? both(options.mask, causalMask(query, key)) : options.mask;
  return matmul(softmax(scores, -1, { mask }), value);
}

/** `scale · Q Kᵀ`, […, Q, K]; scale is 1 / √D by default. */
export function scaledProducts(query: Tensor, key: Tensor, scale?: number): Tensor {
  const factor = finiteNumber('scaledDotProductAttention', 'scale', scale ?? 1 / Math.sqrt(Math.max(1, query.shape.at(-1) ?? 1)));
  return matmul(mul(query, factor), transpose(key, -2, -1));
}

/** bool [Q, K]: query i sees keys 0..i. */
export function causalMask(query: Tensor, key: Tensor): Tensor {
  const places = (count: number): Tensor => arange(0, count, 1, { dtype: 'i32', device: query.device });
  return ge(unsqueeze(places(query.shape.at(-2) ?? 0), 1), places(key.shape.at(-2) ?? 0));
}

/** What both masks let through; an absent one lets everything through. */
export const both = (mask: Tensor | undefined, other: Tensor): Tensor => (mask === undefined ? other : logicalAnd(mask, other));
