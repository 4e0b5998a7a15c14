import type { Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import type { HiddenStateResult } from './hidden-state-layer';
import { QuantizedRecurrentLayer, quantizedReaders, type QuantizedRecurrentLayerOptions } from './quantized-recurrent';
import type { HiddenState } from './recurrent-stack';

/** Options of a QuantizedGRU. */
export type QuantizedGRUOptions = QuantizedRecurrentLayerOptions;

/**
 * A GRU for inference on the CPU whose matrices have 8 bits, made by `quantizeDynamic`. It takes and gives what the
 * GRU does.
 *
 * Shapes: input [N, T, D] → output [N, T, K·H]; state h [L·K, N, H], before and after.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 */
export class QuantizedGRU extends QuantizedRecurrentLayer<HiddenState> {
  override readonly options: Readonly<Required<QuantizedGRUOptions>>;

  constructor(options: QuantizedGRUOptions) {
    const read = readOptions('QuantizedGRU', options, quantizedReaders);
    super(read, { cell: 'gru', gates: 3, projSize: 0 });
    this.options = read;
  }

  /**
   * Runs over all steps.
   *
   * @param state  initial state; zeros if left out
   * @throws as `forward` of a QuantizedLSTM
   */
  forward<X extends Sequence>(input: X, state?: HiddenState): HiddenStateResult<X> {
    return this.run(input, state);
  }
}
