import { flag } from '../tensor/options';
import { withDefault, type Readers } from '../tensor/read-options';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import { tokenReaders, type TokenOptions, type TokenSettings } from './token-options';

/** Options of a QuestionAnswerer. */
export interface QuestionAnswererOptions extends EncoderOptions, TokenOptions {
  /**
   * Whether the question attends to all sentences of the story; else what is known at its last sentence has to answer
   * it. Default true.
   */
  attention?: boolean;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export type QuestionAnswererSettings = Required<Omit<QuestionAnswererOptions, 'minFrequency' | 'vectors'>> &
  Pick<TokenSettings, 'minFrequency' | 'vectors'>;

/** Readers of the options. */
export const questionReaders: Readers<QuestionAnswererSettings> = {
  ...encoderReaders(true),
  ...tokenReaders,
  attention: withDefault(flag, true),
};
