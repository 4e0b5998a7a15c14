import { OptionError } from '../tensor/errors';
import { nonNegativeInteger } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { readOptions, withDefault } from '../tensor/read-options';
import { gatedLSTMReaders, type GatedLSTMOptions } from './gated-options';
import type { LSTMResult, LSTMState } from './lstm-state';
import { QuantizedLSTM } from './quantized-lstm';
import { sharedOptions } from './quantized-recurrent';
import { RecurrentLayer } from './recurrent-layer';
import { recurrentReaders, type RecurrentOptions } from './recurrent-options';

/** Options of an LSTM. */
export interface LSTMOptions extends RecurrentOptions, GatedLSTMOptions {
  /** P, the width that h is projected to, below hiddenSize (Sak et al., 2014). Default 0: no projection. */
  projSize?: number;
}

/**
 * Long short-term memory over a padded batch (Hochreiter and Schmidhuber, 1997; with forget gate and, if asked for,
 * projection).
 *
 *   i, f, o = σ(W_i{i,f,o} x_t + b_i + W_h{i,f,o} h_{t-1} + b_h)
 *   g       = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
 *   c_t     = f ⊙ c_{t-1} + i ⊙ g
 *   h_t     = o ⊙ tanh(c_t), or W_hr (o ⊙ tanh(c_t)) with projSize
 *
 * Variants of the cell, fast on the CPU: `recurrentDropout`, `zoneout`, `layerNorm`, `peephole`, `coupledGates`.
 *
 * Shapes: input [N, T, D] → output [N, T, K·O]; states h [L·K, N, O], c [L·K, N, H], before and after. [T, N, D]
 * without `batchFirst`; a single sequence [T, D] → [T, K·O]. A PaddedSequence gives a PaddedSequence: steps past a
 * length are zero, the states are those of each row's last real step (its first, backwards), and a row of length 0
 * keeps its initial state.
 *
 * @throws {OptionError} if a size is not a positive whole number, `dropout` is not in [0, 1), `projSize` is not below
 * `hiddenSize`, a projection is asked for beside a variant of the cell, or an option is unknown
 * @see torch.nn.LSTM for the same weights; native/backend/kernels/recurrent.h for their layout
 */
export class LSTM extends RecurrentLayer<LSTMState> {
  override readonly options: Readonly<Required<LSTMOptions>>;

  constructor(options: LSTMOptions) {
    const read = readOptions('LSTM', options, {
      ...recurrentReaders,
      projSize: withDefault(nonNegativeInteger, 0),
      ...gatedLSTMReaders,
    });
    const { projSize, hiddenSize, coupledGates } = read;
    if (projSize >= hiddenSize) {
      throw new OptionError('LSTM', {
        given: `projSize: ${projSize}`,
        expected: `less than hiddenSize, ${hiddenSize}`,
        fix: 'leave projSize out, or make hiddenSize larger',
      });
    }
    super(read, { cell: 'lstm', gates: coupledGates ? 3 : 4, projSize });
    this.options = read;
  }

  /**
   * Runs over all steps.
   *
   * @param state  initial states; zeros if left out
   * @throws {ShapeError} if the last axis of `input` is not `inputSize`, the batch is empty, or a state has another
   * shape
   * @throws {OptionError} if `input` is no sequence, or the state is not { h, c }
   * @throws {DTypeError} if `input` or a state is of another dtype than the layer
   */
  forward<X extends Sequence>(input: X, state?: LSTMState): LSTMResult<X> {
    return this.run(input, state);
  }

  /** @internal */
  override emptyQuantized(): QuantizedLSTM | undefined {
    return this.constructor === LSTM
      ? new QuantizedLSTM({ ...sharedOptions(this.options), projSize: this.options.projSize })
      : undefined;
  }
}
