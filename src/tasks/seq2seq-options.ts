import { OptionError } from '../tensor/errors';
import { finiteNumber, flag, positiveInteger, probability } from '../tensor/options';
import { choice, optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import type { LanguageTokens } from './language-model-options';
import type { Cell } from './recurrent-encoder';
import { fitOptions, trainReaders } from './train-options';

/** What sources are read as, and targets written as. */
export type PairTokens = 'auto' | 'blanks' | LanguageTokens;

/** How a decoder looks at its source. */
export type PairAttention = 'multiplicative' | 'additive' | 'none';

/** Options of a Seq2Seq. */
export interface Seq2SeqOptions {
  /**
   * What sources are read as: `words` and punctuation, `characters`, `bytes`, pieces of words by `bpe`, or what
   * `blanks` divide. `auto` takes characters where sources are single words as a rule, else words. Default auto.
   */
  sourceTokens?: PairTokens;
  /** What targets are written as, likewise. Default auto. */
  targetTokens?: PairTokens;
  /** Number of tokens of each side at most: of `bpe`, default 8,000; else the most frequent ones, default all. */
  vocabularySize?: number | undefined;
  /**
   * How often a token of words or characters has to occur to get a vector of its own; all others share one. Default 1,
   * or 2 of at least 10,000 words.
   */
  minFrequency?: number | undefined;
  /** Width of the vector of a token. Default 128; with `tieWeights` hiddenSize. */
  embeddingDim?: number | undefined;
  /** Kind of the recurrent layers. Default lstm. */
  cell?: Cell;
  /** H, width of a state of the decoder; that of an encoder of both directions is half as wide in each. Default 256. */
  hiddenSize?: number;
  /** Layers of the encoder, and of the decoder. Default 1. */
  numLayers?: number;
  /** Whether the encoder reads backwards, too. Default true. */
  bidirectional?: boolean;
  /**
   * How the decoder looks at the source: by a small network, `additive`, by a bilinear form, `multiplicative`, which
   * takes less time and memory of long texts, or not at all, `none`. Default additive.
   */
  attention?: PairAttention;
  /**
   * Probability in [0, 1) of dropping an element between and behind the layers, in training; before them it is half as
   * large. Default 0.3.
   */
  dropout?: number;
  /** Whether tokens are written with the vectors that they are read with (Press and Wolf, 2017). Default false. */
  tieWeights?: boolean;
  /** Whether source and target have one vocabulary and one table of vectors. Default false. */
  sharedEmbeddings?: boolean;
  /**
   * Whether each step of the decoder reads what the one before took of the source, too (Luong et al., 2015): a step is
   * then computed after the other, which takes several times as long. Default false.
   */
  inputFeeding?: boolean;
  /**
   * Part of the tokens, in [0, 1), that the decoder reads in training as it would have written them, in place of the
   * true ones (Bengio et al., 2015); takes a second pass. Default 0.
   */
  scheduledSampling?: number;
  /**
   * Whether a token that is not in the vocabulary is copied from the source: of its unknown tokens, or else of all, the
   * one that the attention is on most. Default false.
   */
  copyUnknown?: boolean;
  /** Part of each target, in [0, 1), that is spread over all tokens in training. Default 0. */
  labelSmoothing?: number;
  /** How many hypotheses of a target go on after each token that is written; 1 takes the best each time. Default 5. */
  beamSize?: number;
  /** α of Wu et al. (2016), by which longer targets are favoured in a beam. Default 0.6. */
  lengthPenalty?: number;
  /** Tokens of a target that is written at most. Default: those of the longest target of training, and 5 more. */
  maxLength?: number | undefined;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface Seq2SeqSettings extends Readonly<
  Required<Omit<Seq2SeqOptions, 'vocabularySize' | 'minFrequency' | 'embeddingDim' | 'maxLength'>>
> {
  /** Number of tokens at most. */
  readonly vocabularySize?: number | undefined;
  /** How often a token has to occur. */
  readonly minFrequency?: number | undefined;
  /** Width of the vector of a token. */
  readonly embeddingDim: number;
  /** Tokens of a target that is written at most. */
  readonly maxLength?: number | undefined;
}

/** What stands where an option was left out, that which depends on others aside. */
type Read = Required<Omit<Seq2SeqSettings, 'embeddingDim'>> & { embeddingDim: number | undefined };

const KINDS: readonly PairTokens[] = ['auto', 'words', 'characters', 'bytes', 'bpe', 'blanks'];

/** Readers of the options. */
export const seq2SeqReaders: Readers<Read> = {
  sourceTokens: choice(KINDS),
  targetTokens: choice(KINDS),
  vocabularySize: optional(positiveInteger),
  minFrequency: optional(positiveInteger),
  embeddingDim: optional(positiveInteger),
  cell: choice<Cell>(['lstm', 'gru', 'rnn']),
  hiddenSize: withDefault(positiveInteger, 256),
  numLayers: withDefault(positiveInteger, 1),
  bidirectional: withDefault(flag, true),
  attention: choice<PairAttention>(['additive', 'multiplicative', 'none']),
  dropout: withDefault(probability, 0.3),
  tieWeights: withDefault(flag, false),
  sharedEmbeddings: withDefault(flag, false),
  inputFeeding: withDefault(flag, false),
  scheduledSampling: withDefault(probability, 0),
  copyUnknown: withDefault(flag, false),
  labelSmoothing: withDefault(probability, 0),
  beamSize: withDefault(positiveInteger, 5),
  lengthPenalty: withDefault(finiteNumber, 0.6),
  maxLength: optional(positiveInteger),
};

/** Readers of the options of `fit`. */
export const seq2SeqTrainReaders = trainReaders({ batchSize: 64, learningRate: 2e-3 });

/** Training steps by default. */
export const STEPS = 3000;

/** Width of the vector of a token by default. */
const WIDTH = 128;

/** Reads the options. @throws {OptionError} if one is unknown or out of range, or two do not go together */
export function readSeq2SeqOptions(options: Seq2SeqOptions): Seq2SeqSettings {
  const op = 'Seq2Seq';
  const read = readOptions<object, Read>(op, options, seq2SeqReaders, fitOptions(seq2SeqTrainReaders));
  const { hiddenSize, tieWeights, sharedEmbeddings, sourceTokens, targetTokens } = read;
  const embeddingDim = read.embeddingDim ?? (tieWeights ? hiddenSize : WIDTH);
  if (tieWeights && embeddingDim !== hiddenSize)
    throw new OptionError(op, {
      given: `tieWeights with embeddingDim: ${embeddingDim} and hiddenSize: ${hiddenSize}`,
      expected: 'vectors as wide as a state, since the same ones are read and written',
      fix: 'leave embeddingDim out, or pass tieWeights: false',
    });
  for (const name of ['inputFeeding', 'copyUnknown'] as const)
    if (read[name] && read.attention === 'none')
      throw new OptionError(op, {
        given: `${name} with attention: 'none'`,
        expected: 'attention, which says what is taken of the source',
        fix: `choose attention, or pass ${name}: false`,
      });
  if (sharedEmbeddings && sourceTokens !== targetTokens)
    throw new OptionError(op, {
      given: `sharedEmbeddings with sourceTokens: '${sourceTokens}' and targetTokens: '${targetTokens}'`,
      expected: 'tokens of one kind, which share their vectors',
      fix: 'make them the same, or pass sharedEmbeddings: false',
    });
  return Object.freeze({ ...read, embeddingDim });
}
