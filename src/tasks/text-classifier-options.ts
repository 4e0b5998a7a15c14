import { OptionError } from '../tensor/errors';
import { describe, flag, isPlainObject, nonNegativeNumber, positiveInteger, probability } from '../tensor/options';
import type { OptionsElsewhere } from '../tensor/option-names';
import { choice, optional, readOptions, withDefault, type Readers } from '../tensor/read-options';
import { encoderReaders, type EncoderOptions } from './recurrent-encoder';
import { fileName, tokenReaders, type TokenOptions } from './token-options';
import type { Pooling } from './sequence-pool';

/** What a text is read as. */
export type TextTokens = 'auto' | 'words' | 'characters' | 'both';

/** How much each class counts: by how seldom it is, or a number each. */
export type ClassWeights = 'balanced' | Readonly<Record<string, number>>;

/** Options of a TextClassifier. */
export interface TextClassifierOptions extends EncoderOptions, TokenOptions {
  /**
   * What a text is read as: `words`, `characters`, or `both`, where each word is known by itself and by its spelling.
   * Default `auto`: characters where the texts of training have fewer than three words in the mean, as names do, else
   * words.
   */
  tokens?: TextTokens;
  /** Tokens of a text that are read at most; what comes later is cut off. Default 512. */
  maxLength?: number;
  /** How the steps of a text become one vector. Default max. */
  pooling?: Pooling;
  /** Whether a text may have several labels, or none. Default false. */
  multiLabel?: boolean;
  /** How much each class counts in the loss. Default: all 1. */
  classWeights?: ClassWeights | undefined;
  /** Part of the target that is spread over all classes, 0..1. Default 0. */
  labelSmoothing?: number;
  /**
   * Length ε by which training moves the vectors of each text to where the loss grows fastest; the loss there is added
   * (adversarial training; Miyato, Dai and Goodfellow, 2017). Vectors begin with a length of about √embeddingDim each.
   * Default 0: none.
   */
  adversarialEpsilon?: number;
  /**
   * A saved LanguageModel, its file or run folder, to begin with (ULMFiT; Howard and Ruder, 2018): its tokens, the
   * vectors of them, and its recurrent layers, with its `cell`, `embeddingDim`, `hiddenSize` and `numLayers`. Texts are
   * then read forwards; with `bidirectional: true`, of one layer, backwards too, by weights that begin at random. It is
   * read at the first `fit`, and no longer needed afterwards. Default none.
   */
  languageModel?: string | undefined;
}

/** The options with their defaults; those that have none are undefined where they were left out. */
export interface TextClassifierSettings extends Required<
  Omit<TextClassifierOptions, 'minFrequency' | 'vectors' | 'classWeights' | 'languageModel'>
> {
  /** How often a token has to occur to get a vector of its own. */
  minFrequency: number | undefined;
  /** File of pretrained word vectors. */
  vectors: string | undefined;
  /** How much each class counts in the loss. */
  classWeights: ClassWeights | undefined;
  /** File or run folder of the language model to begin with. */
  languageModel: string | undefined;
}

/** Readers of the options. */
export const textClassifierReaders: Readers<TextClassifierSettings> = {
  ...encoderReaders(true),
  ...tokenReaders,
  tokens: choice<TextTokens>(['auto', 'words', 'characters', 'both']),
  maxLength: withDefault(positiveInteger, 512),
  pooling: choice<Pooling>(['max', 'mean', 'last', 'attention']),
  multiLabel: withDefault(flag, false),
  classWeights: optional(weights),
  labelSmoothing: withDefault(probability, 0),
  adversarialEpsilon: withDefault(nonNegativeNumber, 0),
  languageModel: optional(fileName),
};

/** What differs where a language model is begun with: it reads forwards, and knows capital letters from small ones. */
const languageReaders: Readers<TextClassifierSettings> = {
  ...textClassifierReaders,
  ...encoderReaders(false),
  lowercase: withDefault(flag, false),
};

/** Options that can have no other value beside a language model. */
const BESIDE_LANGUAGE = {
  tokens: 'auto',
  lowercase: false,
  minFrequency: undefined,
  vectors: undefined,
  normalization: 'none',
  residual: false,
} as const satisfies Partial<TextClassifierSettings>;

/** Reads the options. @throws {OptionError} if one is unknown or out of range, or two do not go together */
export function readTextClassifierOptions(
  options: TextClassifierOptions,
  elsewhere: OptionsElsewhere,
): Readonly<TextClassifierSettings> {
  const op = 'TextClassifier';
  const hasLanguage = isPlainObject(options) && options.languageModel !== undefined;
  const readers = hasLanguage ? languageReaders : textClassifierReaders;
  const read = readOptions<object, TextClassifierSettings>(op, options, readers, elsewhere);
  if (!hasLanguage) return read;
  for (const [name, value] of Object.entries(BESIDE_LANGUAGE)) {
    const given: unknown = Reflect.get(read, name);
    if (given === value) continue;
    throw new OptionError(op, {
      given: `${name}: ${describe(given)} beside languageModel`,
      expected: value === undefined ? `no ${name}` : `${name}: ${describe(value)}, as the language model reads texts`,
      fix: `leave ${name} out, or languageModel`,
    });
  }
  return read;
}

function weights(op: string, name: string, value: unknown): ClassWeights {
  if (value === 'balanced') return value;
  const good = isPlainObject(value) && Object.values(value).every((one) => Number.isFinite(one) && Number(one) >= 0);
  if (good) return value as Readonly<Record<string, number>>;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: "'balanced', or a finite number of at least 0 for each label",
    fix: `pass such as ${name}: { ham: 1, spam: 6 }`,
  });
}
