import { both, causalMask, scaledProducts } from './attention-scores';
import { ShapeError } from '../errors';
import { within } from '../op-name';
import { describe, flag } from '../options';
import { asGiven, readOptions, withDefault } from '../read-options';
import { checkTensor, type Tensor } from '../tensor';
import { matmul } from './matmul';
import { softmax } from './normalization';

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
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: ScaledDotProductAttentionFunctionOptions = {},
): Tensor {
  const op = 'scaledDotProductAttention';
  for (const [name, x] of Object.entries({ query, key, value })) checkTensor(x, op, name);
  const { mask, scale, causal } = readOptions(op, options, {
    mask: asGiven,
    scale: asGiven,
    causal: withDefault(flag, false),
  });
  if (query.rank < 2 || key.shape.at(-1) !== query.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2)) {
    throw new ShapeError(op, {
      given: `query ${describe(query)}, key ${describe(key)} and value ${describe(value)}`,
      expected: '[…, Q, D], […, K, D] and […, K, E]',
      fix: 'project query and key to one width',
    });
  }
  return within(op, () => {
    const scores = scaledProducts(query, key, scale);
    const seen = causal ? both(mask, causalMask(query, key)) : mask;
    return matmul(softmax(scores, -1, { mask: seen }), value);
  });
}
