import { linear, matmul } from '../tensor/ops/matmul';
import { transpose } from '../tensor/ops/shape';
import { positiveInteger } from '../tensor/options';
import { floating, readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Attention, checkWidth } from './attention';
import { takeOver, type Parameter } from '../module/parameter';
import { uniformValues, type FloatingDType } from '../module/uniform';

/** Options of a MultiplicativeAttention. */
export interface MultiplicativeAttentionOptions {
  /** Last axis of the query. */
  querySize: number;
  /** Last axis of the key. */
  keySize: number;
  /** Element type of the parameter. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Attention by a bilinear form (Luong et al., 2015, "general").
 *
 *   score(q, k) = qᵀ W k
 *
 * Shapes: query [N, Q, querySize] or [N, querySize], key [N, K, keySize], value [N, K, E] → [N, Q, E] or [N, E]; weight
 * [querySize, keySize] from U(-1/√keySize, 1/√keySize). See `Attention` for masks and lengths.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 */
export class MultiplicativeAttention extends Attention {
  /** The options with their defaults. */
  readonly options: Readonly<Required<MultiplicativeAttentionOptions>>;
  /** W, [querySize, keySize]. */
  weight: Parameter;

  constructor(options: MultiplicativeAttentionOptions) {
    super();
    this.options = readOptions('MultiplicativeAttention', options, {
      querySize: positiveInteger,
      keySize: positiveInteger,
      dtype: floating,
    });
    const { querySize, keySize, dtype } = this.options;
    this.weight = takeOver(uniformValues([querySize, keySize], 1 / Math.sqrt(keySize), dtype));
  }

  protected override scores(query: Tensor, key: Tensor): Tensor {
    checkWidth('MultiplicativeAttention', 'query', query, 'querySize', this.options.querySize);
    checkWidth('MultiplicativeAttention', 'key', key, 'keySize', this.options.keySize);
    return matmul(matmul(query, this.weight), transpose(key, 1, 2));
  }

  protected override prepareKeys(key: Tensor): Tensor {
    checkWidth('MultiplicativeAttention', 'key', key, 'keySize', this.options.keySize);
    return linear(key, this.weight); // [N, K, querySize]
  }

  protected override preparedScores(query: Tensor, prepared: Tensor): Tensor {
    checkWidth('MultiplicativeAttention', 'query', query, 'querySize', this.options.querySize);
    return matmul(query, transpose(prepared, 1, 2));
  }
}
