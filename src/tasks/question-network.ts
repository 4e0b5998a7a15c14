import { AdditiveAttention } from '../layers/additive-attention';
import { Dropout } from '../layers/dropout';
import { Linear } from '../layers/linear';
import { LastStep } from '../layers/pooling';
import { GRU } from '../layers/gru';
import type { Sequential } from '../layers/sequential';
import { Module } from '../module/module';
import { zeros } from '../tensor/factories';
import { matmul } from '../tensor/ops/matmul';
import { expand, squeeze, unsqueeze } from '../tensor/ops/shape';
import { clearPadding, mapValues } from '../tensor/map-values';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { concat, unflattenSteps } from '../tensor/sequence-ops';
import type { Tensor } from '../tensor/tensor';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';
import { TokenFeatures, type TokenFeaturesOptions } from './token-features';

/** Options of a QuestionNetwork: those of its parts. */
export interface QuestionNetworkOptions {
  /** Of the features of words. */
  features: TokenFeaturesOptions;
  /** Of the recurrent layers over the sentences of a story. */
  encoder: Required<EncoderOptions>;
  /** C, number of answers. */
  answers: number;
  /** Whether the question attends to the sentences. */
  attention: boolean;
}

/** Questions of a batch, and the stories that they are about. */
export interface QuestionBatch {
  /** i32 [N, W], words of the questions. */
  readonly question: Sequence;
  /** i32 [S, W], words of all sentences of all stories, one behind the other. */
  readonly sentences: Sequence;
  /** [N, M], a step for each sentence of a story. */
  readonly story: Sequence;
}

/** What a QuestionNetwork says of a batch. */
export interface Answered {
  /** Of the answers, before softmax, [N, C]. */
  readonly scores: Tensor;
  /** How much each sentence says about the question, [N, M]; each row adds up to 1. Absent without attention. */
  readonly weights?: Tensor;
}

/** The model of a QuestionAnswerer: words → sentences → the story, read with the question in mind → an answer. */
export class QuestionNetwork extends Module {
  /** What it was made with. */
  readonly options: QuestionNetworkOptions;
  /** What is known of each word. */
  readonly features: TokenFeatures;
  /** Makes a vector of a sentence, or of the question. */
  readonly sentence: GRU;
  /** Reads the sentences one after the other. */
  readonly encoder: Sequential;
  /** How much each sentence says about the question. */
  readonly attention: AdditiveAttention | undefined;
  /** Scores of the answers. */
  readonly head: Linear;
  /** Of the words and the question, in training. */
  readonly dropout: Dropout;
  readonly #ofWords = new LastStep({ bidirectional: true });
  readonly #ofStory: LastStep;

  constructor(options: QuestionNetworkOptions) {
    super();
    this.options = options;
    const { features, encoder, answers, attention } = options;
    const { hiddenSize, bidirectional, dropout } = encoder;
    this.features = new TokenFeatures(features);
    this.sentence = new GRU({ inputSize: this.features.size, hiddenSize, bidirectional: true });
    this.encoder = recurrentEncoder(4 * hiddenSize, encoder);
    const [width, asked] = [encodedSize(encoder), 2 * hiddenSize];
    this.attention = attention
      ? new AdditiveAttention({ querySize: asked, keySize: width, hiddenSize: width })
      : undefined;
    this.head = new Linear({ inFeatures: width + asked, outFeatures: answers });
    this.dropout = new Dropout({ p: dropout });
    this.#ofStory = new LastStep({ bidirectional });
  }

  /** Scores of the answers, and what they come from. */
  forward(batch: QuestionBatch): Answered {
    const { question, steps } = this.#read(batch);
    const weights = this.attention && squeeze(this.attention.weights(question, steps), 1);
    const told =
      weights === undefined
        ? this.#ofStory.forward(steps)
        : squeeze(matmul(unsqueeze(weights, 1), valuesOf(clearPadding(steps))), 1);
    const scores = this.head.forward(concat([told, this.dropout.forward(question)], -1));
    return weights === undefined ? { scores } : { scores, weights };
  }

  /** The question, [N, 2H], and the sentences in their order, each read with it in mind, [N, M, K·H]. */
  #read({ question, sentences, story }: QuestionBatch): { question: Tensor; steps: Sequence } {
    const asked = this.#vectors(question);
    const told = unflattenSteps(story, this.#vectors(sentences));
    const [rows = 0, steps = 0, width = 0] = told.shape;
    const beside = mapValues(told, () => expand(unsqueeze(asked, 1), [rows, steps, width]));
    return { question: asked, steps: this.encoder.forward(concat([told, beside], -1)) };
  }

  /** A vector for each row of words, [N, 2H]. */
  #vectors(words: Sequence): Tensor {
    if (words.shape[0] === 0) return zeros([0, 2 * this.options.encoder.hiddenSize], { device: words.device });
    const vectors = this.dropout.forward(this.features.forward({ words }));
    return this.#ofWords.forward(this.sentence.forward(vectors).output);
  }
}
