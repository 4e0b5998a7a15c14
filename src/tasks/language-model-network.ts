import { Dropout } from '../layers/dropout';
import { Embedding } from '../layers/embedding';
import { init } from '../layers/init';
import { Linear } from '../layers/linear';
import { LastStep } from '../layers/pooling';
import { Sequential, type SequentialState } from '../layers/sequential';
import { VariationalDropout } from '../layers/variational-dropout';
import { Module } from '../module/module';
import { noGrad } from '../tensor/grad-mode';
import type { Sequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import type { LanguageModelSettings } from './language-model-options';
import { CELLS } from './recurrent-encoder';

/** What of the regularisation of a LanguageModel is in its layers. */
type Regularized =
  'variationalDropout' | 'inputDropout' | 'hiddenDropout' | 'embeddingDropout' | 'weightDrop' | 'initRange';

/** Options of a LanguageModelNetwork: those of its layers. */
export interface LanguageModelNetworkOptions
  extends
    Pick<LanguageModelSettings, 'cell' | 'embeddingDim' | 'hiddenSize' | 'numLayers' | 'dropout' | 'tieWeights'>,
    Partial<Pick<LanguageModelSettings, Regularized>> {
  /** V, number of tokens. */
  numTokens: number;
}

/** Of the options of a LanguageModel those of its network. @param numTokens  V */
export function networkOptions(numTokens: number, settings: LanguageModelSettings): LanguageModelNetworkOptions {
  const { cell, embeddingDim, hiddenSize, numLayers, dropout, tieWeights } = settings;
  const { variationalDropout, inputDropout, hiddenDropout, embeddingDropout, weightDrop, initRange } = settings;
  return {
    numTokens,
    cell,
    embeddingDim,
    hiddenSize,
    numLayers,
    dropout,
    tieWeights,
    variationalDropout,
    inputDropout,
    hiddenDropout,
    embeddingDropout,
    weightDrop,
    ...(initRange === undefined ? {} : { initRange }),
  };
}

/** Scores of the next tokens, and the state of the recurrent layers that they come from. */
export interface NextScores<Output extends Sequence = Sequence> {
  /** Before softmax: [N, T, V] behind each step, or [N, V] behind the last one. */
  readonly output: Output;
  /** Of the recurrent layers, from which the next call goes on. */
  readonly state: SequentialState;
}

/** What the recurrent layers give, and their state. */
export interface LanguageActivations {
  /** h of the last layer, [N, T, H]. */
  readonly raw: Sequence;
  /** What dropout leaves of it, which the scores are computed of. */
  readonly hidden: Sequence;
  /** Of the recurrent layers, from which the next call goes on. */
  readonly state: SequentialState;
}

/** The model of a LanguageModel: tokens → vectors → recurrent layers → a score of each token to come next. */
export class LanguageModelNetwork extends Module {
  /** What it was made with. */
  readonly options: LanguageModelNetworkOptions;
  /** Vectors of the tokens. */
  readonly embedding: Embedding;
  /** Between the vectors and the recurrent layers. */
  readonly inputDropout: Dropout | VariationalDropout;
  /** The recurrent layers, and dropout between them. */
  readonly recurrent: Sequential;
  /** Behind them. */
  readonly outputDropout: Dropout | VariationalDropout;
  /** Scores of the tokens. */
  readonly head: Linear;
  readonly #last = new LastStep();

  constructor(options: LanguageModelNetworkOptions) {
    super();
    this.options = options;
    const { numTokens, embeddingDim, numLayers, dropout, tieWeights, initRange } = options;
    this.embedding = new Embedding({ numEmbeddings: numTokens, embeddingDim, dropout: options.embeddingDropout ?? 0 });
    this.inputDropout = dropoutOf(options, options.inputDropout ?? 0);
    this.recurrent = recurrentLayers(options);
    this.outputDropout = dropoutOf(options, dropout);
    this.head = new Linear({ inFeatures: widthOf(options, numLayers - 1), outFeatures: numTokens });
    if (tieWeights) this.embedding.weight = this.head.weight;
    if (initRange !== undefined)
      for (const parameter of this.parameters()) init.uniform_(parameter, { low: -initRange, high: initRange });
  }

  /**
   * What may follow each step.
   *
   * @param input  tokens, i32 [N, T]
   * @param state  what the call before has returned; undefined at the start
   */
  forward(input: Sequence, state?: SequentialState): NextScores {
    const { hidden, state: next } = this.activations(input, state);
    return { output: this.head.forward(hidden), state: next };
  }

  /** What the scores are computed of, and are regularised by in training. Parameters as of `forward`. */
  activations(input: Sequence, state?: SequentialState): LanguageActivations {
    const vectors = this.inputDropout.forward(this.embedding.forward(input));
    const { output: raw, state: next } = this.recurrent.forward(vectors, state);
    return { raw, hidden: this.outputDropout.forward(raw), state: next };
  }

  /** The weights of the recurrent layers, by the names that one layer of the package has for all of them. */
  recurrentWeights(): Record<string, Tensor> {
    const layers = Array.from(this.recurrent).filter((layer) => layer.parameters().length > 0);
    const [only] = layers;
    if (layers.length === 1 && only !== undefined) return only.stateDict();
    const named = layers.map((layer, at) =>
      Object.entries(layer.stateDict()).map(([name, weight]) => [name.replace(/_l0$/, `_l${at}`), weight] as const),
    );
    return Object.fromEntries(named.flat());
  }

  /** What may follow the last real step, [N, V], in evaluation mode and without gradients. */
  next(input: Sequence, state?: SequentialState): NextScores<Tensor> {
    const { training } = this;
    this.eval();
    try {
      return noGrad(() =>
        scope(() => {
          const { hidden, state: next } = this.activations(input, state);
          return { output: this.head.forward(this.#last.forward(hidden)), state: next };
        }),
      );
    } finally {
      if (training) this.train();
    }
  }
}

/** Dropout of the kind that the model has. */
const dropoutOf = ({ variationalDropout = false }: LanguageModelNetworkOptions, p: number) =>
  variationalDropout ? new VariationalDropout({ p }) : new Dropout({ p });

/** Width of h of a layer: the last one's is that of the vectors, where tokens are written with them. */
const widthOf = ({ numLayers, hiddenSize, embeddingDim, tieWeights }: LanguageModelNetworkOptions, layer: number) =>
  tieWeights && layer === numLayers - 1 ? embeddingDim : hiddenSize;

/** The recurrent layers: one of the package where that has what stands between them, which computes faster. */
function recurrentLayers(options: LanguageModelNetworkOptions): Sequential {
  const { cell, embeddingDim, hiddenSize, numLayers, weightDrop = 0, variationalDropout = false } = options;
  const { hiddenDropout: dropout = options.dropout } = options;
  const Layer = CELLS[cell];
  const locked = variationalDropout && dropout > 0;
  if (numLayers === 1 || (!locked && widthOf(options, numLayers - 1) === hiddenSize))
    return new Sequential(
      new Layer({
        inputSize: embeddingDim,
        hiddenSize: widthOf(options, numLayers - 1),
        numLayers,
        dropout: numLayers > 1 ? dropout : 0,
        weightDrop,
      }),
    );
  const modules = Array.from({ length: numLayers }, (_, layer) => {
    const inputSize = layer === 0 ? embeddingDim : widthOf(options, layer - 1);
    const recurrent = new Layer({ inputSize, hiddenSize: widthOf(options, layer), weightDrop });
    return layer === 0 ? [recurrent] : [dropoutOf(options, dropout), recurrent];
  });
  return new Sequential(...modules.flat());
}
