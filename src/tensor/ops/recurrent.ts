import { binding } from '../../native/load';
import { idOf, idsOf, optionalIdOf, wrap, type Tensor } from '../tensor';

/** Kinds of recurrent cell. */
export type CellName = 'lstm' | 'gru' | 'rnnTanh' | 'rnnRelu';

/** cuDNN's algorithms. */
export type RecurrentAlgorithm = 'auto' | 'standard' | 'persistStatic' | 'persistDynamic' | 'persistStaticSmallH';

/** What `recurrent` computes. G: 4 for LSTM, 3 for GRU, 1 for RNN; O: projSize or hiddenSize; K: directions. */
export interface RecurrentFunctionOptions {
  cell: CellName;
  hiddenSize: number;
  /** Width of h after the projection, 0 for none (LSTM only). */
  projSize: number;
  numLayers: number;
  bidirectional: boolean;
  bias: boolean;
  batchFirst: boolean;
  /** Probability of dropout between layers; 0 outside training. */
  dropout: number;
  /** Initial state, each [L·K, N, O]. Default: zeros. */
  h?: Tensor | undefined;
  /** Initial cell state [L·K, N, H], LSTM only. Default: zeros. */
  c?: Tensor | undefined;
  /**
   * Which of cuDNN's algorithms computes; other devices have one of their own. Default auto: the fastest for the shape.
   */
  algo?: RecurrentAlgorithm;
  /** N whole numbers in 0..T. Default: all T. */
  lengths?: readonly number[] | undefined;
}

/** Output and states of `recurrent`; c of an LSTM only. */
export interface RecurrentOutput {
  output: Tensor;
  h: Tensor;
  c?: Tensor;
}

/**
 * A stack of recurrent layers in one call, or one call a layer where dropout lies between them.
 *
 * Shapes: x [N, T, D] (batchFirst) or [T, N, D] → output [N, T, K·O] or [T, N, K·O], h [L·K, N, O], c [L·K, N, H].
 * Outputs past a length are 0; h and c are those of each row's last real step, in the reverse direction of its first; a
 * row of length 0 keeps its initial state.
 *
 * @param weights  of each layer and direction W_ih [G·H, D or K·O], W_hh [G·H, O], (W_hr [P, H]); then, with bias, of
 * each b_ih, b_hh [G·H]
 * @throws {ShapeError} if a shape does not fit the options
 * @see native/ops/recurrent.cc
 * @hidden
 */
export function recurrent(x: Tensor, weights: readonly Tensor[], options: RecurrentFunctionOptions): RecurrentOutput {
  const o = options;
  const [output, h, c] = binding.recurrent(
    idOf(x, 'recurrent'),
    optionalIdOf(o.h, 'recurrent', 'h'),
    optionalIdOf(o.c, 'recurrent', 'c'),
    idsOf(weights, 'recurrent', 'weights'),
    o.cell,
    o.hiddenSize,
    o.projSize,
    o.numLayers,
    o.bidirectional,
    o.bias,
    o.batchFirst,
    o.dropout,
    o.algo ?? 'auto',
    o.lengths,
  );
  return { output: wrap(output), h: wrap(h), ...(c === undefined ? {} : { c: wrap(c) }) };
}

/** What `recurrentAhead` needs to know of the step. */
type StepOptions = Omit<RecurrentFunctionOptions, 'bidirectional' | 'dropout' | 'h' | 'c' | 'lengths'>;

/**
 * Begins the step that comes after one of `x`, before its input is there: what `recurrent` will need of its state is
 * computed now, where that pays, and used if state and weights are still these. It gives the same bits either way.
 *
 * @param h  the state that the step will begin with, [L, N, O]
 * @hidden
 */
export function recurrentAhead(x: Tensor, h: Tensor, weights: readonly Tensor[], options: StepOptions): void {
  const o = options;
  binding.recurrentAhead(
    idOf(x, 'recurrent'),
    idOf(h, 'recurrent'),
    idsOf(weights, 'recurrent', 'weights'),
    o.cell,
    o.hiddenSize,
    o.projSize,
    o.numLayers,
    o.bias,
    o.batchFirst,
    o.algo ?? 'auto',
  );
}
