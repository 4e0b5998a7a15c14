import { CRF } from '../layers/crf';
import { Linear } from '../layers/linear';
import { MaxPool } from '../layers/pooling';
import type { Sequential } from '../layers/sequential';
import { Module } from '../module/module';
import { noGrad } from '../tensor/grad-mode';
import { argmax } from '../tensor/ops/reduce';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';
import type { TokenBatch } from './token-encoder';
import { TokenFeatures, type TokenFeaturesOptions } from './token-features';

/** Options of a TaggerNetwork: those of its parts. */
export interface TaggerNetworkOptions {
  /** Of the features of tokens. */
  features: TokenFeaturesOptions;
  /** Of the recurrent layers. */
  encoder: Required<EncoderOptions>;
  /** Number of tags. */
  tags: number;
  /** Number of labels that a sentence may have. Default: sentences have none. */
  labels?: number | undefined;
  /** Whether a CRF chooses the tags of a sentence together. */
  crf: boolean;
}

/** What a TaggerNetwork says of a batch. */
export interface Tagged {
  /** How well each tag fits each step, [N, T, C]. */
  readonly scores: Sequence;
  /** The tags that are chosen, i32 [N, T]. */
  readonly tags: Sequence;
  /** How well each label fits each sentence, before softmax, [N, labels]. */
  readonly label?: Tensor;
}

/** The model of a Tagger: tokens → recurrent layers → scores of tags at each step, and of labels over all of them. */
export class TaggerNetwork extends Module {
  /** What it was made with. */
  readonly options: TaggerNetworkOptions;
  /** What is known of each token. */
  readonly features: TokenFeatures;
  /** The recurrent layers. */
  readonly encoder: Sequential;
  /** Scores of the tags. */
  readonly head: Linear;
  /** What chooses them together. */
  readonly crf: CRF | undefined;
  /** Scores of the labels. */
  readonly label: Linear | undefined;
  readonly #pool = new MaxPool();

  constructor(options: TaggerNetworkOptions) {
    super();
    this.options = options;
    const { features, encoder, tags, labels, crf } = options;
    this.features = new TokenFeatures(features);
    this.encoder = recurrentEncoder(this.features.size, encoder);
    const inFeatures = encodedSize(encoder);
    this.head = new Linear({ inFeatures, outFeatures: tags });
    this.crf = crf ? new CRF({ numTags: tags }) : undefined;
    this.label = labels === undefined ? undefined : new Linear({ inFeatures, outFeatures: labels });
  }

  /** Scores of tags and labels, and the tags that follow from them. */
  forward(batch: TokenBatch): Tagged {
    const steps = this.encoder.forward(this.features.forward(batch));
    const scores = this.head.forward(steps);
    const tags = noGrad(() => this.crf?.forward(scores) ?? bestOf(scores));
    return this.label === undefined
      ? { scores, tags }
      : { scores, tags, label: this.label.forward(this.#pool.forward(steps)) };
  }
}

const bestOf = (scores: Sequence): Sequence =>
  scores instanceof PaddedSequence ? scores.argmax(-1) : argmax(scores, -1);
