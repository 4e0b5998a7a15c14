import { oneOf } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import type { HiddenState } from './gru';
import { RecurrentLayer } from './recurrent';
import { checkRecurrentOptions, type RecurrentOptions } from './recurrent-options';

/** Options of an RNN. */
export interface RNNOptions extends RecurrentOptions {
  /** What the sum goes through. Default 'tanh'. */
  nonlinearity?: 'tanh' | 'relu';
}

/**
 * Plain recurrent layer over a padded batch (Elman, 1990).
 *
 *   h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or max(…, 0)
 *
 * Shapes: input [N, T, D] → output [N, T, K·H]; state h [L·K, N, H], before and after. [T, N, D] without `batchFirst`;
 * a single sequence [T, D] → [T, K·H]. A PaddedSequence gives a PaddedSequence, as for an LSTM.
 *
 * @throws {OptionError} if a size is not a positive whole number, `dropout` is not in [0, 1), `nonlinearity` is neither
 * of the two, or an option is unknown
 * @see torch.nn.RNN for the same weights
 */
export class RNN extends RecurrentLayer {
  override readonly options: Readonly<Required<RNNOptions>>;

  constructor(options: RNNOptions) {
    const shared = checkRecurrentOptions('RNN', options, ['nonlinearity']);
    const nonlinearity = oneOf('RNN', 'nonlinearity', options.nonlinearity ?? 'tanh', ['tanh', 'relu']);
    super(shared, { cell: nonlinearity === 'tanh' ? 'rnnTanh' : 'rnnRelu', gates: 1, projSize: 0 });
    this.options = Object.freeze({ ...shared, nonlinearity });
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
