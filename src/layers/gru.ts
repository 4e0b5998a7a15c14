import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { RecurrentLayer } from './recurrent';
import { checkRecurrentOptions, type RecurrentOptions } from './recurrent-options';

/** Options of a GRU. */
export type GRUOptions = RecurrentOptions;

/** State of a GRU or RNN: h [L·K, N, H]; [L·K, H] for an input [T, D]. */
export interface HiddenState {
  h: Tensor;
}

/**
 * Gated recurrent unit over a padded batch (Cho et al., 2014; the reset gate is applied after the recurrent product, as
 * in PyTorch and cuDNN).
 *
 *   r, z = σ(W_i{r,z} x_t + b_i + W_h{r,z} h_{t-1} + b_h)
 *   n    = tanh(W_in x_t + b_in + r ⊙ (W_hn h_{t-1} + b_hn))
 *   h_t  = (1 - z) ⊙ n + z ⊙ h_{t-1}
 *
 * Shapes: input [N, T, D] → output [N, T, K·H]; state h [L·K, N, H], before and after. [T, N, D] without `batchFirst`;
 * a single sequence [T, D] → [T, K·H]. A PaddedSequence gives a PaddedSequence, as for an LSTM.
 *
 * @throws {OptionError} if a size is not a positive whole number, `dropout` is not in [0, 1), or an option is unknown
 * @see torch.nn.GRU for the same weights
 */
export class GRU extends RecurrentLayer {
  override readonly options: Readonly<Required<GRUOptions>>;

  constructor(options: GRUOptions) {
    const shared = checkRecurrentOptions('GRU', options, []);
    super(shared, { cell: 'gru', gates: 3, projSize: 0 });
    this.options = Object.freeze(shared);
  }

  /** A state of zeros for `batchSize` rows. */
  zeroState(options: { batchSize: number }): HiddenState {
    const { h, c } = this.zeroStates(options);
    c.dispose();
    return { h };
  }

  /**
   * @param state  initial state; zeros if left out
   * @throws {ShapeError} if the last axis of `input` is not `inputSize`, the batch is empty, or the state has another
   * shape
   * @throws {OptionError} if `input` is no sequence, or the state is not { h }
   * @throws {DTypeError} if `input` or the state is of another dtype than the layer
   */
  forward<X extends Sequence>(input: X, state?: HiddenState): { output: X; h: Tensor } {
    const { output, h } = this.run(input, state);
    return { output, h };
  }
}
