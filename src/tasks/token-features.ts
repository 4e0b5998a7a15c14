import { Embedding } from '../layers/embedding';
import { LastStep } from '../layers/pooling';
import { LSTM } from '../layers/lstm';
import { Module } from '../module/module';
import { tensor, zeros } from '../tensor/factories';
import { flag, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import { concat, unflattenSteps } from '../tensor/sequence-ops';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { loadWordVectors } from '../text/word-vectors';
import type { TokenBatch, TokenEncoderParts } from './token-encoder';
import type { TokenSettings } from './token-options';

/** Options of TokenFeatures. */
export interface TokenFeaturesOptions {
  /** Number of tokens in the vocabulary. */
  words: number;
  /** Width of a token's vector. */
  embeddingDim: number;
  /** Whether the vectors of tokens stay as they are. Default false. */
  freeze?: boolean;
  /** Number of characters in their vocabulary. Default: characters are not read. */
  characters?: number | undefined;
}

/** Width of a character's vector, and of the state of the layer that spells a token, in each direction. */
const CHARACTER_DIM = 32;
const SPELLING_SIZE = 64;

/**
 * What a task knows of each token: its vector, and beside it what an LSTM makes of its characters, read in both
 * directions, if they are there.
 *
 * Shapes: words [N, T], characters [W, C] of all W tokens → [N, T, size].
 */
export class TokenFeatures extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<TokenFeaturesOptions>>;
  /** Vectors of the tokens. */
  readonly words: Embedding;
  /** Vectors of the characters, if they are read. */
  readonly characters: Embedding | undefined;
  /** Reads the characters of a token in both directions. */
  readonly spelling: LSTM | undefined;
  readonly #last = new LastStep({ bidirectional: true });

  constructor(options: TokenFeaturesOptions) {
    super();
    this.options = readOptions('TokenFeatures', options, {
      words: positiveInteger,
      embeddingDim: positiveInteger,
      freeze: withDefault(flag, false),
      characters: optional(positiveInteger),
    });
    const { words, embeddingDim, freeze, characters } = this.options;
    this.words = new Embedding({ numEmbeddings: words, embeddingDim, freeze });
    if (characters === undefined) return;
    this.characters = new Embedding({ numEmbeddings: characters, embeddingDim: CHARACTER_DIM });
    this.spelling = new LSTM({ inputSize: CHARACTER_DIM, hiddenSize: SPELLING_SIZE, bidirectional: true });
  }

  /** Features of each token. */
  get size(): number {
    return this.options.embeddingDim + (this.spelling === undefined ? 0 : 2 * SPELLING_SIZE);
  }

  /** [N, T, size] of a batch. */
  forward({ words, characters }: TokenBatch): Sequence {
    const vectors = this.words.forward(words);
    if (this.characters === undefined || this.spelling === undefined || characters === undefined) return vectors;
    return concat([vectors, unflattenSteps(words, this.#spelled(characters))], -1);
  }

  /** [W, 2 * SPELLING_SIZE]. */
  #spelled(characters: Sequence): Tensor {
    if (this.characters === undefined || this.spelling === undefined || characters.shape[0] === 0)
      return zeros([0, 2 * SPELLING_SIZE], { device: characters.device });
    return this.#last.forward(this.spelling.forward(this.characters.forward(characters)).output);
  }
}

/**
 * What the features of the tokens of a vocabulary are made with.
 *
 * @returns their options, and what puts pretrained vectors into them where there is a file of such
 * @throws {FileError} if the file cannot be read; {FormatError} if it holds something else
 */
export async function featuresOf(
  { words, characters }: TokenEncoderParts,
  { vectors, embeddingDim, freeze }: TokenSettings,
): Promise<{ options: TokenFeaturesOptions; fill: (features: TokenFeatures) => void }> {
  const rows = vectors && (await loadWordVectors(vectors, { vocabulary: words, others: 'normal' })).matrix;
  const width = rows ? (rows.shape[1] ?? 0) : embeddingDim;
  return {
    options: { words: words.size, embeddingDim: width, freeze, characters: characters?.size },
    fill: (features) => {
      if (rows) features.words.loadStateDict({ weight: tensor(rows) });
    },
  };
}
