import { OptionError } from '../tensor/errors';
import { flag, probability } from '../tensor/options';
import { withDefault, type Readers } from '../tensor/read-options';

/** Options of an LSTM or a GRU for variants of the cell, which kernels of their own compute instead of cuDNN. */
export interface GatedOptions {
  /**
   * Probability in [0, 1) of dropping an element of h before the product with weight_hh, in training only: drawn anew
   * by each `forward`, for each row the same at all its steps (variational dropout; Gal and Ghahramani, 2016). Default
   * 0.
   */
  recurrentDropout?: number;
  /**
   * Probability in [0, 1) that an element of h keeps its value of the step before, in training; in evaluation this
   * share of it is kept (Krueger et al., 2017). Default 0.
   */
  zoneout?: number;
  /**
   * Whether the products with the input and with h are normalised over all gates, and c of an LSTM before it is shown
   * (Ba, Kiros and Hinton, 2016). Default false.
   */
  layerNorm?: boolean;
}

/** Options of an LSTM for variants of the cell. */
export interface GatedLSTMOptions extends GatedOptions {
  /** The same as `zoneout` for c. Default 0. */
  zoneoutCell?: number;
  /** Whether the gates see c, by a weight for each unit (Gers and Schmidhuber, 2000). Default false. */
  peephole?: boolean;
  /** Whether i = 1 - f, which saves a gate: the gates are then f g o (Greff et al., 2017). Default false. */
  coupledGates?: boolean;
  /** Whether `forward` also gives c of every step of the last layer, as `cells`. Default false. */
  returnCells?: boolean;
}

/** Options of a GRU for variants of the cell. */
export interface GatedGRUOptions extends GatedOptions {
  /**
   * Whether the reset gate is applied after the recurrent product, as in PyTorch and cuDNN, or before it, as Cho et al.
   * wrote it in 2014 and Keras computes with reset_after=False. Default true.
   */
  resetAfter?: boolean;
}

const shared: Readers<GatedOptions> = {
  recurrentDropout: withDefault(probability, 0),
  zoneout: withDefault(probability, 0),
  layerNorm: withDefault(flag, false),
};

/** Readers of the options of an LSTM's variants. */
export const gatedLSTMReaders: Readers<GatedLSTMOptions> = {
  ...shared,
  zoneoutCell: withDefault(probability, 0),
  peephole: withDefault(flag, false),
  coupledGates: withDefault(flag, false),
  returnCells: withDefault(flag, false),
};

/** Readers of the options of a GRU's variants. */
export const gatedGRUReaders: Readers<GatedGRUOptions> = { ...shared, resetAfter: withDefault(flag, true) };

/** A variant of the cell, whichever it is of. */
export type Variant = Required<Omit<GatedLSTMOptions, 'returnCells'> & GatedGRUOptions>;

/**
 * The variant that the options of an LSTM, GRU or RNN ask for; undefined for the plain cell.
 *
 * @throws {OptionError} if some of them do not go together
 */
export function variantOf(layer: string, options: object): Variant | undefined {
  const plain: Variant = {
    recurrentDropout: 0,
    zoneout: 0,
    layerNorm: false,
    zoneoutCell: 0,
    peephole: false,
    coupledGates: false,
    resetAfter: true,
  };
  const given = new Map(Object.entries(options));
  const asked = Object.entries({ ...plain, returnCells: false }).filter(
    ([name, value]) => given.has(name) && given.get(name) !== value,
  );
  const [first] = asked;
  if (first === undefined) return undefined;
  const refuse = (name: string, other: string, why: string): OptionError =>
    new OptionError(layer, {
      given: `${name}: ${String(given.get(name))} with ${other}`,
      expected: `one of the two: ${why}`,
      fix: 'leave one of them out',
    });
  if (Number(given.get('projSize') ?? 0) > 0)
    throw refuse(first[0], `projSize: ${String(given.get('projSize'))}`, 'variants of the cell have no projection');
  if (given.get('layerNorm') === true && given.get('resetAfter') === false)
    throw refuse('layerNorm', 'resetAfter: false', 'the norm is of the product before the reset');
  const chosen = asked.filter(([name]) => name in plain).map(([name]) => [name, given.get(name)] as const);
  return Object.assign(plain, Object.fromEntries(chosen));
}
