import { Tanh } from '../layers/activations';
import { Embedding } from '../layers/embedding';
import { Linear } from '../layers/linear';
import { LastStep } from '../layers/pooling';
import { Sequential } from '../layers/sequential';
import { Module } from '../module/module';
import { mul } from '../tensor/ops/elementwise';
import { concat, reshape, select } from '../tensor/ops/shape';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import type { ForecastBatch } from './forecast-windows';
import { encodedSize, recurrentEncoder, type EncoderOptions } from './recurrent-encoder';

/** Options of a ForecasterNetwork: those of its parts. */
export interface ForecasterNetworkOptions {
  /** D, numbers that are read of a step. */
  width: number;
  /** F, numbers that are known of each step of the forecast. */
  ahead: number;
  /** Number of categories of each categorical column, the first of which stands for those that are not known. */
  categories: readonly number[];
  /** The places of those that are known of each step of the forecast. */
  aheadCategories: readonly number[];
  /** Width of the vector of a category. */
  embeddingDim: number;
  /** Of the recurrent layers. */
  encoder: Required<EncoderOptions>;
  /** Steps that are forecast at once. */
  horizon: number;
  /** K, targets. */
  targets: number;
  /** O, what is said of each target: the forecast, and its quantiles. */
  outputs: number;
}

/**
 * The model of a Forecaster: a window of steps → recurrent layers → a context for each step of the forecast, which is
 * joined with what is known of that step → the forecast, and its quantiles: [N, H, K, O].
 */
export class ForecasterNetwork extends Module {
  /** What it was made with. */
  readonly options: ForecasterNetworkOptions;
  /** Vectors of the categories, one layer a column. Those that are not known have 0. */
  readonly categories: readonly Embedding[];
  /** The recurrent layers. */
  readonly encoder: Sequential;
  /** The last state of them. */
  readonly pool: LastStep;
  /** The forecast where nothing is known of its steps, else a context for each step. */
  readonly context: Linear;
  /** The forecast of a step by its context and what is known of it. */
  readonly head: Sequential | undefined;

  constructor(options: ForecasterNetworkOptions) {
    super();
    this.options = options;
    const { width, ahead, categories, aheadCategories, embeddingDim, encoder, horizon, targets, outputs } = options;
    this.categories = categories.map((numEmbeddings) => new Embedding({ numEmbeddings, embeddingDim, paddingIdx: 0 }));
    this.encoder = recurrentEncoder(width + categories.length * embeddingDim, encoder);
    this.pool = new LastStep({ bidirectional: encoder.bidirectional });
    const known = ahead + aheadCategories.length * embeddingDim;
    const size = known === 0 ? targets * outputs : encoder.hiddenSize;
    this.context = new Linear({ inFeatures: encodedSize(encoder), outFeatures: horizon * size });
    this.head =
      known === 0
        ? undefined
        : new Sequential(
            new Linear({ inFeatures: size + known, outFeatures: size }),
            new Tanh(),
            new Linear({ inFeatures: size, outFeatures: targets * outputs }),
          );
  }

  /** The forecasts of each window: [N, H, K, O]. */
  forward(batch: ForecastBatch): Tensor {
    const { input, categories, scale } = batch;
    const all = [...this.categories.keys()];
    const steps = concat([valuesOf(input), ...this.#vectors(categories, all)], -1);
    const context = this.context.forward(this.pool.forward(this.encoder.forward(steps)));
    const said = this.#said(context, batch);
    return scale === undefined ? said : mul(said, valuesOf(scale));
  }

  /** The forecasts of contexts, and of what is known of their steps. */
  #said(context: Tensor, { ahead, aheadCategories }: ForecastBatch): Tensor {
    const { horizon, targets, outputs, aheadCategories: places, encoder } = this.options;
    if (this.head === undefined) return reshape(context, [-1, horizon, targets, outputs]);
    const known = [...(ahead === undefined ? [] : [valuesOf(ahead)]), ...this.#vectors(aheadCategories, places)];
    const joined = concat([reshape(context, [-1, horizon, encoder.hiddenSize]), ...known], -1);
    return reshape(valuesOf(this.head.forward(joined)), [-1, horizon, targets, outputs]);
  }

  /** @param places  of the columns that `indices` has */
  #vectors(indices: Sequence | undefined, places: readonly number[]): Tensor[] {
    if (indices === undefined) return [];
    return places.flatMap((place, column) => {
      const layer = this.categories[place];
      return layer === undefined ? [] : [layer.forward(select(valuesOf(indices), 2, column))];
    });
  }
}
