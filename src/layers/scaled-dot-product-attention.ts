import { causalMask, scaledProducts } from '../tensor/ops/attention-scores';
import { describe, finiteNumber, flag } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import { ShapeError } from '../tensor/errors';
import type { Tensor } from '../tensor/tensor';
import { Attention } from './attention';

/** Options of a ScaledDotProductAttention. */
export interface ScaledDotProductAttentionOptions {
  /** Factor of the products. Default 1 / √D. */
  scale?: number | undefined;
  /** Whether query i sees keys 0..i only. Default false. */
  causal?: boolean;
}

/**
 * Attention by scaled products (Vaswani et al., 2017), without parameters.
 *
 *   softmax(scale · Q Kᵀ) V
 *
 * Shapes: query [N, Q, D] or [N, D], key [N, K, D], value [N, K, E] → [N, Q, E] or [N, E]; see `Attention` for masks
 * and lengths.
 *
 * @throws {OptionError} if an option is unknown
 * @see torch.nn.functional.scaled_dot_product_attention
 */
export class ScaledDotProductAttention extends Attention {
  /** The options with their defaults. */
  readonly options: Readonly<Required<ScaledDotProductAttentionOptions>>;

  constructor(options: ScaledDotProductAttentionOptions = {}) {
    super();
    this.options = readOptions('ScaledDotProductAttention', options, {
      scale: optional(finiteNumber),
      causal: withDefault(flag, false),
    });
  }

  protected override scores(query: Tensor, key: Tensor): Tensor {
    if (query.shape.at(-1) !== key.shape.at(-1)) {
      throw new ShapeError('ScaledDotProductAttention.forward', {
        given: `query ${describe(query)} and key ${describe(key)}`,
        expected: 'equal last axes',
        fix: 'project one of them with a Linear',
      });
    }
    return scaledProducts(query, key, this.options.scale);
  }

  protected override hidden(query: Tensor, key: Tensor): Tensor | undefined {
    return this.options.causal ? causalMask(query, key) : undefined;
  }
}
