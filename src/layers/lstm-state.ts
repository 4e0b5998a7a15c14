import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';

/**
 * State of an LSTM: h [L·K, N, O] and c [L·K, N, H]; without the N axis for an input [T, D]. O is projSize, or H
 * without projection.
 */
export interface LSTMState {
  /** h of the last real step, for each layer and direction; of the first one, backwards. */
  h: Tensor;
  /** c of the same step. */
  c: Tensor;
}

/** What an LSTM gives. */
export interface LSTMResult<X extends Sequence> extends LSTMState {
  /** h of every step of the last layer, [N, T, K·O]. */
  output: X;
  /** c of every step of the last layer, [N, T, K·H], with `returnCells`. */
  cells?: X;
}
