import { nonNegativeInteger } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import type { LSTMResult, LSTMState } from './lstm-state';
import { QuantizedRecurrentLayer, quantizedReaders, type QuantizedRecurrentLayerOptions } from './quantized-recurrent';

/** Options of a QuantizedLSTM. */
export interface QuantizedLSTMOptions extends QuantizedRecurrentLayerOptions {
  /** P, the width that h is projected to, below hiddenSize. Default 0: no projection. */
  projSize?: number;
}

/**
 * An LSTM for inference on the CPU whose matrices have 8 bits, made by `quantizeDynamic`. It takes and gives what the
 * LSTM does.
 *
 * Shapes: input [N, T, D] → output [N, T, K·O]; states h [L·K, N, O], c [L·K, N, H], before and after.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 * @see torch.ao.nn.quantized.dynamic.LSTM
 */
export class QuantizedLSTM extends QuantizedRecurrentLayer<LSTMState> {
  override readonly options: Readonly<Required<QuantizedLSTMOptions>>;

  constructor(options: QuantizedLSTMOptions) {
    const read = readOptions('QuantizedLSTM', options, {
      ...quantizedReaders,
      projSize: withDefault(nonNegativeInteger, 0),
    });
    super(read, { cell: 'lstm', gates: 4, projSize: read.projSize });
    this.options = read;
  }

  /**
   * Runs over all steps.
   *
   * @param state  initial states; zeros if left out
   * @throws {ShapeError} if the last axis of `input` is not `inputSize`, the batch is empty, or a state has another
   * shape
   * @throws {OptionError} in training, if `input` is no sequence, or the state is not { h, c }
   * @throws {DTypeError} if `input` or a state is not f32; {DeviceError} if it is not on the CPU; {GraphError} if a
   * gradient of it is wanted
   */
  forward<X extends Sequence>(input: X, state?: LSTMState): LSTMResult<X> {
    return this.run(input, state);
  }
}
