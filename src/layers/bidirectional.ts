import { ShapeError } from '../tensor/errors';
import { add, mul } from '../tensor/ops/elementwise';
import { concat } from '../tensor/ops/shape';
import { describe } from '../tensor/options';
import { mapZeros } from '../tensor/map-values';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { choice, readOptions } from '../tensor/read-options';
import { flip } from '../tensor/sequence-ops';
import type { Tensor } from '../tensor/tensor';
import { applyLayer, checkModule, valuesLike } from '../module/apply';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';

/** Options of a Bidirectional. */
export interface BidirectionalOptions {
  /**
   * How the outputs of the two directions become one: side by side on the last axis, or element by element. Default
   * 'concat'.
   */
  merge?: 'concat' | 'sum' | 'mul' | 'mean';
}

const merges: Record<Required<BidirectionalOptions>['merge'], (ahead: Tensor, back: Tensor) => Tensor> = {
  concat: (ahead, back) => concat([ahead, back], -1),
  sum: (ahead, back) => add(ahead, back),
  mul: (ahead, back) => mul(ahead, back),
  mean: (ahead, back) => mul(add(ahead, back), 0.5),
};

/**
 * Two modules over the same steps, one forwards and one backwards: for recurrent modules of one's own. (LSTM, GRU and
 * RNN have `bidirectional: true`, which is faster.) The second module sees the steps in reverse order, of a
 * PaddedSequence the real ones only; its output is turned back.
 *
 * Shapes: input [N, T, D] → [N, T, 2·H] for 'concat', [N, T, H] for the others, where each module takes [N, T, D] to
 * [N, T, H].
 *
 * @param forwardLayer   sees the steps in order
 * @param backwardLayer  sees them in reverse; another module of the same kind
 * @throws {OptionError} if `merge` is none of the four, or an option is unknown
 */
export class Bidirectional extends Module {
  /** The options with their defaults. */
  readonly options: Readonly<Required<BidirectionalOptions>>;
  /** Sees the steps in order. */
  readonly forwardLayer: Module;
  /** Sees the steps in reverse order. */
  readonly backwardLayer: Module;

  constructor(forwardLayer: Module, backwardLayer: Module, options: BidirectionalOptions = {}) {
    super();
    checkModule('Bidirectional', 'forwardLayer', forwardLayer);
    checkModule('Bidirectional', 'backwardLayer', backwardLayer);
    this.options = readOptions('Bidirectional', options, { merge: choice(['concat', 'sum', 'mul', 'mean']) });
    this.forwardLayer = forwardLayer;
    this.backwardLayer = backwardLayer;
  }

  /** @throws {ShapeError} if a module changes the rows, steps or lengths, or the two outputs do not go together */
  forward<X extends Sequence>(input: X): X {
    const op = 'Bidirectional.forward';
    checkSequence(op, input);
    if (input.shape.length < 2)
      throw new ShapeError(op, {
        given: `input ${describe(input)}`,
        expected: '[N, T, …]',
        fix: 'put the batch first: x.unsqueeze(0)',
      });
    const ahead = applyLayer(op, this.forwardLayer, input);
    const reversed = applyLayer(op, this.backwardLayer, flip(input, [1]));
    // A module of the user's may return a plain tensor for a PaddedSequence. Its rows are as long as those of the
    // input, so that the same lengths tell which steps to turn back.
    const lost = input instanceof PaddedSequence && !(reversed instanceof PaddedSequence);
    const back = flip(lost ? new PaddedSequence(reversed, input.lengths) : reversed, [1]);
    const axes = (output: Sequence): string =>
      output.shape.slice(0, this.options.merge === 'concat' ? -1 : undefined).join();
    if (axes(ahead) !== axes(back) || ahead.shape.length !== back.shape.length) {
      throw new ShapeError(op, {
        given: `outputs ${describe(ahead)} and ${describe(back)}`,
        expected: 'the same shape from both directions',
        fix: 'build both modules with the same sizes',
      });
    }
    const [one, other] = [valuesLike(op, ahead, input), valuesLike(op, back, input)];
    return mapZeros(input, () => merges[this.options.merge](one, other));
  }

  override get stepping(): Stepping {
    return 'whole';
  }

  protected override givenModules(): readonly Module[] {
    return [this.forwardLayer, this.backwardLayer];
  }
}
