import { flag } from '../tensor/options';
import { withDefault, type Readers } from '../tensor/read-options';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import { tokenReaders, type TokenOptions } from './token-options';

/** Options of a QuestionAnswerer. */
export interface QuestionAnswererOptions extends EncoderOptions, TokenOptions {
  /**
   * Whether the question attends to all sentences of the story; else what is known at its last sentence has to answer
   * it. Default true.
   */
  attention?: boolean;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface QuestionAnswererSettings extends Required<Omit<QuestionAnswererOptions, 'minFrequency' | 'vectors'>> {
  /** How often a token has to occur to get a vector of its own. */
  minFrequency: number | undefined;
  /** File of pretrained word vectors. */
  vectors: string | undefined;
}

/** Readers of the options. */
export const questionReaders: Readers<QuestionAnswererSettings> = {
  ...encoderReaders(true),
  ...tokenReaders,
  attention: withDefault(flag, true),
};
