import { Dropout } from '../layers/dropout';
import { Embedding } from '../layers/embedding';
import { Linear } from '../layers/linear';
import { LastStep } from '../layers/pooling';
import { Sequential, type SequentialState } from '../layers/sequential';
import { Module } from '../module/module';
import { noGrad } from '../tensor/grad-mode';
import type { Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import type { LanguageModelSettings } from './language-model-options';
import { CELLS } from './recurrent-encoder';

/** Options of a LanguageModelNetwork: those of its layers. */
export interface LanguageModelNetworkOptions extends Pick<
  LanguageModelSettings,
  'cell' | 'embeddingDim' | 'hiddenSize' | 'numLayers' | 'dropout' | 'tieWeights'
> {
  /** V, number of tokens. */
  numTokens: number;
}

/** Scores of the next tokens, and the state of the recurrent layers that they come from. */
export interface NextScores<Output extends Sequence = Sequence> {
  /** Before softmax: [N, T, V] behind each step, or [N, V] behind the last one. */
  readonly output: Output;
  /** Of the recurrent layers, from which the next call goes on. */
  readonly state: SequentialState;
}

/** The model of a LanguageModel: tokens → vectors → recurrent layers → a score of each token to come next. */
export class LanguageModelNetwork extends Module {
  /** What it was made with. */
  readonly options: LanguageModelNetworkOptions;
  /** Vectors of the tokens. */
  readonly embedding: Embedding;
  /** The recurrent layers, and dropout. */
  readonly recurrent: Sequential;
  /** Scores of the tokens. */
  readonly head: Linear;
  readonly #last = new LastStep();

  constructor(options: LanguageModelNetworkOptions) {
    super();
    this.options = options;
    const { numTokens, cell, embeddingDim, hiddenSize, numLayers, dropout, tieWeights } = options;
    const Layer = CELLS[cell];
    this.embedding = new Embedding({ numEmbeddings: numTokens, embeddingDim });
    this.recurrent = new Sequential(
      new Layer({ inputSize: embeddingDim, hiddenSize, numLayers, dropout: numLayers > 1 ? dropout : 0 }),
      new Dropout({ p: dropout }),
    );
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: numTokens });
    if (tieWeights) this.embedding.weight = this.head.weight;
  }

  /**
   * What may follow each step.
   *
   * @param input  tokens, i32 [N, T]
   * @param state  what the call before has returned; undefined at the start
   */
  forward(input: Sequence, state?: SequentialState): NextScores {
    const { output, state: next } = this.recurrent.forward(this.embedding.forward(input), state);
    return { output: this.head.forward(output), state: next };
  }

  /** What may follow the last real step, [N, V], in evaluation mode and without gradients. */
  next(input: Sequence, state?: SequentialState): NextScores<Tensor> {
    const { training } = this;
    this.eval();
    try {
      return noGrad(() =>
        scope(() => {
          const { output, state: next } = this.recurrent.forward(this.embedding.forward(input), state);
          return { output: this.head.forward(this.#last.forward(output)), state: next };
        }),
      );
    } finally {
      if (training) this.train();
    }
  }
}
