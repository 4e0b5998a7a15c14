import { readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { cellReaders, RecurrentCell, type CellState, type RecurrentCellOptions } from './recurrent-cell';

/** Options of an LSTMCell. */
export type LSTMCellOptions = RecurrentCellOptions;

/** State of an LSTMCell: h and c, each [N, H]; [H] for an input [D]. */
export interface LSTMCellState extends CellState {
  /** c after the step. */
  c: Tensor;
}

/**
 * One step of an LSTM.
 *
 *     let state = cell.forward(input);          // from zeros
 *     state = cell.forward(next, state);        // { h, c }, each [N, H]
 *
 * Shapes: input [N, D], state h and c [N, H] → h and c [N, H]; [D] → [H] for one row.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 * @see LSTM for the formulas; torch.nn.LSTMCell for the same weights
 */
export class LSTMCell extends RecurrentCell<LSTMCellState> {
  override readonly options: Readonly<Required<LSTMCellOptions>>;

  constructor(options: LSTMCellOptions) {
    const read = readOptions('LSTMCell', options, cellReaders);
    super(read, { cell: 'lstm', gates: 4, projSize: 0 });
    this.options = read;
  }
}
