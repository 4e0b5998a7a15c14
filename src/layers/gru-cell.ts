import { readOptions } from '../tensor/read-options';
import { cellReaders, RecurrentCell, type RecurrentCellOptions } from './recurrent-cell';

/** Options of a GRUCell. */
export type GRUCellOptions = RecurrentCellOptions;

/**
 * One step of a GRU.
 *
 * Shapes: input [N, D], state h [N, H] → h [N, H]; [D] → [H] for one row.
 *
 * @throws {OptionError} if a size is not a positive whole number, or an option is unknown
 * @see GRU for the formulas; torch.nn.GRUCell for the same weights
 */
export class GRUCell extends RecurrentCell {
  override readonly options: Readonly<Required<GRUCellOptions>>;

  constructor(options: GRUCellOptions) {
    const read = readOptions('GRUCell', options, cellReaders);
    super(read, { cell: 'gru', gates: 3, projSize: 0 });
    this.options = read;
  }
}
