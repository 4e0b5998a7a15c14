import { choice, readOptions } from '../tensor/read-options';
import { HiddenStateLayer } from './hidden-state-layer';
import { QuantizedRNN } from './quantized-rnn';
import { sharedOptions } from './quantized-recurrent';
import { recurrentReaders, type RecurrentOptions } from './recurrent-options';

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
export class RNN extends HiddenStateLayer {
  override readonly options: Readonly<Required<RNNOptions>>;

  constructor(options: RNNOptions) {
    const read = readOptions('RNN', options, { ...recurrentReaders, nonlinearity: choice(['tanh', 'relu']) });
    super(read, { cell: read.nonlinearity === 'tanh' ? 'rnnTanh' : 'rnnRelu', gates: 1, projSize: 0 });
    this.options = read;
  }

  /** @internal */
  override emptyQuantized(): QuantizedRNN | undefined {
    return this.constructor === RNN
      ? new QuantizedRNN({ ...sharedOptions(this.options), nonlinearity: this.options.nonlinearity })
      : undefined;
  }
}
