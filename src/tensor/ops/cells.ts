import { binding } from '../../native/load';
import { idOf, optionalIdOf, wrap, type Tensor } from '../tensor';

/** The cells that `gatedCells` has variants of. */
export type GatedCellName = 'lstm' | 'gru';

/**
 * What `gatedCells` computes. G: 3 for a GRU and a coupled LSTM, else 4. All tensors are of one floating dtype; what is
 * left out is absent: no bias, norm, peephole or mask, zeros for a state.
 */
export interface GatedCellsOptions {
  cell: GatedCellName;
  /** W_hh [G·H, H]; gates in the order i f g o, or f g o if coupled, or r z n. */
  w: Tensor;
  /** b [G·H], beside the product with h. */
  b?: Tensor | undefined;
  /** Initial states [N, H]; c of an LSTM only. */
  h?: Tensor | undefined;
  c?: Tensor | undefined;
  /** The gain of the norm of the product with h, [G·H] (Ba, Kiros and Hinton, 2016). */
  gain?: Tensor | undefined;
  /** LSTM with `gain`: gain and bias of the norm of c before it is shown, [H]. */
  cellGain?: Tensor | undefined;
  cellBias?: Tensor | undefined;
  /** LSTM: weights of c for i, f and o, [3, H] (Gers and Schmidhuber, 2000). */
  peephole?: Tensor | undefined;
  /** What h is multiplied by before the product, at every step, [N, H] (Gal and Ghahramani, 2016). */
  mask?: Tensor | undefined;
  /** Zoneout: how much of the new h and c is taken, [N, T, H] or one number (Krueger et al., 2017). Default 1. */
  updateH?: Tensor | number | undefined;
  updateC?: Tensor | number | undefined;
  /** LSTM: i = 1 - f. */
  coupled?: boolean;
  /** GRU: the reset gate is applied before the product, not after. */
  resetBefore?: boolean;
  /** Whether time runs backwards. */
  reverse?: boolean;
  /** N whole numbers in 0..T. Default: all T. */
  lengths?: readonly number[] | undefined;
}

/** What `gatedCells` gives; c and cells of an LSTM only. */
export interface GatedCellsOutput {
  /** h of every step, [N, T, H]. */
  output: Tensor;
  /** States of each row's last real step (its first, in reverse), [N, H]. */
  h: Tensor;
  c?: Tensor;
  /** c of every step, [N, T, H]. */
  cells?: Tensor;
}

/**
 * One direction of one layer of a variant of LSTM or GRU over a padded batch.
 *
 * @param x  the product of the input with W_ih and its bias, [N, T, G·H]
 * @throws {ShapeError} if a shape does not fit
 * @throws {OptionError} if an option is one of the other cell
 * @see native/backend/kernels/cells.h for the equations
 * @hidden
 */
export function gatedCells(x: Tensor, options: GatedCellsOptions): GatedCellsOutput {
  const o = options;
  const id = (tensor: Tensor | number | undefined, name: string): ReturnType<typeof optionalIdOf> =>
    optionalIdOf(typeof tensor === 'number' ? undefined : tensor, 'gatedCells', name);
  const mean = (update: Tensor | number | undefined): number => (typeof update === 'number' ? update : 1);
  const [output, h, c, cells] = binding.gatedCells(
    idOf(x, 'gatedCells'),
    id(o.h, 'h'),
    id(o.c, 'c'),
    idOf(o.w, 'gatedCells', 'w'),
    id(o.b, 'b'),
    id(o.gain, 'gain'),
    id(o.cellGain, 'cellGain'),
    id(o.cellBias, 'cellBias'),
    id(o.peephole, 'peephole'),
    id(o.mask, 'mask'),
    id(o.updateH, 'updateH'),
    id(o.updateC, 'updateC'),
    o.cell,
    o.coupled ?? false,
    o.resetBefore ?? false,
    o.reverse ?? false,
    mean(o.updateH),
    mean(o.updateC),
    o.lengths,
  );
  return {
    output: wrap(output),
    h: wrap(h),
    ...(c === undefined ? {} : { c: wrap(c) }),
    ...(cells === undefined ? {} : { cells: wrap(cells) }),
  };
}
