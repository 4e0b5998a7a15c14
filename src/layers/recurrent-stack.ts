import { DTypeError, ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import type { RecurrentFunctionOptions, RecurrentOutput } from '../tensor/ops/recurrent';
import { concat, expand, select, slice, unsqueeze } from '../tensor/ops/shape';
import { describe, positiveInteger } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import { countsRows } from '../tensor/batch-rows';
import type { Tensor } from '../tensor/tensor';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';
import type { FloatingDType } from '../module/uniform';
import { orBuiltWith, type RecurrentOptions } from './recurrent-options';
import { stateTensors } from './recurrent-state';
import type { CellKind } from './recurrent-weights';

/** Options of `zeroState`. */
export interface ZeroStateOptions {
  /** N, the rows of the batch. */
  batchSize: number;
}

/** State of a GRU or RNN: h [L·K, N, H]; [L·K, H] for an input [T, D]. */
export interface HiddenState {
  /** h of the last real step, for each layer and direction; of the first one, backwards. */
  h: Tensor;
}

/** State of any recurrent layer; c of an LSTM only. */
type LayerState = HiddenState & { c?: Tensor };

/** What a batch gives; c of every step if it was asked for. */
export type BatchOutput = RecurrentOutput & { cells?: Tensor };

/** States as the op takes them. */
export type States = Pick<RecurrentFunctionOptions, 'h' | 'c'>;

/** What every stack of recurrent layers knows of itself. */
export type RecurrentStackOptions = Required<
  Pick<
    RecurrentOptions,
    'inputSize' | 'hiddenSize' | 'numLayers' | 'bias' | 'batchFirst' | 'bidirectional' | 'learnedState'
  >
>;

/** A batch that has been checked, with its initial states. */
export interface StackBatch extends States {
  input: Tensor;
  batchFirst: boolean;
  lengths: readonly number[] | undefined;
}

/**
 * Base of all stacks of recurrent layers, whatever their weights are: which inputs and states they take, and what they
 * make of sequences of different lengths, of single ones and of batches without steps.
 */
export abstract class RecurrentStack<State extends HiddenState = HiddenState> extends Module {
  /** The options with their defaults. */
  abstract readonly options: Readonly<RecurrentStackOptions>;
  readonly #kind: CellKind;

  /** @internal */
  protected constructor(kind: CellKind) {
    super();
    this.#kind = kind;
  }

  /** Of input, states and output. @internal */
  protected abstract get elementDType(): FloatingDType;

  /** Where the weights are. @internal */
  protected abstract get elementDevice(): string;

  /** h and, of an LSTM, c [L·K, O or H] that are learned, if they are. @internal */
  protected abstract learnedStates(): readonly Tensor[];

  /** Runs a batch [N, T, D], or [T, N, D], that has steps. @internal */
  protected abstract runStack(batch: StackBatch): BatchOutput;

  /** K, 1 or 2. */
  get #directions(): number {
    return this.options.bidirectional ? 2 : 1;
  }

  /** Width of h. */
  get #width(): number {
    return this.#kind.projSize > 0 ? this.#kind.projSize : this.options.hiddenSize;
  }

  override get stepping(): Stepping {
    return this.options.bidirectional ? 'whole' : 'carried';
  }

  /** A state of zeros, as a loop that carries its state starts with. @throws {OptionError} if `batchSize` is none */
  zeroState(options: ZeroStateOptions): State;
  zeroState(options: ZeroStateOptions): LayerState {
    const op = `${this.constructor.name}.zeroState`;
    const { batchSize: rows } = readOptions(op, options, { batchSize: positiveInteger });
    const stack = this.options.numLayers * this.#directions;
    const settings = { dtype: this.elementDType, device: this.elementDevice };
    const h = zeros([stack, rows, this.#width], settings);
    return this.#kind.cell === 'lstm' ? { h, c: zeros([stack, rows, this.options.hiddenSize], settings) } : { h };
  }

  /** The initial states for so many rows: the given ones, or the learned ones. */
  #initialStates(given: States, rows: number): States {
    if (given.h !== undefined || !this.options.learnedState) return given;
    const [h, c] = this.learnedStates().map((state) => {
      const [stack = 0, width = 0] = state.shape;
      return expand(unsqueeze(state, 1), [stack, rows, width]);
    });
    return { h, c };
  }

  /** Checks, runs the stack, and gives the output in the kind of the input. @internal */
  protected run<X extends Sequence>(input: X, state: unknown): { output: X; cells?: X } & State;
  protected run(given: Sequence, state: unknown): { output: Sequence; cells?: Sequence } & LayerState {
    checkSequence(`${this.constructor.name}.forward`, given);
    const input = this.#withFeatures(given);
    const names = this.#kind.cell === 'lstm' ? ['h', 'c'] : ['h'];
    const initial = stateTensors(`${this.constructor.name}.forward`, names, state);
    const { shape } = input;
    const flat =
      shape.length === 2 &&
      (input instanceof PaddedSequence || shape[1] !== this.options.inputSize || countsRows(input));
    if (flat) throw this.#withoutFeatures(input);
    if (input instanceof PaddedSequence) {
      // The kernels know the lengths; cleared all the same, so that gradients of the padding end on any device.
      const result = this.#runBatch(input.zeroPadding().values, initial, true, input.lengths);
      const padded = (values: Tensor): PaddedSequence => PaddedSequence.zeroPadded(values, input.lengths);
      const { output, cells, ...states } = result;
      return { output: padded(output), ...(cells === undefined ? {} : { cells: padded(cells) }), ...states };
    }
    const { batchFirst } = this.options;
    if (input.rank !== 2) return this.#runBatch(input, initial, batchFirst);
    const batch = batchFirst ? 0 : 1;
    const one = (state: Tensor | undefined): Tensor | undefined => (state?.rank === 2 ? unsqueeze(state, 1) : state);
    const { output, h, c, cells } = this.#runBatch(
      unsqueeze(input, batch),
      { h: one(initial.h), c: one(initial.c) },
      batchFirst,
    );
    return {
      output: select(output, batch, 0),
      h: select(h, 1, 0),
      ...(c === undefined ? {} : { c: select(c, 1, 0) }),
      ...(cells === undefined ? {} : { cells: select(cells, batch, 0) }),
    };
  }

  #runBatch(input: Tensor, given: States, batchFirst: boolean, lengths?: readonly number[]): BatchOutput {
    this.#checkInput(input, batchFirst);
    const [batch, time] = batchFirst ? [0, 1] : [1, 0];
    const rows = input.shape[batch] ?? 0;
    const states = this.#initialStates(given, rows);
    if (input.shape[time] === 0) return this.#runWithoutStep(input, states, batchFirst, rows);
    this.#checkState('h', states.h, rows, this.#width);
    this.#checkState('c', states.c, rows, this.options.hiddenSize);
    return this.runStack({ input, batchFirst, lengths, ...states });
  }

  /** A batch without steps: it is run with one step of padding and lengths of 0, and that step is cut off again. */
  #runWithoutStep(input: Tensor, states: States, batchFirst: boolean, rows: number): BatchOutput {
    const time = batchFirst ? 1 : 0;
    const shape = input.shape.map((extent, axis) => (axis === time ? 1 : extent));
    const padding = concat([input, zeros(shape, { dtype: input.dtype, device: input.device })], time);
    const result = this.#runBatch(padding, states, batchFirst, new Array<number>(rows).fill(0));
    const withoutStep = (x: Tensor): Tensor => slice(x, [0, 0], batchFirst ? [null, 0] : [0, null]);
    const { output, cells, ...state } = result;
    return { output: withoutStep(output), ...(cells === undefined ? {} : { cells: withoutStep(cells) }), ...state };
  }

  /** The input; where no sequence of it has a step it may lack the axis of features, as pad([[]]) does: [N, 0]. */
  #withFeatures(input: Sequence): Sequence {
    const padded = input instanceof PaddedSequence;
    const { inputSize, batchFirst } = this.options;
    const [rows = 0, steps] = input.shape;
    if (input.shape.length !== 2 || steps !== 0 || !(padded || batchFirst)) return input;
    const { device } = padded ? input.values : input;
    const whole = zeros([rows, 0, inputSize], { dtype: this.elementDType, device });
    return padded ? new PaddedSequence(whole, input.lengths) : whole;
  }

  /**
   * The error for a batch of flat lists, [[1, 2], [3, 4]], which lacks the axis of features. It does not advise to
   * build the layer with inputSize: 2, because then the whole batch would be taken for one sequence.
   */
  #withoutFeatures(input: Sequence): ShapeError {
    const { inputSize } = this.options;
    const padded = input instanceof PaddedSequence;
    const unsqueezed = padded ? 'x.map((values) => values.unsqueeze(-1))' : 'x.unsqueeze(-1)';
    const layer = inputSize === 1 ? '' : ', for a layer with inputSize: 1';
    const steps =
      input.shape[1] === inputSize ? '; or, where each row is one step, an axis of steps: x.unsqueeze(1)' : '';
    const oneSequence = padded || countsRows(input) ? '' : `, or [T, ${inputSize}] for one sequence`;
    return new ShapeError(`${this.constructor.name}.forward`, {
      given: `input ${describe(input)}`,
      expected: `[N, T, ${inputSize}] (inputSize)${oneSequence}`,
      fix: `give each step an axis of features, [[1], [2]] in place of [1, 2]: ${unsqueezed}${layer}${steps}`,
    });
  }

  #checkInput(input: Tensor, batchFirst: boolean): void {
    const op = `${this.constructor.name}.forward`;
    const { inputSize } = this.options;
    const dtype = this.elementDType;
    const given = (): string => `input ${describe(input)}`;
    const layout = batchFirst ? '[N, T, D]' : '[T, N, D]';
    if (input.rank !== 3)
      throw new ShapeError(op, {
        given: given(),
        expected: `${layout} or [T, D]`,
        fix: 'reshape it to rows, steps and features',
      });
    const width = input.shape[2] ?? 0;
    if (width !== inputSize) {
      const fix = `build the layer with inputSize: ${width}, or put a Linear(${width} → ${inputSize}) before it`;
      throw new ShapeError(op, { given: given(), expected: `last axis ${inputSize} (inputSize)`, fix });
    }
    if (input.shape[batchFirst ? 0 : 1] === 0) {
      throw new ShapeError(op, {
        given: given(),
        expected: `at least one row, ${layout}`,
        fix: 'leave empty batches out',
      });
    }
    if (input.dtype !== dtype)
      throw new DTypeError(op, {
        given: given(),
        expected: `${dtype}, as the layer's parameters`,
        fix: `cast the input, x.cast('${dtype}')${this.isQuantized ? '' : orBuiltWith('layer', input.dtype)}`,
      });
  }

  #checkState(name: 'h' | 'c', state: Tensor | undefined, rows: number, width: number): void {
    if (state === undefined) return;
    const op = `${this.constructor.name}.forward`;
    const expected = [this.options.numLayers * this.#directions, rows, width];
    const given = (): string => `state ${name} ${describe(state)}`;
    if (state.shape.join() !== expected.join()) {
      throw new ShapeError(op, {
        given: given(),
        expected: `${describe(expected)}, [L·K, N, ${name === 'c' || this.#kind.projSize === 0 ? 'H' : 'P'}]`,
        fix: `start from zeroState({ batchSize: ${rows} })`,
      });
    }
    const dtype = this.elementDType;
    if (state.dtype !== dtype)
      throw new DTypeError(op, { given: given(), expected: dtype, fix: `cast it: state.cast('${dtype}')` });
  }
}
