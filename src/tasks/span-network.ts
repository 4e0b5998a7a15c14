import { AttentionPool } from '../layers/attention-pool';
import { Dropout } from '../layers/dropout';
import { Linear } from '../layers/linear';
import { MultiplicativeAttention } from '../layers/multiplicative-attention';
import type { Sequential } from '../layers/sequential';
import { Module } from '../module/module';
import { mapValues } from '../tensor/map-values';
import { logicalNot, maskedFill } from '../tensor/ops/elementwise';
import { matmul } from '../tensor/ops/matmul';
import { expand, squeeze, unsqueeze } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { concat } from '../tensor/sequence-ops';
import type { Tensor } from '../tensor/tensor';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';
import { TokenFeatures, type TokenFeaturesOptions } from './token-features';

/** Options of a SpanNetwork: those of its parts. */
export interface SpanNetworkOptions {
  /** Of the features of words. */
  features: TokenFeaturesOptions;
  /** Of the recurrent layers, those over the question and those over the context. */
  encoder: Required<EncoderOptions>;
}

/** Questions of a batch, and the contexts that have their answers. */
export interface SpanBatch {
  /** i32 [N, T], words of the contexts. */
  readonly context: Sequence;
  /** f32 [N, T], 1 for a word of the context that the question has, too, else 0. */
  readonly shared: Sequence;
  /** i32 [N, Q], words of the questions. */
  readonly question: Sequence;
}

/** What a SpanNetwork says of a batch: scores of the words of each context, before softmax, very low in the padding. */
export interface SpanScores {
  /** With which one the answer begins, [N, T]. */
  readonly start: Tensor;
  /** With which one it ends, [N, T]. */
  readonly end: Tensor;
}

/** Stands for the scores of words that are not there. */
const NEVER = -1e30;

/**
 * The model of a SpanAnswerer, after the reader of Chen et al. (2017): recurrent layers read the context, each word
 * beside what of the question is like it, whether the question has it, and the question as a whole,
 *
 *   q = Σ_j b_j Q_j      P = RNN([c_i; Σ_j a_ij q_j; c_i ∈ question; q])
 *   start_i = P_i · W_s q      end_i = P_i · W_e q
 *
 * where Q are the states of other layers over the question, and b is learned.
 */
export class SpanNetwork extends Module {
  /** What it was made with. */
  readonly options: SpanNetworkOptions;
  /** What is known of each word. */
  readonly features: TokenFeatures;
  /** Finds what of the question a word of the context is like. */
  readonly alignment: MultiplicativeAttention;
  /** Reads the question. */
  readonly asking: Sequential;
  /** Makes one vector of it. */
  readonly pool: AttentionPool;
  /** Reads the context. */
  readonly reading: Sequential;
  /** W_s. */
  readonly start: Linear;
  /** W_e. */
  readonly end: Linear;
  /** Of the vectors of words, in training. */
  readonly dropout: Dropout;

  constructor(options: SpanNetworkOptions) {
    super();
    this.options = options;
    const { features, encoder } = options;
    this.features = new TokenFeatures(features);
    const [size, width] = [this.features.size, encodedSize(encoder)];
    this.alignment = new MultiplicativeAttention({ querySize: size, keySize: size });
    this.asking = recurrentEncoder(size, encoder);
    this.pool = new AttentionPool({ inputSize: width });
    this.reading = recurrentEncoder(2 * size + 1 + width, encoder);
    this.start = new Linear({ inFeatures: width, outFeatures: width, bias: false });
    this.end = new Linear({ inFeatures: width, outFeatures: width, bias: false });
    this.dropout = new Dropout({ p: encoder.dropout });
  }

  /** Where each answer begins, and where it ends. */
  forward({ context, shared, question }: SpanBatch): SpanScores {
    const [told, asked] = [this.#vectors(context), this.#vectors(question)];
    const whole = this.pool.forward(this.asking.forward(asked) as Sequence);
    const [rows = 0, steps = 0] = context.shape;
    const beside = mapValues(told, () => expand(unsqueeze(whole, 1), [rows, steps, whole.shape[1] ?? 0]));
    const has = mapValues(shared, (values) => unsqueeze(values, 2));
    const read = this.reading.forward(concat([told, this.alignment.forward(told, asked), has, beside], -1)) as Sequence;
    return { start: scores(read, this.start.forward(whole)), end: scores(read, this.end.forward(whole)) };
  }

  #vectors(words: Sequence): Sequence {
    return this.dropout.forward(this.features.forward({ words }));
  }
}

/** How well each step of [N, T, D] fits [N, D], [N, T]. */
function scores(steps: Sequence, wanted: Tensor): Tensor {
  const found = squeeze(matmul(valuesOf(steps), unsqueeze(wanted, 2)), 2);
  return steps instanceof PaddedSequence ? maskedFill(found, logicalNot(steps.mask()), NEVER) : found;
}
