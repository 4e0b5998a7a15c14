import { DTypeError, ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { dropout } from '../tensor/ops/random';
import {
  recurrent,
  recurrentAhead,
  type RecurrentFunctionOptions,
  type RecurrentOutput,
} from '../tensor/ops/recurrent';
import { concat, expand, select, slice, unsqueeze } from '../tensor/ops/shape';
import { describe, positiveInteger } from '../tensor/options';
import { PaddedSequence, type Sequence } from '../tensor/padded-sequence';
import { readOptions } from '../tensor/read-options';
import { countsRows } from '../tensor/batch-rows';
import type { Tensor } from '../tensor/tensor';
import { beginAhead } from '../module/begun-ahead';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import { claim } from '../module/allowance';
import { takeOver, type Parameter } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';
import type { Stepping } from '../module/stream';
import { variantOf, type Variant } from './gated-options';
import { gatedStack, variantWeights } from './gated-stack';
import type { RecurrentOptions } from './recurrent-options';
import { stateTensors } from './recurrent-state';
import { byLayerAndDirection, currentWeights, makeWeights, type CellKind } from './recurrent-weights';

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
type BatchOutput = RecurrentOutput & { cells?: Tensor };

/** States as the op takes them. */
type States = Pick<RecurrentFunctionOptions, 'h' | 'c'>;

/**
 * Base of LSTM, GRU and RNN: a stack of layers over a padded batch.
 *
 * The weights lie in one buffer, and the named parameters are views into it, so that an update or a run sees one block:
 *
 *     W_ih_l0  W_hh_l0  [W_hr_l0]  W_ih_l0_reverse  …  W_hh_lL | b_ih_l0  b_hh_l0  b_ih_l0_reverse  …
 *     └ for each layer and direction                           └ for each layer and direction, if biased
 *
 * All start from U(-1/√H, 1/√H).
 */
export abstract class RecurrentLayer<State extends HiddenState = HiddenState> extends Module {
  /** The options with their defaults. */
  abstract readonly options: Readonly<Required<RecurrentOptions>>;
  /** `weight_ih_l0`, `weight_hh_l0`, `weight_hr_l0`, `weight_ih_l0_reverse`, …, as in PyTorch. */
  [weight: `weight_${string}`]: Parameter;
  /** `initial_h` and, of an LSTM, `initial_c`: the state to begin with, if it is learned. */
  [initial: `initial_${string}`]: Parameter;
  /** `bias_ih_l0`, `bias_hh_l0`, `bias_ih_l0_reverse`, …, as in PyTorch. */
  [bias: `bias_${string}`]: Parameter;
  readonly #kind: CellKind;
  readonly #names: readonly string[];
  /** What the cell is other than the plain one, and the names of its own parameters. */
  readonly #variant: Variant | undefined;
  readonly #variantNames: readonly string[];

  /** @internal */
  protected constructor(options: Required<RecurrentOptions>, kind: CellKind) {
    super();
    this.#kind = kind;
    this.#variant = variantOf(this.constructor.name, options);
    const parameters = makeWeights(options, kind);
    this.#names = [...parameters.keys()];
    const { cell, gates } = kind;
    const own =
      this.#variant !== undefined && (cell === 'lstm' || cell === 'gru')
        ? variantWeights(options, this.#variant, { cell, gates })
        : new Map<string, Parameter>();
    this.#variantNames = [...own.keys()];
    for (const [name, parameter] of own) parameters.set(name, parameter);
    // Fields stand in PyTorch's order, that of the state dict: the biases of a direction after its weights.
    for (const name of [...parameters.keys()].sort(byLayerAndDirection)) Reflect.set(this, name, parameters.get(name));
    if (!options.learnedState) return;
    const stack = options.numLayers * (options.bidirectional ? 2 : 1);
    this.initial_h = learnedFrom([stack, kind.projSize > 0 ? kind.projSize : options.hiddenSize], options.dtype);
    if (cell === 'lstm') this.initial_c = learnedFrom([stack, options.hiddenSize], options.dtype);
  }

  /** K, 1 or 2. */
  get #directions(): number {
    return this.options.bidirectional ? 2 : 1;
  }

  /** Width of h. */
  get #width(): number {
    return this.#kind.projSize > 0 ? this.#kind.projSize : this.options.hiddenSize;
  }

  /** The parameters in the order of the buffer. */
  #weights(): Parameter[] {
    return currentWeights(this, this.#names);
  }

  /** The parameters, or what weightDrop leaves of them in training. */
  #droppedWeights(): Tensor[] {
    const weights = this.#weights();
    const { weightDrop } = this.options;
    if (!this.training || weightDrop === 0) return weights;
    return weights.map((weight, at) =>
      this.#names[at]?.startsWith('weight_hh') ? dropout(weight, weightDrop) : weight,
    );
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
    const settings = { dtype: this.options.dtype, device: this.#weights()[0]?.device ?? 'cpu' };
    const h = zeros([stack, rows, this.#width], settings);
    return this.#kind.cell === 'lstm' ? { h, c: zeros([stack, rows, this.options.hiddenSize], settings) } : { h };
  }

  /** The initial states for so many rows: the given ones, or the learned ones. */
  #initialStates(given: States, rows: number): States {
    if (given.h !== undefined || !this.options.learnedState) return given;
    const names = this.#kind.cell === 'lstm' ? ['initial_h', 'initial_c'] : ['initial_h'];
    const [h, c] = currentWeights(this, names).map((state) => {
      const [stack = 0, width = 0] = state.shape;
      return expand(unsqueeze(state, 1), [stack, rows, width]);
    });
    return { h, c };
  }

  /** Checks, runs the stack, and gives the output in the kind of the input. @internal */
  protected run<X extends Sequence>(input: X, state: unknown): { output: X; cells?: X } & State;
  protected run(input: Sequence, state: unknown): { output: Sequence; cells?: Sequence } & LayerState {
    checkSequence(`${this.constructor.name}.forward`, input);
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
    if (this.#variant !== undefined) return this.#runVariant(this.#variant, { input, ...states, lengths }, batchFirst);
    const { hiddenSize, numLayers, bidirectional, bias, dropout, algo } = this.options;
    const { cell, projSize } = this.#kind;
    const weights = this.#droppedWeights();
    const result = recurrent(input, weights, {
      cell,
      hiddenSize,
      projSize,
      numLayers,
      bidirectional,
      bias,
      batchFirst,
      dropout: this.training ? dropout : 0,
      algo,
      ...states,
      lengths,
    });
    if (!bidirectional)
      beginAhead(() => {
        if (input.version === undefined || result.h.version === undefined) return; // disposed of by who ran the step
        recurrentAhead(input, result.h, weights, { cell, hiddenSize, projSize, numLayers, bias, batchFirst, algo });
      });
    return result;
  }

  #runVariant(
    variant: Variant,
    batch: States & { input: Tensor; lengths?: readonly number[] | undefined },
    batchFirst: boolean,
  ): BatchOutput {
    const { cell } = this.#kind;
    if (cell !== 'lstm' && cell !== 'gru') throw new Error(`no variants of ${cell}`);
    const tensors = new Map<string, Tensor>();
    this.#droppedWeights().forEach((weight, at) => tensors.set(this.#names[at] ?? '', weight));
    currentWeights(this, this.#variantNames).forEach((weight, at) => tensors.set(this.#variantNames[at] ?? '', weight));
    const options = { ...this.options, batchFirst, cell, training: this.training };
    const { cells, ...result } = gatedStack(batch, { weight: (name) => tensors.get(name), variant, options });
    const shown = cells !== undefined && Reflect.get(this.options, 'returnCells') === true;
    return shown ? { ...result, cells } : result;
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
    const { inputSize, dtype } = this.options;
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
        fix: `cast the input, x.cast('${dtype}'), or build the layer with that dtype`,
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
    if (state.dtype !== this.options.dtype)
      throw new DTypeError(op, {
        given: given(),
        expected: this.options.dtype,
        fix: `cast it: state.cast('${this.options.dtype}')`,
      });
  }
}

/** A parameter that begins with zeros. */
function learnedFrom(shape: readonly number[], dtype: FloatingDType): Parameter {
  claim(shape);
  return takeOver(zeros(shape, { dtype }));
}
