import { Linear } from '../layers/linear';
import type { Sequential } from '../layers/sequential';
import { Module } from '../module/module';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';
import { sequencePool, type Pooling } from './sequence-pool';
import type { TokenBatch } from './token-encoder';
import { TokenFeatures, type TokenFeaturesOptions } from './token-features';

/** Options of a TextClassifierNetwork: those of its parts. */
export interface TextClassifierNetworkOptions {
  /** Of the features of tokens. */
  features: TokenFeaturesOptions;
  /** Of the recurrent layers. */
  encoder: Required<EncoderOptions>;
  /** How the steps of a text become one vector. */
  pooling: Pooling;
  /** Number of classes. */
  classes: number;
}

/** The model of a TextClassifier: tokens → recurrent layers → one vector a text → a score a class, [N, C]. */
export class TextClassifierNetwork extends Module {
  /** What it was made with. */
  readonly options: TextClassifierNetworkOptions;
  /** What is known of each token. */
  readonly features: TokenFeatures;
  /** The recurrent layers. */
  readonly encoder: Sequential;
  /** One vector of all steps. */
  readonly pool: ReturnType<typeof sequencePool>;
  /** Scores of the classes. */
  readonly head: Linear;

  constructor(options: TextClassifierNetworkOptions) {
    super();
    this.options = options;
    const { features, encoder, pooling, classes } = options;
    this.features = new TokenFeatures(features);
    this.encoder = recurrentEncoder(this.features.size, encoder);
    this.pool = sequencePool(pooling, encoder);
    this.head = new Linear({ inFeatures: encodedSize(encoder), outFeatures: classes });
  }

  /** Scores of the classes of each text, before softmax or sigmoid: [N, C]. */
  forward(batch: TokenBatch): Tensor {
    return this.scores(this.features.forward(batch));
  }

  /** The same of vectors of tokens, [N, T, size], as `features` gives them. */
  scores(vectors: Sequence): Tensor {
    return this.head.forward(this.pool.forward(this.encoder.forward(vectors)));
  }
}
