import { Dropout } from '../layers/dropout';
import { GRUCell } from '../layers/gru-cell';
import { LSTMCell } from '../layers/lstm-cell';
import { RNNCell } from '../layers/rnn-cell';
import { Module } from '../module/module';
import { select, stack } from '../tensor/ops/shape';
import type { Tensor } from '../tensor/tensor';
import type { Cell } from './recurrent-encoder';

/** Options of a CellStack. */
export interface CellStackOptions {
  /** Kind of the cells. */
  cell: Cell;
  /** Width of what the first one reads. */
  inputSize: number;
  /** H, width of a state. */
  hiddenSize: number;
  /** L, cells on top of each other. */
  numLayers: number;
  /** Probability of dropping an element between them in training. */
  dropout: number;
}

/** State of the cells, [L, N, H]; c of LSTMs. */
export interface StackState {
  /** What the cells gave last. */
  readonly h: Tensor;
  /** What LSTMs keep. */
  readonly c?: Tensor;
}

/** What a step gives. */
export interface StackStep {
  /** h of the highest cell, [N, H]. */
  readonly output: Tensor;
  /** After the step. */
  readonly state: StackState;
}

/** Cells on top of each other, for a decoder that reads at each step what it said at the one before. */
export class CellStack extends Module {
  /** What it was made with. */
  readonly options: CellStackOptions;
  /** The cells, the lowest first. */
  readonly cells: readonly (LSTMCell | GRUCell | RNNCell)[];
  /** Between them. */
  readonly between: Dropout;

  constructor(options: CellStackOptions) {
    super();
    this.options = options;
    const { cell, inputSize, hiddenSize, numLayers, dropout } = options;
    const Kind = { lstm: LSTMCell, gru: GRUCell, rnn: RNNCell }[cell];
    this.cells = Array.from(
      { length: numLayers },
      (_, layer) => new Kind({ inputSize: layer === 0 ? inputSize : hiddenSize, hiddenSize }),
    );
    this.between = new Dropout({ p: numLayers > 1 ? dropout : 0 });
  }

  /** One step of N rows, [N, D] → [N, H]. */
  forward(input: Tensor, state: StackState): StackStep {
    const [h, c]: [Tensor[], Tensor[]] = [[], []];
    let output = input;
    for (const [layer, cell] of this.cells.entries()) {
      const own = { h: select(state.h, 0, layer), ...(state.c && { c: select(state.c, 0, layer) }) };
      const read = layer === 0 ? output : this.between.forward(output);
      const after: { h: Tensor; c?: Tensor } =
        cell instanceof LSTMCell ? cell.forward(read, own.c && { h: own.h, c: own.c }) : cell.forward(read, own);
      h.push(after.h);
      if (after.c !== undefined) c.push(after.c);
      output = after.h;
    }
    return { output, state: { h: stack(h, 0), ...(c.length > 0 && { c: stack(c, 0) }) } };
  }
}
