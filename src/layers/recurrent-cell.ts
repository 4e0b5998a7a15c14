import { DTypeError, OptionError, ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { recurrent } from '../tensor/ops/recurrent';
import { squeeze, unsqueeze } from '../tensor/ops/shape';
import { describe, positiveInteger } from '../tensor/options';
import { readOptions, type Readers } from '../tensor/read-options';
import { Tensor } from '../tensor/tensor';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import type { Parameter } from '../module/parameter';
import type { Stepping } from '../module/stream';
import type { ZeroStateOptions } from './recurrent-stack';
import { orBuiltWith, recurrentReaders, type RecurrentOptions } from './recurrent-options';
import { stateTensors } from './recurrent-state';
import { currentWeights, makeWeights, type CellKind } from './recurrent-weights';

/** Options that LSTMCell, GRUCell and RNNCell share. */
export type RecurrentCellOptions = Pick<RecurrentOptions, 'inputSize' | 'hiddenSize' | 'bias' | 'dtype'>;

const { inputSize, hiddenSize, bias, dtype } = recurrentReaders;
/** Readers of these options. */
export const cellReaders: Readers<RecurrentCellOptions> = { inputSize, hiddenSize, bias, dtype };

/** State of a GRUCell or RNNCell: h [N, H]; [H] for an input [D]. */
export interface CellState {
  /** h after the step. */
  h: Tensor;
}

type AnyState = CellState & { c?: Tensor };

/**
 * Base of LSTMCell, GRUCell and RNNCell: one step of one layer, for decoders and loops of one's own. It computes what
 * the layer computes of one step, by the same kernels, and has the layer's weights without the suffix `_l0`. Over whole
 * sequences the layer itself is faster.
 */
export abstract class RecurrentCell<State extends CellState = CellState> extends Module {
  /** The options with their defaults. */
  abstract readonly options: Readonly<Required<RecurrentCellOptions>>;
  /** `weight_ih` [G·H, D] and `weight_hh` [G·H, H], as in PyTorch. G is 4 for LSTM, 3 for GRU, 1 for RNN. */
  [weight: `weight_${string}`]: Parameter;
  /** `bias_ih` and `bias_hh` [G·H], as in PyTorch. */
  [bias: `bias_${string}`]: Parameter;
  readonly #kind: CellKind;
  readonly #names: readonly string[];

  /** @internal */
  protected constructor(options: Required<RecurrentCellOptions>, kind: CellKind) {
    super();
    this.#kind = kind;
    const weights = makeWeights({ ...options, ...oneLayer }, kind);
    const parameters = Array.from(weights, ([name, parameter]) => [name.replace('_l0', ''), parameter] as const);
    this.#names = parameters.map(([name]) => name);
    for (const [name, parameter] of parameters) Reflect.set(this, name, parameter);
  }

  override get stepping(): Stepping {
    return 'carried';
  }

  /** A state of zeros. @throws {OptionError} if `batchSize` is no positive whole number */
  zeroState(options: ZeroStateOptions): State;
  zeroState(options: ZeroStateOptions): AnyState {
    const { batchSize } = readOptions(`${this.constructor.name}.zeroState`, options, { batchSize: positiveInteger });
    const { hiddenSize, dtype } = this.options;
    const zero = (): Tensor => zeros([batchSize, hiddenSize], { dtype, device: this.#weights()[0]?.device ?? 'cpu' });
    return this.#kind.cell === 'lstm' ? { h: zero(), c: zero() } : { h: zero() };
  }

  /**
   * Takes one step.
   *
   * @param input  [N, D], or [D] for one row
   * @param state  the state before, each [N, H], or [H] for an input [D]; zeros if left out
   * @returns the state after, of the same shapes
   * @throws {ShapeError} if `input` is not [N, inputSize] or [inputSize], or a state has another shape
   * @throws {OptionError} if `input` is no tensor, or the state is none of this cell
   * @throws {DTypeError} if `input` or a state is of another dtype than the cell
   */
  forward(input: Tensor, state?: State): State;
  forward(input: Tensor, state?: State): AnyState {
    const op = `${this.constructor.name}.forward`;
    this.#checkInput(op, input);
    const single = input.rank === 1;
    const { h, c } = stateTensors(op, this.#kind.cell === 'lstm' ? ['h', 'c'] : ['h'], state);
    this.#checkState(op, 'h', h, input);
    this.#checkState(op, 'c', c, input);
    const ofLayer = (x: Tensor | undefined): Tensor | undefined => x && unsqueeze(single ? unsqueeze(x, 0) : x, 0);
    const { bias, hiddenSize } = this.options;
    const after = recurrent(unsqueeze(single ? unsqueeze(input, 0) : input, 1), this.#weights(), {
      ...oneLayer,
      ...this.#kind,
      bias,
      hiddenSize,
      h: ofLayer(h),
      c: ofLayer(c),
    });
    const ofCell = (x: Tensor): Tensor => (single ? squeeze(squeeze(x, 0), 0) : squeeze(x, 0));
    return { h: ofCell(after.h), ...(after.c && { c: ofCell(after.c) }) };
  }

  #weights(): Parameter[] {
    return currentWeights(this, this.#names);
  }

  #checkInput(op: string, input: unknown): asserts input is Tensor {
    checkSequence(op, input);
    const { inputSize, dtype } = this.options;
    if (!(input instanceof Tensor))
      throw new OptionError(op, {
        given: `input ${describe(input)}`,
        expected: 'one step, a Tensor',
        fix: 'run it over sequences: new Recurrent(cell).forward(input)',
      });
    if ((input.rank !== 1 && input.rank !== 2) || input.shape.at(-1) !== inputSize)
      throw new ShapeError(op, {
        given: `input ${describe(input)}`,
        expected: `one step of N rows, [N, ${inputSize}] (inputSize), or of one, [${inputSize}]`,
        fix: input.rank === 3 ? 'run it over sequences: new Recurrent(cell).forward(input)' : 'correct the input',
      });
    if (input.shape[0] === 0)
      throw new ShapeError(op, {
        given: `input ${describe(input)}`,
        expected: 'a row',
        fix: 'leave empty batches out',
      });
    if (input.dtype !== dtype)
      throw new DTypeError(op, {
        given: `input ${describe(input)}`,
        expected: `${dtype}, as the cell's parameters`,
        fix: `cast the input, x.cast('${dtype}')${orBuiltWith('cell', input.dtype)}`,
      });
  }

  #checkState(op: string, name: string, state: Tensor | undefined, input: Tensor): void {
    if (state === undefined) return;
    const { hiddenSize, dtype } = this.options;
    const expected = [...input.shape.slice(0, -1), hiddenSize];
    const given = `state ${name} ${describe(state)}`;
    if (state.shape.join() !== expected.join())
      throw new ShapeError(op, {
        given: `${given} for input ${describe(input)}`,
        expected: describe(expected),
        fix: 'start without a state, or from zeroState({ batchSize })',
      });
    if (state.dtype !== dtype)
      throw new DTypeError(op, { given, expected: dtype, fix: `cast it: state.cast('${dtype}')` });
  }
}

/** What a cell is among layers. */
const oneLayer = { numLayers: 1, bidirectional: false, batchFirst: true, dropout: 0, algo: 'auto' } as const;
