import { Tanh } from '../layers/activations';
import { Embedding } from '../layers/embedding';
import { Linear } from '../layers/linear';
import { Sequential } from '../layers/sequential';
import { Module } from '../module/module';
import { reshape } from '../tensor/ops/shape';
import { concat, select } from '../tensor/sequence-ops';
import type { Tensor } from '../tensor/tensor';
import type { EventBatch } from './event-encoder';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';
import { sequencePool, type Pooling } from './sequence-pool';

/** Options of an EventClassifierNetwork: those of its parts. */
export interface EventClassifierNetworkOptions {
  /** D, features of an event beside its categories. */
  width: number;
  /** Number of categories of each categorical column, the first of which stands for those that are not known. */
  categories: readonly number[];
  /** Width of the vector of a category. */
  embeddingDim: number;
  /** Of the recurrent layers. */
  encoder: Required<EncoderOptions>;
  /** How the events become one vector. */
  pooling: Pooling;
}

/**
 * The model of an EventClassifier: events → recurrent layers → one vector → a score, of which sigmoid makes the
 * probability, [N].
 */
export class EventClassifierNetwork extends Module {
  /** What it was made with. */
  readonly options: EventClassifierNetworkOptions;
  /** Vectors of the categories, one layer a column. Those that are not known have 0. */
  readonly categories: readonly Embedding[];
  /** Mixes the features of an event. */
  readonly features: Sequential;
  /** The recurrent layers. */
  readonly encoder: Sequential;
  /** One vector of all events. */
  readonly pool: ReturnType<typeof sequencePool>;
  /** The score. */
  readonly head: Linear;

  constructor(options: EventClassifierNetworkOptions) {
    super();
    this.options = options;
    const { width, categories, embeddingDim, encoder, pooling } = options;
    this.categories = categories.map((numEmbeddings) => new Embedding({ numEmbeddings, embeddingDim, paddingIdx: 0 }));
    const inFeatures = width + categories.length * embeddingDim;
    this.features = new Sequential(new Linear({ inFeatures, outFeatures: encoder.hiddenSize }), new Tanh());
    this.encoder = recurrentEncoder(encoder.hiddenSize, encoder);
    this.pool = sequencePool(pooling, encoder);
    this.head = new Linear({ inFeatures: encodedSize(encoder), outFeatures: 1 });
  }

  /** The score of each sequence of events: [N]. */
  forward({ numbers, categories }: EventBatch): Tensor {
    const vectors =
      categories === undefined ? [] : this.categories.map((one, place) => one.forward(select(categories, 2, place)));
    const features = this.features.forward(concat([numbers, ...vectors], -1));
    return reshape(this.head.forward(this.pool.forward(this.encoder.forward(features))), [-1]);
  }
}
