import { OptionError } from '../tensor/errors';
import { flag, nonNegativeNumber, positiveInteger, positiveNumber, probability } from '../tensor/options';
import { choice, optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import type { Cell } from './recurrent-encoder';
import type { OptionsElsewhere } from '../tensor/option-names';

/** What a language model reads and writes. */
export type LanguageTokens = 'characters' | 'words' | 'bytes' | 'bpe';

/** Options of a LanguageModel. */
export interface LanguageModelOptions {
  /**
   * What it reads and writes one by one: `characters` of Unicode, `words` and punctuation, line by line, `bytes` of
   * UTF-8, or `bpe`, pieces of words that are learned from the text. Default characters.
   */
  tokens?: LanguageTokens;
  /** Number of tokens at most: of `bpe`, default 8,000; the most frequent words or characters, default all. */
  vocabularySize?: number | undefined;
  /**
   * How often a word or character has to occur to be a token; all others are one, which is never written. Default 1,
   * or 2 of at least 10,000 words.
   */
  minFrequency?: number | undefined;
  /** Width of the vector of a token. Default 64 of characters and bytes, else 256; with `tieWeights` hiddenSize. */
  embeddingDim?: number | undefined;
  /** Kind of the recurrent layers. Default lstm. */
  cell?: Cell;
  /** H, width of a state. Default 512. */
  hiddenSize?: number;
  /** Layers on top of each other. Default 1. */
  numLayers?: number;
  /** Probability in [0, 1) of dropping an element behind the layers, and between them, in training. Default 0.4. */
  dropout?: number;
  /** The same between the layers alone. Default: as `dropout`. */
  hiddenDropout?: number | undefined;
  /** The same of the vectors of the tokens, before the layers. Default 0. */
  inputDropout?: number;
  /**
   * Whether these three drop the same elements at all steps of a piece, others of each row (variational or locked
   * dropout; Gal and Ghahramani, 2016). Default false: others at each step.
   */
  variationalDropout?: boolean;
  /** Probability in [0, 1) of dropping a token wherever it stands in a piece: embedding dropout. Default 0. */
  embeddingDropout?: number;
  /** Probability in [0, 1) of dropping a recurrent weight for a piece (DropConnect; Merity et al., 2017). Default 0. */
  weightDrop?: number;
  /** Weight α of the mean square of what comes behind the layers, in the loss of training (AR). Default 0. */
  activationRegularization?: number;
  /** Weight β of the mean square of its change from step to step, likewise (TAR). Default 0. */
  temporalActivationRegularization?: number;
  /**
   * Whether tokens are written with the vectors that they are read with (Press and Wolf, 2017); the last of several
   * layers is then as wide as they are. Default false.
   */
  tieWeights?: boolean;
  /** All weights begin uniform between -initRange and initRange. Default: each as its layer begins. */
  initRange?: number | undefined;
  /** How many tokens back-propagation through time goes back; the state is carried on. Default 128. */
  steps?: number;
}

/** The options with their defaults. */
export interface LanguageModelSettings extends Readonly<
  Required<
    Omit<LanguageModelOptions, 'vocabularySize' | 'minFrequency' | 'embeddingDim' | 'hiddenDropout' | 'initRange'>
  >
> {
  /** Number of tokens at most; undefined where it was left out. */
  readonly vocabularySize?: number | undefined;
  /** How often a word or character has to occur; undefined where it was left out. */
  readonly minFrequency?: number | undefined;
  /** Width of the vector of a token. */
  readonly embeddingDim: number;
  /** Probability of dropping an element between the layers. */
  readonly hiddenDropout: number;
  /** Between which bounds the weights begin; undefined where it was left out. */
  readonly initRange?: number | undefined;
}

/** What stands where an option was left out, that which depends on others aside. */
type Dependent = 'embeddingDim' | 'hiddenDropout';
type Read = Required<Omit<LanguageModelSettings, Dependent>> & Record<Dependent, number | undefined>;

/** Readers of the options. */
export const languageModelReaders: Readers<Read> = {
  tokens: choice<LanguageTokens>(['characters', 'words', 'bytes', 'bpe']),
  vocabularySize: optional(positiveInteger),
  minFrequency: optional(positiveInteger),
  embeddingDim: optional(positiveInteger),
  cell: choice<Cell>(['lstm', 'gru', 'rnn']),
  hiddenSize: withDefault(positiveInteger, 512),
  numLayers: withDefault(positiveInteger, 1),
  dropout: withDefault(probability, 0.4),
  hiddenDropout: optional(probability),
  inputDropout: withDefault(probability, 0),
  variationalDropout: withDefault(flag, false),
  embeddingDropout: withDefault(probability, 0),
  weightDrop: withDefault(probability, 0),
  activationRegularization: withDefault(nonNegativeNumber, 0),
  temporalActivationRegularization: withDefault(nonNegativeNumber, 0),
  tieWeights: withDefault(flag, false),
  initRange: optional(positiveNumber),
  steps: withDefault(positiveInteger, 128),
};

/** Rows of text that are read at once. */
export const ROWS = 64;

/**
 * Reads the options.
 *
 * @param ofFit  the options of `fit`
 * @throws {OptionError} if one is unknown or out of range, or two do not go together
 */
export function readLanguageModelOptions(
  options: LanguageModelOptions,
  ofFit: OptionsElsewhere,
): LanguageModelSettings {
  const op = 'LanguageModel';
  const read = readOptions<object, Read>(op, options, languageModelReaders, ofFit);
  const { tokens, vocabularySize, minFrequency, hiddenSize, numLayers, dropout, tieWeights } = read;
  const { embeddingDim = defaultWidth(read), hiddenDropout = dropout } = read;
  if (tieWeights && numLayers === 1 && embeddingDim !== hiddenSize)
    throw new OptionError(op, {
      given: `tieWeights with embeddingDim: ${embeddingDim} and hiddenSize: ${hiddenSize} of one layer`,
      expected: 'vectors as wide as its state, since the same ones are read and written',
      fix: 'leave embeddingDim out, take several layers, or pass tieWeights: false',
    });
  if (numLayers === 1 && hiddenDropout !== dropout)
    throw new OptionError(op, {
      given: `hiddenDropout: ${hiddenDropout} with one layer`,
      expected: 'several layers, between which it drops',
      fix: 'pass numLayers: 2 or more, or dropout or inputDropout in its place',
    });
  if (minFrequency !== undefined && (tokens === 'bytes' || tokens === 'bpe'))
    throw notCounted(`minFrequency: ${minFrequency}`, tokens);
  if (vocabularySize !== undefined && tokens === 'bytes') throw notCounted(`vocabularySize: ${vocabularySize}`, tokens);
  return Object.freeze({ ...read, embeddingDim, hiddenDropout });
}

/** Width of the vector of a token where none is given. */
function defaultWidth({ tieWeights, hiddenSize, tokens }: Read): number {
  if (tieWeights) return hiddenSize;
  return tokens === 'words' || tokens === 'bpe' ? 256 : 64;
}

const notCounted = (given: string, tokens: LanguageTokens): OptionError =>
  new OptionError('LanguageModel', {
    given: `${given} with tokens: '${tokens}'`,
    expected: `no such option: ${tokens === 'bytes' ? 'there are 256 bytes' : 'its tokens are learned pieces'}`,
    fix: "leave it out, or pass tokens: 'words'",
  });
