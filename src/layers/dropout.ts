import { dropout } from '../tensor/ops/random';
import { probability } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import { clearPadding, mapZeros } from '../tensor/map-values';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';

/** Options of a Dropout. */
export interface DropoutOptions {
  /** Probability in [0, 1) that an element becomes zero. Default 0.5. */
  p?: number;
}

/**
 * Sets elements to zero at random while training and scales the others by 1 / (1 - p); passes everything on in
 * evaluation.
 *
 * Shapes: any → the same.
 *
 * @throws {OptionError} if `p` is not in [0, 1), or an option is unknown
 * @see torch.nn.Dropout
 */
export class Dropout extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<DropoutOptions>>;

  constructor(options: DropoutOptions = {}) {
    super();
    this.options = readOptions('Dropout', options, { p: withDefault(probability, 0.5) });
  }

  /** Drops elements, in training. @throws {OptionError} if `input` is no sequence */
  forward<X extends Sequence>(input: X): X {
    checkSequence('Dropout.forward', input);
    const { p } = this.options;
    return this.training && p > 0 ? mapZeros(input, (values) => dropout(values, p)) : clearPadding(input);
  }
}
