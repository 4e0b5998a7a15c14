import { full } from '../tensor/factories';
import { squeeze } from '../tensor/ops/shape';
import { positiveInteger } from '../tensor/options';
import { floating, readOptions } from '../tensor/read-options';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';
import type { FloatingDType } from '../module/uniform';
import { AdditiveAttention } from './additive-attention';
import { checkWidth } from './attention';
import { checkSteps } from './pooling';

/** Options of an AttentionPool. */
export interface AttentionPoolOptions {
  /** Last axis of the input. */
  inputSize: number;
  /** Width of the hidden layer that scores the steps. Default: `inputSize`. */
  hiddenSize?: number;
  /** Element type of the parameters. Default f32. */
  dtype?: FloatingDType;
}

/**
 * Mean over the real steps, weighted by what a small network thinks of each (Yang et al., 2016): one query, which is
 * learned, attends to all of them by an AdditiveAttention.
 *
 * Shapes: input [N, T, D] → [N, D]. A row of length 0 gives zeros.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 */
export class AttentionPool extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<AttentionPoolOptions>>;
  /** Scores the steps; its `query_weight` is the query. */
  readonly attention: AdditiveAttention;

  constructor(options: AttentionPoolOptions) {
    super();
    this.options = readOptions('AttentionPool', options, {
      inputSize: positiveInteger,
      hiddenSize: (op, name, value) => positiveInteger(op, name, value ?? options.inputSize),
      dtype: floating,
    });
    const { inputSize, hiddenSize, dtype } = this.options;
    this.attention = new AdditiveAttention({ querySize: 1, keySize: inputSize, hiddenSize, dtype });
  }

  override get stepping(): Stepping {
    return 'whole';
  }

  /** @throws {ShapeError} if the input is not [N, T, inputSize] */
  forward(input: Sequence): Tensor {
    const { query, key } = this.#attended('forward', input);
    return this.attention.forward(query, key);
  }

  /**
   * How much of each step goes in: [N, T], each row adding up to 1, or to 0 if it has length 0.
   *
   * @throws {ShapeError} as `forward`
   */
  weights(input: Sequence): Tensor {
    const { query, key } = this.#attended('weights', input);
    return squeeze(this.attention.weights(query, key), 1);
  }

  /** The query, a 1 for each row, of which `query_weight` makes what is compared with the steps; and these. */
  #attended(call: string, given: Sequence): { query: Tensor; key: Sequence } {
    const op = `AttentionPool.${call}`;
    const { input, rows } = checkSteps(op, given);
    checkWidth(op, 'input', valuesOf(input), 'inputSize', this.options.inputSize);
    return { query: full([rows, 1], 1, { dtype: input.dtype, device: input.device }), key: input };
  }
}
