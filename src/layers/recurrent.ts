import { OptionError, ShapeError } from '../tensor/errors';
import { zeros } from '../tensor/factories';
import { clearPadding } from '../tensor/map-values';
import { tensorsIn } from '../tensor/nested-tensors';
import { where } from '../tensor/ops/elementwise';
import { padConstant, reshape, slice, split, squeeze, stack } from '../tensor/ops/shape';
import { describe, isPlainObject } from '../tensor/options';
import { PaddedSequence, valuesOf, type Sequence } from '../tensor/padded-sequence';
import { Tensor } from '../tensor/tensor';
import { checkModule } from '../module/apply';
import { carriedBy } from '../module/carried';
import { checkSequence } from '../module/check-input';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';
import type { CellState } from './recurrent-cell';

/**
 * A cell, a module that takes one step of N rows: an LSTMCell, GRUCell or RNNCell, or one of the user's. Its state is
 * any tensors [N, …] in plain objects and arrays; undefined stands for the state before the first step. What it returns
 * is its new state with an `h` that is also its output, or { output, state }.
 */
export interface StepModule<State> extends Module {
  /** Takes one step of N rows, [N, …]. */
  forward(input: Tensor, state?: State): (State & CellState) | CellResult<State>;
}

/** What a cell gives whose output is not the h of its state. */
export interface CellResult<State> {
  /** The output of the step, [N, …]. */
  output: Tensor;
  /** The state after it. */
  state: State;
}

/** What a Recurrent gives. */
export interface RecurrentResult<X extends Sequence, State> {
  /** The output of every step, [N, T, …]. */
  output: X;
  /** The state after each row's last real step. */
  state: State;
}

/**
 * Runs a cell over all steps, from state to state: for cells of one's own.
 *
 *     class Leaky extends Module {
 *       readonly input = new Linear({ inFeatures: 4, outFeatures: 8 });
 *       forward(x: Tensor, state?: { h: Tensor }) {
 *         const now = this.input.forward(x).tanh();
 *         return { h: state === undefined ? now : state.h.mul(0.9).add(now.mul(0.1)) };
 *       }
 *     }
 *     const { output, state } = new Recurrent(new Leaky()).forward(sequences);
 *
 * Shapes: input [N, T, …] → output [N, T, …] of what the cell gives for a step [N, …]. A PaddedSequence gives a
 * PaddedSequence: steps past a length are zero, the state is that of each row's last real step, and a row of length 0
 * keeps its initial state, zeros if there was none. Each step is a few calls of ops: an LSTM, GRU or RNN, which run the
 * whole sequence in one, is many times as fast. For both directions:
 * `new Bidirectional(new Recurrent(ahead), new Recurrent(back))`.
 *
 * @throws {OptionError} if the cell is no Module
 */
export class Recurrent<State = unknown> extends Module {
  /** What takes a step. */
  readonly cell: StepModule<State>;

  constructor(cell: StepModule<State>) {
    super();
    checkModule('Recurrent', 'cell', cell);
    this.cell = cell;
  }

  override get stepping(): Stepping {
    return 'carried';
  }

  /**
   * Runs over all steps.
   *
   * @param state  the state before the first step; undefined lets the cell begin
   * @throws {ShapeError} if the input has no rows or steps, or what the cell gives does not have a row for each of the
   *   input's
   * @throws {OptionError} if `input` is no sequence, or the cell returns neither a state with h nor { output, state }
   */
  forward<X extends Sequence>(input: X, state?: State): RecurrentResult<X, State>;
  forward(input: Sequence, state?: State): RecurrentResult<Sequence, State> {
    checkSequence('Recurrent.forward', input);
    const [rows = 0, steps = 0] = input.shape;
    if (input.shape.length < 2 || rows === 0)
      throw new ShapeError('Recurrent.forward', {
        given: `input ${describe(input)}`,
        expected: '[N, T, …] with at least one row',
        fix: 'put the batch first: x.unsqueeze(0); leave empty batches out',
      });
    if (steps === 0) return this.#withoutStep(input, state);
    if (!(input instanceof PaddedSequence)) return this.#run(input, new Array<number>(rows).fill(steps), state);
    const result = this.#run(valuesOf(clearPadding(input)), input.lengths, state);
    return { ...result, output: PaddedSequence.zeroPadded(result.output, input.lengths) };
  }

  /** Runs the cell as often as the longest row is, at least once to see what it gives. */
  #run(values: Tensor, lengths: readonly number[], state: State | undefined): RecurrentResult<Tensor, State> {
    const [shortest, longest] = [Math.min(...lengths), Math.max(1, ...lengths)];
    const real = shortest < longest ? split(new PaddedSequence(values, lengths).mask(), 1, 1) : [];
    const outputs: Tensor[] = [];
    let now = state;
    for (const [step, input] of split(values, 1, 1).slice(0, longest).entries()) {
      const after = this.#step(squeeze(input, 1), now);
      const rows = step < shortest ? undefined : real[step];
      outputs.push(rows === undefined ? after.output : where(rowsOf(rows, after.output), after.output, 0));
      now = rows === undefined ? after.state : (this.#held(rows, after.state, now) as State);
    }
    const output = stack(outputs, 1);
    const behind = (values.shape[1] ?? 0) - longest;
    const amounts = output.shape.map((_, axis): [number, number] => [0, axis === 1 ? behind : 0]);
    return { output: behind === 0 ? output : padConstant(output, amounts), state: now as State };
  }

  /** One step of the cell, whatever a cell without types returns. */
  #step(input: Tensor, state: State | undefined): { output: Tensor; state: State } {
    const result: unknown = this.cell.forward(input, state);
    const hidden = isPlainObject(result) && !('output' in result) ? result['h'] : undefined;
    const { output, state: after } = carriedBy(result) ?? { output: hidden, state: result };
    if (!(output instanceof Tensor))
      throw new OptionError('Recurrent.forward', {
        given: `${describe(result)} from ${this.cell.constructor.name}`,
        expected: 'a state { h, … } or { output, state }, of which h or output is a tensor',
        fix: 'return such from forward(input, state)',
      });
    this.#checkRows('output', output, input);
    for (const part of tensorsIn(after)) this.#checkRows('state', part, input);
    return { output, state: after as State };
  }

  #checkRows(what: string, x: Tensor, input: Tensor): void {
    if (x.shape[0] === input.shape[0]) return;
    throw new ShapeError('Recurrent.forward', {
      given: `${what} ${describe(x)} from ${this.cell.constructor.name} for a step ${describe(input)}`,
      expected: `[${input.shape[0] ?? 0}, …], a row for each of the step's`,
      fix: 'let forward(input, state) keep the rows on the first axis',
    });
  }

  /** The state after a step where a row has it, before it where the row has ended; zeros before the first step. */
  #held(real: Tensor, after: unknown, before: unknown): unknown {
    if (after instanceof Tensor) {
      if (before !== undefined && !(before instanceof Tensor)) throw this.#otherForm(after, before);
      return where(rowsOf(real, after), after, before ?? 0);
    }
    const partOf = (key: string): unknown => {
      if (before === undefined) return undefined;
      const part: unknown = typeof before === 'object' && before !== null ? Reflect.get(before, key) : undefined;
      if (part === undefined) throw this.#otherForm(after, before);
      return part;
    };
    if (Array.isArray(after)) return after.map((part, at) => this.#held(real, part, partOf(String(at))));
    if (!isPlainObject(after)) return after;
    // The result of a layer's forward may be passed as a state: its `output` is ignored.
    const missing = isPlainObject(before) && Object.keys(before).some((key) => key !== 'output' && !(key in after));
    if (missing) throw this.#otherForm(after, before);
    const held = Object.entries(after).map(([key, part]) => [key, this.#held(real, part, partOf(key))]);
    return Object.fromEntries(held);
  }

  #otherForm(after: unknown, before: unknown): OptionError {
    return new OptionError('Recurrent.forward', {
      given: `a state ${describe(after)} from ${this.cell.constructor.name} after ${describe(before)}`,
      expected: 'a state of the same form after each step',
      fix: 'return all its parts each time, under the same names',
    });
  }

  /** A batch without steps: the cell sees one step of padding, and that step is cut off again. */
  #withoutStep(input: Sequence, state: State | undefined): RecurrentResult<Sequence, State> {
    const values = valuesOf(input);
    const shape = values.shape.map((extent, axis) => (axis === 1 ? 1 : extent));
    const lengths = new Array<number>(shape[0] ?? 0).fill(0);
    const padding = zeros(shape, { dtype: values.dtype, device: values.device });
    const { output, state: after } = this.#run(padding, lengths, state);
    const none = slice(output, [0, 0], [null, 0]);
    return { output: input instanceof PaddedSequence ? new PaddedSequence(none, lengths) : none, state: after };
  }

  protected override givenModules(): readonly Module[] {
    return [this.cell];
  }
}

/** Which rows are real, bool [N, 1], with as many axes as `x`. */
const rowsOf = (real: Tensor, x: Tensor): Tensor => reshape(real, [x.shape[0] ?? 0, ...x.shape.slice(1).map(() => 1)]);
