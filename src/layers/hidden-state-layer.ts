import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { RecurrentLayer } from './recurrent';

/** State of a GRU or RNN: h [L·K, N, H]; [L·K, H] for an input [T, D]. */
export interface HiddenState {
  h: Tensor;
}

/** Base of GRU and RNN, whose state is h alone. */
export abstract class HiddenStateLayer extends RecurrentLayer {
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
