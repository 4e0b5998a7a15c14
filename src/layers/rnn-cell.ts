import { choice, readOptions } from '../tensor/read-options';
import { cellReaders, RecurrentCell, type RecurrentCellOptions } from './recurrent-cell';

/** Options of an RNNCell. */
export interface RNNCellOptions extends RecurrentCellOptions {
  /** What the sum goes through. Default 'tanh'. */
  nonlinearity?: 'tanh' | 'relu';
}

/**
 * One step of a plain recurrent layer.
 *
 * Shapes: input [N, D], state h [N, H] → h [N, H]; [D] → [H] for one row.
 *
 * @throws {OptionError} if a size is not a positive whole number, `nonlinearity` is neither of the two, or an option is
 * unknown
 * @see RNN for the formulas; torch.nn.RNNCell for the same weights
 */
export class RNNCell extends RecurrentCell {
  override readonly options: Readonly<Required<RNNCellOptions>>;

  constructor(options: RNNCellOptions) {
    const read = readOptions('RNNCell', options, { ...cellReaders, nonlinearity: choice(['tanh', 'relu']) });
    super(read, { cell: read.nonlinearity === 'tanh' ? 'rnnTanh' : 'rnnRelu', gates: 1, projSize: 0 });
    this.options = read;
  }
}
