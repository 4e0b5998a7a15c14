import { flag } from '../tensor/options';
import { withDefault, type Readers } from '../tensor/read-options';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import { tokenReaders, type TokenOptions } from './token-options';

/** Options of a Tagger. */
export interface TaggerOptions extends EncoderOptions, TokenOptions {
  /** Whether each word is known by its spelling beside itself: an LSTM reads its characters. Default true. */
  characters?: boolean;
  /** Whether the tags of a sentence are chosen together, by a CRF, and not each by itself. Default false. */
  crf?: boolean;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface TaggerSettings extends Required<Omit<TaggerOptions, 'minFrequency' | 'vectors'>> {
  /** How often a token has to occur to get a vector of its own. */
  minFrequency: number | undefined;
  /** File of pretrained word vectors. */
  vectors: string | undefined;
}

/** Readers of the options. */
export const taggerReaders: Readers<TaggerSettings> = {
  ...encoderReaders(true),
  ...tokenReaders,
  characters: withDefault(flag, true),
  crf: withDefault(flag, false),
};
