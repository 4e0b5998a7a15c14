import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { RecurrentLayer, type ZeroStateOptions } from './recurrent';

/** State of a GRU or RNN: h [L·K, N, H]; [L·K, H] for an input [T, D]. */
export interface HiddenState {
  /** h of the last real step, for each layer and direction; of the first one, backwards. */
  h: Tensor;
}

/** What a GRU or RNN gives. */
export interface HiddenStateResult<X extends Sequence> extends HiddenState {
  /** h of every step of the last layer, [N, T, K·H]. */
  output: X;
}

/** Base of GRU and RNN, whose state is h alone. */
export abstract class HiddenStateLayer extends RecurrentLayer {
  /** A state of zeros, as a loop that carries its state starts with. @throws {OptionError} if `batchSize` is none */
  zeroState(options: ZeroStateOptions): HiddenState {
    const { h, c } = this.zeroStates(options);
    c.dispose();
    return { h };
  }

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
    const { output, h } = this.run(input, state);
    return { output, h };
  }
}
