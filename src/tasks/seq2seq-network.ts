import { AdditiveAttention } from '../layers/additive-attention';
import type { PreparedKeys } from '../layers/attention';
import { Dropout } from '../layers/dropout';
import { Embedding } from '../layers/embedding';
import type { GRU } from '../layers/gru';
import { Linear } from '../layers/linear';
import { LSTM } from '../layers/lstm';
import { QuantizedLSTM } from '../layers/quantized-lstm';
import { MultiplicativeAttention } from '../layers/multiplicative-attention';
import type { RNN } from '../layers/rnn';
import { Module } from '../module/module';
import { zeros } from '../tensor/factories';
import { mapZeros } from '../tensor/map-values';
import { tanh } from '../tensor/ops/elementwise';
import { matmul } from '../tensor/ops/matmul';
import { reshape, slice, split, squeeze, stack, transpose, unsqueeze } from '../tensor/ops/shape';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { concat } from '../tensor/sequence-ops';
import type { Tensor } from '../tensor/tensor';
import { CellStack } from './cell-stack';
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
  /** Whether each step of the decoder reads what the one before took of the source. Default false. */
  inputFeeding?: boolean | undefined;
}

/** State of recurrent layers, [L, N, H]; c of an LSTM. */
export interface LayersState {
  /** What the layers gave last. */
  readonly h: Tensor;
  /** What an LSTM keeps. */
  readonly c?: Tensor;
  /** o of the step before, [N, H], where it is read; zeros before the first step. */
  readonly fed?: Tensor;
}

/** What a source has become. */
export interface EncodedSource {
  /** What the decoder begins with. */
  readonly state: LayersState;
  /** What it looks at; absent without attention. */
  readonly memory?: PreparedKeys | undefined;
}

/** What recurrent layers make of some steps. */
interface ReadSteps<X extends Sequence = Sequence> {
  /** Behind each step, [N, T, H]. */
  readonly output: X;
  /** After the last one. */
  readonly state: LayersState;
}

/** What a decoder says of each step. */
export interface Said {
  /** Scores of the tokens, before softmax, [N, T, V]. */
  readonly scores: Sequence;
  /** How much of each place of the source each step took, [N, T, S]; absent without attention, or where it is fed. */
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
 * The decoder's layers do not read o_t, so that a whole target is computed in one call; with `inputFeeding` they read
 * o_{t-1} beside the token, cells that go from step to step.
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
  readonly decoder: LSTM | GRU | RNN | CellStack;
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
    this.decoder =
      options.inputFeeding === true
        ? new CellStack({ cell, inputSize: embeddingDim + hiddenSize, hiddenSize, numLayers, dropout })
        : new Layer({ ...stack, hiddenSize });
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
    if (this.decoder instanceof CellStack) return this.#feed(this.decoder, previous, { state, memory });
    const { output, state: after } = runLayers(this.decoder, this.#vectors(previous), state);
    return { ...this.say(output, memory), state: after };
  }

  /**
   * One step of B hypotheses, i32 [B], `width` of each row of the memory: scores [B, V] and weights [B, S].
   *
   * @param width  hypotheses of a row of the memory, one after another
   */
  step(tokens: Tensor, { state, memory }: EncodedSource, width = 1): DecodedSteps {
    const [rows = 0] = tokens.shape;
    const flat = (x: Tensor): Tensor => reshape(x, [rows, x.shape.at(-1) ?? 0]);
    if (this.decoder instanceof CellStack)
      return this.#feed(this.decoder, unsqueeze(tokens, 1), { state, memory }, width);
    const { output, state: after } = runLayers(this.decoder, this.#vectors(unsqueeze(tokens, 1)), state);
    const { scores, weights } = this.say(reshape(valuesOf(output), [rows / width, width, -1]), memory);
    return { scores: flat(valuesOf(scores)), state: after, ...(weights && { weights: flat(weights) }) };
  }

  #vectors(previous: Sequence): Sequence {
    return this.before.forward(this.target.forward(previous));
  }

  /** Scores of the tokens that may follow what the layers gave, [N, T, H]; N are the rows of `memory`. */
  say(output: Sequence, memory: PreparedKeys | undefined): Said {
    const { seen, weights } = this.#look(output, memory);
    return { scores: this.head.forward(this.behind.forward(seen)), ...(weights && { weights }) };
  }

  /** o of each step, and how much of the source it took. */
  #look(output: Sequence, memory: PreparedKeys | undefined): { seen: Sequence; weights?: Tensor } {
    if (this.attention === undefined || this.combine === undefined || memory === undefined) return { seen: output };
    const weights = this.attention.weights(output, memory);
    const taken = matmul(weights, memory.values);
    const context = output instanceof PaddedSequence ? PaddedSequence.zeroPadded(taken, output.lengths) : taken;
    return { seen: mapZeros(this.combine.forward(concat([output, context], -1)), tanh), weights };
  }

  /** Goes from step to step, each reading o of the one before; of one step scores [B, V], of several [N, T, V]. */
  #feed(cells: CellStack, previous: Sequence, { state, memory }: EncodedSource, width?: number): DecodedSteps {
    const vectors = this.#vectors(previous);
    const [rows = 0] = previous.shape;
    const outputs: Tensor[] = [];
    let now = state;
    let weights: Tensor | undefined;
    for (const vector of split(valuesOf(vectors), 1, 1)) {
      const fed = now.fed ?? zeros([rows, this.options.hiddenSize], { device: vector.device });
      const { output, state: after } = cells.forward(concat([squeeze(vector, 1), fed], 1), now);
      const said = this.#look(reshape(output, [rows / (width ?? 1), width ?? 1, -1]), memory);
      const seen = reshape(valuesOf(said.seen), [rows, -1]);
      now = { ...after, fed: seen };
      if (width !== undefined && said.weights) weights = reshape(said.weights, [rows, said.weights.shape.at(-1) ?? 0]);
      outputs.push(seen);
    }
    const all = width === undefined ? stack(outputs, 1) : (outputs[0] ?? zeros([rows, this.options.hiddenSize]));
    const kept = vectors instanceof PaddedSequence ? new PaddedSequence(all, vectors.lengths).zeroPadding() : all;
    return { scores: this.head.forward(this.behind.forward(kept)), state: now, ...(weights && { weights }) };
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
function runLayers<X extends Sequence>(
  layers: LSTM | QuantizedLSTM | GRU | RNN,
  input: X,
  state?: LayersState,
): ReadSteps<X> {
  if (layers instanceof LSTM || layers instanceof QuantizedLSTM) {
    const { output, h, c } = layers.forward(input, state?.c && { h: state.h, c: state.c });
    return { output, state: { h, c } };
  }
  const { output, h } = layers.forward(input, state && { h: state.h });
  return { output, state: { h } };
}
