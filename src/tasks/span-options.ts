import { positiveInteger } from '../tensor/options';
import { optional, type Readers } from '../tensor/read-options';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import { tokenReaders, type TokenOptions } from './token-options';

/** Options of a SpanAnswerer. */
export interface SpanAnswererOptions extends EncoderOptions, TokenOptions {
  /** Words of an answer at most. Default: those of the longest one of training. */
  maxLength?: number | undefined;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface SpanAnswererSettings extends Required<
  Omit<SpanAnswererOptions, 'minFrequency' | 'vectors' | 'maxLength'>
> {
  /** How often a token has to occur to get a vector of its own. */
  minFrequency: number | undefined;
  /** File of pretrained word vectors. */
  vectors: string | undefined;
  /** Words of an answer at most. */
  maxLength: number | undefined;
}

/** Readers of the options. */
export const spanReaders: Readers<SpanAnswererSettings> = {
  ...encoderReaders(true),
  ...tokenReaders,
  maxLength: optional(positiveInteger),
};
