import { add, tanh } from '../tensor/ops/elementwise';
import { linear, matmul } from '../tensor/ops/matmul';
import { unsqueeze } from '../tensor/ops/shape';
import { positiveInteger } from '../tensor/options';
import { floating, readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { Attention, checkWidth } from './attention';
import { takeOver, type Parameter } from '../module/parameter';
import { uniformValues, type FloatingDType } from '../module/uniform';

/** Options of an AdditiveAttention. */
export interface AdditiveAttentionOptions {
  /** Last axis of the query. */
  querySize: number;
  /** Last axis of the key. */
  keySize: number;
  /** Width of the hidden layer that compares them. */
  hiddenSize: number;
  /** Element type of the parameters. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Attention by a small network (Bahdanau et al., 2015).
 *
 *   score(q, k) = v · tanh(W_q q + W_k k)
 *
 * Shapes: query [N, Q, querySize] or [N, querySize], key [N, K, keySize], value [N, K, E] → [N, Q, E] or [N, E];
 * query_weight [hiddenSize, querySize], key_weight [hiddenSize, keySize], score_weight [hiddenSize], each from U(-1/√n,
 * 1/√n) with n its last axis. See `Attention` for masks and lengths.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 */
export class AdditiveAttention extends Attention {
  /** The options with their defaults. */
  readonly options: Readonly<Required<AdditiveAttentionOptions>>;
  /** W_q, [hiddenSize, querySize]. */
  query_weight: Parameter;
  /** W_k, [hiddenSize, keySize]. */
  key_weight: Parameter;
  /** v, [hiddenSize]. */
  score_weight: Parameter;

  constructor(options: AdditiveAttentionOptions) {
    super();
    this.options = readOptions('AdditiveAttention', options, {
      querySize: positiveInteger,
      keySize: positiveInteger,
      hiddenSize: positiveInteger,
      dtype: floating,
    });
    const { querySize, keySize, hiddenSize, dtype } = this.options;
    this.query_weight = takeOver(uniformValues([hiddenSize, querySize], 1 / Math.sqrt(querySize), dtype));
    this.key_weight = takeOver(uniformValues([hiddenSize, keySize], 1 / Math.sqrt(keySize), dtype));
    this.score_weight = takeOver(uniformValues([hiddenSize], 1 / Math.sqrt(hiddenSize), dtype));
  }

  protected override scores(query: Tensor, key: Tensor): Tensor {
    return this.preparedScores(query, this.prepareKeys(key));
  }

  protected override prepareKeys(key: Tensor): Tensor {
    checkWidth('AdditiveAttention', 'key', key, 'keySize', this.options.keySize);
    return linear(key, this.key_weight); // [N, K, H]
  }

  protected override preparedScores(query: Tensor, prepared: Tensor): Tensor {
    checkWidth('AdditiveAttention', 'query', query, 'querySize', this.options.querySize);
    const queries = unsqueeze(linear(query, this.query_weight), 2); // [N, Q, 1, H]
    return matmul(tanh(add(queries, unsqueeze(prepared, 1))), this.score_weight);
  }
}
