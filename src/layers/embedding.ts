import { OptionError, ShapeError } from '../tensor/errors';
import { ones, tensor } from '../tensor/factories';
import type { HostArray } from '../tensor/host-array';
import { type NestedArray, Tensor } from '../tensor/tensor';
import { noGrad } from '../tensor/grad-mode';
import { mul, zero_ } from '../tensor/ops/elementwise';
import { embedding } from '../tensor/ops/indexing';
import { slice } from '../tensor/ops/shape';
import { describe, flag, nonNegativeInteger, positiveInteger, probability } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { asGiven, floating, optional, readOptions, withDefault } from '../tensor/read-options';
import { mapRealSteps } from '../tensor/map-values';
import { dropout, randn } from '../tensor/ops/random';
import { claim } from '../module/allowance';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import { takeOver, type Parameter } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';

/** Options of an Embedding. */
export interface EmbeddingOptions {
  /** Number of rows: indices are 0..numEmbeddings - 1. */
  numEmbeddings: number;
  /** Width of a row. */
  embeddingDim: number;
  /** Index of a row that starts as zeros and gets no gradient. Default: none. */
  paddingIdx?: number | undefined;
  /** Whether the rows stay as they are in training. Default false. */
  freeze?: boolean;
  /**
   * Probability in [0, 1) of dropping a whole row, in training only: drawn anew by each `forward`, the same wherever an
   * index stands; what stays is scaled by 1 / (1 - dropout) (embedding dropout; Gal and Ghahramani, 2016). Default 0.
   */
  dropout?: number;
  /** Element type of the rows. Default f32. */
  dtype?: FloatingDType;
}

/** Options of an Embedding made of given rows. */
export interface PretrainedOptions {
  /** Whether the rows stay as they are in training. Default true. */
  freeze?: boolean;
  /** Index of the row that gets no gradient. Default: none. */
  paddingIdx?: number | undefined;
}

/**
 * A table of vectors, looked up by index.
 *
 * Shapes: input […] of i32, or of f32 or f64 that hold whole numbers, as plain arrays make them → […, embeddingDim];
 * weight [numEmbeddings, embeddingDim], from N(0, 1). A PaddedSequence [N, T] gives a PaddedSequence [N, T,
 * embeddingDim], zero past each length. To tie it with an output layer: `linear.weight = embedding.weight`.
 *
 * @throws {OptionError} if a size is not a positive whole number, `paddingIdx` is not a row, `dropout` is not in
 * [0, 1), or an option is unknown
 * @see torch.nn.Embedding
 */
export class Embedding extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<EmbeddingOptions>>;
  /** [numEmbeddings, embeddingDim]. */
  weight: Parameter;

  constructor(options: EmbeddingOptions) {
    super();
    this.options = readOptions('Embedding', options, {
      numEmbeddings: positiveInteger,
      embeddingDim: positiveInteger,
      paddingIdx: optional(nonNegativeInteger),
      freeze: withDefault(flag, false),
      dropout: withDefault(probability, 0),
      dtype: floating,
    });
    const { numEmbeddings, embeddingDim, paddingIdx, freeze, dtype } = this.options;
    if (paddingIdx !== undefined && paddingIdx >= numEmbeddings) {
      throw new OptionError('Embedding', {
        given: `paddingIdx: ${paddingIdx}`,
        expected: `an index below numEmbeddings, ${numEmbeddings}`,
        fix: 'count the padding row among the rows',
      });
    }
    claim([numEmbeddings, embeddingDim]);
    this.weight = takeOver(randn([numEmbeddings, embeddingDim], { dtype }));
    if (paddingIdx !== undefined) {
      noGrad(() => {
        const row = slice(this.weight, [paddingIdx], [paddingIdx + 1]);
        zero_(row);
        row.dispose();
      });
    }
    if (freeze) this.weight.requiresGrad_(false);
  }

  /**
   * An embedding with rows from elsewhere, copied.
   *
   * @param weights  [numEmbeddings, embeddingDim]: nested arrays, a host array or a tensor
   * @throws {ShapeError} if `weights` do not have two axes
   */
  static fromPretrained(
    weights: HostArray | readonly NestedArray[] | Tensor,
    options: PretrainedOptions = {},
  ): Embedding {
    const { freeze, paddingIdx } = readOptions('Embedding.fromPretrained', options, {
      freeze: withDefault(asGiven<boolean>, true),
      paddingIdx: asGiven,
    });
    const rows = weights instanceof Tensor ? weights : tensor(weights);
    const [numEmbeddings, embeddingDim] = rows.shape;
    if (rows.rank !== 2 || numEmbeddings === undefined || embeddingDim === undefined) {
      throw new ShapeError('Embedding.fromPretrained', {
        given: `weights ${describe(rows)}`,
        expected: 'two axes, [numEmbeddings, embeddingDim]',
        fix: 'give one row of numbers for each index',
      });
    }
    const layer = new Embedding({
      numEmbeddings,
      embeddingDim,
      dtype: rows.dtype === 'f64' ? 'f64' : 'f32',
      freeze,
      paddingIdx,
    });
    layer.loadStateDict({ weight: rows });
    if (rows !== weights) rows.dispose();
    return layer;
  }

  /**
   * Looks up each index.
   *
   * @throws {DTypeError} if `input` is bool
   * @throws {NativeError} at the next read if a number is not whole, or above 2^24 in f32
   * @throws {OptionError} if an index is out of range, at the call where it came from the host, else {NativeError} at
   *   the next read
   */
  forward<X extends Sequence>(input: X): X {
    checkSequence('Embedding.forward', input);
    const { paddingIdx } = this.options;
    const kept = this.#keptRows();
    return mapRealSteps(input, (indices) => {
      const rows = embedding(indices, this.weight, { paddingIdx });
      return kept === undefined ? rows : mul(rows, embedding(indices, kept));
    });
  }

  /** What each row is multiplied by where rows are dropped, [numEmbeddings, 1]. */
  #keptRows(): Tensor | undefined {
    const { numEmbeddings, dropout: p, dtype } = this.options;
    if (!this.training || p === 0) return undefined;
    return dropout(ones([numEmbeddings, 1], { dtype, device: this.weight.device }), p);
  }
}
