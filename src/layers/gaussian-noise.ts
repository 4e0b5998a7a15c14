import { gaussianNoise } from '../tensor/ops/random';
import { nonNegativeNumber } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import { clearPadding, mapRealSteps } from '../tensor/map-values';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';

/** Options of a GaussianNoise. */
export interface GaussianNoiseOptions {
  /** Standard deviation of the noise, at least 0. */
  stddev: number;
}

/**
 * Adds normal noise of mean 0 while training; passes everything on in evaluation. Padding of a PaddedSequence stays
 * zero.
 *
 * Shapes: any → the same.
 *
 * @throws {OptionError} if `stddev` is negative or not finite, or an option is unknown
 */
export class GaussianNoise extends Module {
  /** The options. */
  readonly options: Readonly<GaussianNoiseOptions>;

  constructor(options: GaussianNoiseOptions) {
    super();
    this.options = readOptions('GaussianNoise', options, { stddev: nonNegativeNumber });
  }

  /** Adds noise, in training. @throws {OptionError} if `input` is no sequence */
  forward<X extends Sequence>(input: X): X {
    checkSequence('GaussianNoise.forward', input);
    const { stddev } = this.options;
    return this.training && stddev > 0
      ? mapRealSteps(input, (values) => gaussianNoise(values, stddev))
      : clearPadding(input);
  }
}
