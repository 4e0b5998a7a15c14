import { OptionError } from '../tensor/errors';
import { describe, flag, positiveInteger } from '../tensor/options';
import { optional, withDefault, type Readers } from '../tensor/read-options';

/** Options of what a task knows of each token. */
export interface TokenOptions {
  /** Width of the vector of a token. Default 128; with `vectors` theirs. */
  embeddingDim?: number;
  /** File of pretrained word vectors, as GloVe and word2vec write them, see `loadWordVectors`. Default none. */
  vectors?: string | undefined;
  /** Whether vectors of tokens stay as they are. Default false. */
  freeze?: boolean;
  /** How often a token has to occur to get a vector of its own. Default 2, or 1 of fewer than 1,000 examples. */
  minFrequency?: number | undefined;
  /** Whether capital letters become small ones in words. Default true. */
  lowercase?: boolean;
}

/** Options without a value where they are left out. */
type Open = 'minFrequency' | 'vectors';

/** The options with their defaults. */
export type TokenSettings = Required<Omit<TokenOptions, Open>> & { [Name in Open]: TokenOptions[Name] | undefined };

/** Readers of these options. */
export const tokenReaders: Readers<TokenSettings> = {
  embeddingDim: withDefault(positiveInteger, 128),
  vectors: optional(fileName),
  freeze: withDefault(flag, false),
  minFrequency: optional(positiveInteger),
  lowercase: withDefault(flag, true),
};

/** How often a token has to occur among so many examples to get a vector of its own. */
export const frequencyFor = ({ minFrequency }: TokenSettings, examples: number): number =>
  minFrequency ?? (examples < 1000 ? 1 : 2);

/** Reads the path of a file. */
export function fileName(op: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new OptionError(op, { given: `${name}: ${describe(value)}`, expected: 'a file', fix: 'pass its path' });
}
