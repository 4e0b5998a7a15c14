import { ShapeError } from '../tensor/errors';
import { ones } from '../tensor/factories';
import { mul } from '../tensor/ops/elementwise';
import { dropout } from '../tensor/ops/random';
import { describe, probability } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import { clearPadding, mapZeros } from '../tensor/map-values';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';

/** Options of a VariationalDropout. */
export interface VariationalDropoutOptions {
  /** Probability in [0, 1) that a feature of a sequence becomes zero. Default 0.5. */
  p?: number;
}

/**
 * Dropout that drops the same features at all steps of a sequence, others of each sequence (Gal and Ghahramani, A
 * theoretically grounded application of dropout in recurrent neural networks, 2016; "locked" dropout of AWD-LSTM,
 * SpatialDropout1D of Keras): for the inputs and outputs of recurrent layers, where noise that changes at each step
 * would add up over time. Scales what stays by 1 / (1 - p); passes everything on in evaluation.
 *
 * Shapes: [N, T, …] → the same.
 *
 * @throws {OptionError} if `p` is not in [0, 1), or an option is unknown
 */
export class VariationalDropout extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<VariationalDropoutOptions>>;

  constructor(options: VariationalDropoutOptions = {}) {
    super();
    this.options = readOptions('VariationalDropout', options, { p: withDefault(probability, 0.5) });
  }

  /** Drops features, in training. @throws {OptionError} if `input` is no sequence; {ShapeError} if it has no steps */
  forward<X extends Sequence>(input: X): X {
    checkSequence('VariationalDropout.forward', input);
    if (input.shape.length < 3)
      throw new ShapeError('VariationalDropout.forward', {
        given: `input ${describe(input)}`,
        expected: 'sequences [N, T, D]',
        fix: 'use Dropout where there are no steps; put the batch first: x.unsqueeze(0)',
      });
    const { p } = this.options;
    if (!this.training || p === 0) return clearPadding(input);
    return mapZeros(input, (values) => {
      const shape = values.shape.map((extent, axis) => (axis === 1 ? 1 : extent));
      return mul(values, dropout(ones(shape, { dtype: values.dtype, device: values.device }), p));
    });
  }
}
