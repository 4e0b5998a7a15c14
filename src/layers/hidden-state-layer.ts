import type { Sequence } from '../tensor/padded-sequence';
import { RecurrentLayer } from './recurrent-layer';
import type { HiddenState } from './recurrent-stack';

/** What a GRU or RNN gives. */
export interface HiddenStateResult<X extends Sequence> extends HiddenState {
  /** h of every step of the last layer, [N, T, K·H]. */
  output: X;
}

/** Base of GRU and RNN, whose state is h alone. */
export abstract class HiddenStateLayer extends RecurrentLayer<HiddenState> {
  /**
   * Runs over all steps.
   *
   * @param state  initial state; zeros if left out
   * @throws {ShapeError} if the last axis of `input` is not `inputSize`, the batch is empty, or the state has another
   * shape
   * @throws {OptionError} if `input` is no sequence, or the state is not { h }
   * @throws {DTypeError} if `input` or the state is of another dtype than the layer
   */
  forward<X extends Sequence>(input: X, state?: HiddenState): HiddenStateResult<X> {
    return this.run(input, state);
  }
}
