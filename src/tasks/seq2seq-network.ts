import { AdditiveAttention } from '../layers/additive-attention';
import type { PreparedKeys } from '../layers/attention';
import { Dropout } from '../layers/dropout';
import { Embedding } from '../layers/embedding';
import type { GRU } from '../layers/gru';
import { Linear } from '../layers/linear';
import { LSTM } from '../layers/lstm';
import { MultiplicativeAttention } from '../layers/multiplicative-attention';
import type { RNN } from '../layers/rnn';
import { Module } from '../module/module';
import { mapZeros } from '../tensor/map-values';
import { tanh } from '../tensor/ops/elementwise';
import { matmul } from '../tensor/ops/matmul';
import { reshape, slice, transpose } from '../tensor/ops/shape';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { concat } from '../tensor/sequence-ops';
import type { Tensor } from '../tensor/tensor';
import { CELLS, type Cell } from './recurrent-encoder';
import type { PairAttention } from './seq2seq-options';

/** Options of a Seq2SeqNetwork. */
export interface Seq2SeqNetworkOptions {
  /** V of the source, number of its tokens. */
  sourceTokens: number;
  /** V of the target. */
  targetTokens: number;
  /** Width of the vector of a token. */
  embeddingDim: number;
  /** Kind of the recurrent layers. */
  cell: Cell;
  /** H, width of a state of the decoder. */
  hiddenSize: number;
  /** Layers of the encoder, and of the decoder. */
  numLayers: number;
  /** Whether the encoder reads backwards, too. */
  bidirectional: boolean;
  /** How the decoder looks at the source. */
  attention: PairAttention;
  /** Probability of dropping an element in training. */
  dropout: number;
  /** Whether tokens are written with the vectors that they are read with. */
  tieWeights: boolean;
  /** Whether source and target have one table of vectors. */
  sharedEmbeddings: boolean;
}

/** State of recurrent layers, [L, N, H]; c of an LSTM. */
export interface LayersState {
  /** What the layers gave last. */
  readonly h: Tensor;
  /** What an LSTM keeps. */
  readonly c?: Tensor;
}

/** What a source has become. */
export interface EncodedSource {
  /** What the decoder begins with. */
  readonly state: LayersState;
  /** What it looks at; absent without attention. */
  readonly memory?: PreparedKeys;
}

/** What recurrent layers make of some steps. */
export interface ReadSteps<X extends Sequence = Sequence> {
  /** Behind each step, [N, T, H]. */
  readonly output: X;
  /** After the last one. */
  readonly state: LayersState;
}

/** What a decoder says of each step. */
export interface Said {
  /** Scores of the tokens, before softmax, [N, T, V]. */
  readonly scores: Sequence;
  /** How much of each place of the source each step took, [N, T, S]; absent without attention. */
  readonly weights?: Tensor;
}

/** The same of some steps, and where they lead. */
export interface DecodedSteps extends Said {
  /** After the last step. */
  readonly state: LayersState;
}

/** A batch of pairs. */
export interface PairBatch {
  /** Tokens of the sources, i32 [N, S]. */
  readonly source: Sequence;
  /** What the decoder reads, i32 [N, T]. */
  readonly previous: Sequence;
}

/**
 * The model of a Seq2Seq: an encoder that reads the source, and a decoder that begins with the encoder's last states
 * and says after each token of the target which one comes next. With attention (Luong et al., 2015) each of its steps
 * takes what it needs of the encoder's outputs:
 *
 *   a_t = softmax(score(s_t, e_1 … e_S))      o_t = tanh(W [s_t; Σ_i a_ti e_i])
 *
 * The decoder's layers do not read o_t, so that a whole target is computed in one call.
 */
export class Seq2SeqNetwork extends Module {
  /** What it was made with. */
  readonly options: Seq2SeqNetworkOptions;
  /** Vectors of the tokens of sources. */
  readonly source: Embedding;
  /** Vectors of the tokens of targets. */
  readonly target: Embedding;
  /** Reads the source. */
  readonly encoder: LSTM | GRU | RNN;
  /** Reads the target as far as it is written. */
  readonly decoder: LSTM | GRU | RNN;
  /** Looks at the source. */
  readonly attention: AdditiveAttention | MultiplicativeAttention | undefined;
  /** W, of what the decoder knows and what it has seen of the source. */
  readonly combine: Linear | undefined;
  /** Scores of the tokens. */
  readonly head: Linear;
  /** Before the layers. */
  readonly before: Dropout;
  /** Behind them. */
  readonly behind: Dropout;

  constructor(options: Seq2SeqNetworkOptions) {
    super();
    this.options = options;
    const { sourceTokens, targetTokens, embeddingDim, cell, hiddenSize, numLayers, bidirectional } = options;
    const { dropout, tieWeights, sharedEmbeddings } = options;
    const [Layer, between] = [CELLS[cell], numLayers > 1 ? dropout : 0];
    this.source = new Embedding({ numEmbeddings: sourceTokens, embeddingDim });
    this.target = sharedEmbeddings ? this.source : new Embedding({ numEmbeddings: targetTokens, embeddingDim });
    const each = bidirectional ? Math.ceil(hiddenSize / 2) : hiddenSize;
    const stack = { inputSize: embeddingDim, numLayers, dropout: between };
    this.encoder = new Layer({ ...stack, hiddenSize: each, bidirectional });
    this.decoder = new Layer({ ...stack, hiddenSize });
    this.attention = attentionOf(options.attention, hiddenSize, bidirectional ? 2 * each : each);
    const seen = this.attention?.options.keySize;
    this.combine =
      seen === undefined ? undefined : new Linear({ inFeatures: hiddenSize + seen, outFeatures: hiddenSize });
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: targetTokens });
    if (tieWeights) this.target.weight = this.head.weight;
    this.before = new Dropout({ p: dropout / 2 });
    this.behind = new Dropout({ p: dropout });
  }

  /** What may follow each step of the targets, [N, T, V]. */
  forward({ source, previous }: PairBatch): Sequence {
    return this.decode(previous, this.encode(source)).scores;
  }

  /** Reads sources, i32 [N, S]. */
  encode(source: Sequence): EncodedSource {
    const { output, state } = runLayers(this.encoder, this.before.forward(this.source.forward(source)));
    const begin = { h: this.#sideBySide(state.h), ...(state.c && { c: this.#sideBySide(state.c) }) };
    if (this.attention === undefined) return { state: begin };
    return { state: begin, memory: this.attention.prepare(this.behind.forward(output)) };
  }

  /** Goes on with targets. @param previous  tokens, i32 [N, T] */
  decode(previous: Sequence, { state, memory }: EncodedSource): DecodedSteps {
    const { output, state: after } = this.read(previous, state);
    return { ...this.say(output, memory), state: after };
  }

  /** Runs the decoder's layers over tokens, i32 [N, T]: [N, T, H]. */
  read(previous: Sequence, state: LayersState): ReadSteps {
    return runLayers(this.decoder, this.before.forward(this.target.forward(previous)), state);
  }

  /** Scores of the tokens that may follow what the layers gave, [N, T, H]; N are the rows of `memory`. */
  say(output: Sequence, memory: PreparedKeys | undefined): Said {
    if (this.attention === undefined || this.combine === undefined || memory === undefined)
      return { scores: this.head.forward(this.behind.forward(output)) };
    const weights = this.attention.weights(output, memory);
    const seen = matmul(weights, memory.values);
    const context = output instanceof PaddedSequence ? PaddedSequence.zeroPadded(seen, output.lengths) : seen;
    const both = mapZeros(this.combine.forward(concat([output, context], -1)), tanh);
    return { scores: this.head.forward(this.behind.forward(both)), weights };
  }

  /** States of both directions as one, as wide as the decoder's: [L·K, N, H/K] → [L, N, H]. */
  #sideBySide(x: Tensor): Tensor {
    const { bidirectional, numLayers, hiddenSize } = this.options;
    if (!bidirectional) return x;
    const [, rows = 0, width = 0] = x.shape;
    const joined = reshape(transpose(reshape(x, [numLayers, 2, rows, width]), 1, 2), [numLayers, rows, 2 * width]);
    return 2 * width === hiddenSize ? joined : slice(joined, [0, 0, 0], [null, null, hiddenSize]);
  }
}

function attentionOf(kind: PairAttention, hiddenSize: number, keySize: number) {
  if (kind === 'none') return undefined;
  if (kind === 'additive') return new AdditiveAttention({ querySize: hiddenSize, keySize, hiddenSize });
  return new MultiplicativeAttention({ querySize: hiddenSize, keySize });
}

/** Runs recurrent layers of whichever kind. */
function runLayers<X extends Sequence>(layers: LSTM | GRU | RNN, input: X, state?: LayersState): ReadSteps<X> {
  if (layers instanceof LSTM) {
    const { output, h, c } = layers.forward(input, state?.c && { h: state.h, c: state.c });
    return { output, state: { h, c } };
  }
  const { output, h } = layers.forward(input, state && { h: state.h });
  return { output, state: { h } };
}
