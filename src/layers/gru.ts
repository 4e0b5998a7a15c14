import { readOptions } from '../tensor/read-options';
import { gatedGRUReaders, type GatedGRUOptions } from './gated-options';
import { HiddenStateLayer } from './hidden-state-layer';
import { QuantizedGRU } from './quantized-gru';
import { sharedOptions } from './quantized-recurrent';
import { recurrentReaders, type RecurrentOptions } from './recurrent-options';

/** Options of a GRU. */
export interface GRUOptions extends RecurrentOptions, GatedGRUOptions {}

/**
 * Gated recurrent unit over a padded batch (Cho et al., 2014; the reset gate is applied after the recurrent product, as
 * in PyTorch and cuDNN).
 *
 *   r, z = σ(W_i{r,z} x_t + b_i + W_h{r,z} h_{t-1} + b_h)
 *   n    = tanh(W_in x_t + b_in + r ⊙ (W_hn h_{t-1} + b_hn))
 *   h_t  = (1 - z) ⊙ n + z ⊙ h_{t-1}
 *
 * Variants of the cell, fast on the CPU: `recurrentDropout`, `zoneout`, `layerNorm`, `resetAfter: false`. The last two
 * do not go together: the norm is of the product before the reset.
 *
 * Shapes: input [N, T, D] → output [N, T, K·H]; state h [L·K, N, H], before and after. [T, N, D] without `batchFirst`;
 * a single sequence [T, D] → [T, K·H]. A PaddedSequence gives a PaddedSequence, as for an LSTM.
 *
 * @throws {OptionError} if a size is not a positive whole number, `dropout` is not in [0, 1), an option is unknown, or
 *   two do not go together
 * @see torch.nn.GRU for the same weights
 */
export class GRU extends HiddenStateLayer {
  override readonly options: Readonly<Required<GRUOptions>>;

  constructor(options: GRUOptions) {
    const read = readOptions('GRU', options, { ...recurrentReaders, ...gatedGRUReaders });
    super(read, { cell: 'gru', gates: 3, projSize: 0 });
    this.options = read;
  }

  /** @internal */
  override emptyQuantized(): QuantizedGRU | undefined {
    return this.constructor === GRU ? new QuantizedGRU(sharedOptions(this.options)) : undefined;
  }
}
