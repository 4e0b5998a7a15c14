import { OptionError } from '../tensor/errors';
import type { RecurrentAlgorithm } from '../tensor/ops/recurrent';
import { flag, positiveInteger, probability } from '../tensor/options';
import type { DType } from '../tensor/tensor';
import { choice, floating, withDefault, type Readers } from '../tensor/read-options';
import type { FloatingDType } from '../module/uniform';

/** Options that LSTM, GRU and RNN share. */
export interface RecurrentOptions {
  /** D, the last axis of the input. */
  inputSize: number;
  /** H, the width of the state. */
  hiddenSize: number;
  /** L, layers on top of each other. Default 1. */
  numLayers?: number;
  /** Whether the gates have biases, two each as in PyTorch. Default true. */
  bias?: boolean;
  /** Whether plain tensors are [N, T, D]; if false, [T, N, D]. A PaddedSequence is always [N, T, D]. Default true. */
  batchFirst?: boolean;
  /**
   * Probability in [0, 1) of dropping an element between two layers, in training only. With one layer it does nothing,
   * and a warning says so. Default 0.
   */
  dropout?: number;
  /**
   * Probability in [0, 1) of dropping an element of the recurrent weights, weight_hh, in training only: drawn anew by
   * each `forward`, the same for all its steps and rows (DropConnect; Merity, Keskar and Socher, Regularizing and
   * optimizing LSTM language models, 2018). Default 0.
   */
  weightDrop?: number;
  /**
   * Whether the state that sequences begin with is learned, `initial_h` [L·K, O] and, of an LSTM, `initial_c` [L·K, H],
   * from zeros, one for all rows. A state that is passed to `forward` comes in its place. Default false: zeros.
   */
  learnedState?: boolean;
  /** Whether every layer also runs backwards; outputs are side by side. Default false. */
  bidirectional?: boolean;
  /** Element type of the parameters. Default f32; f64 runs a plain step-by-step reference. */
  dtype?: FloatingDType;
  /**
   * Which of cuDNN's algorithms computes on a CUDA device: `auto` times those that can compute a shape once, when it
   * has come a few times or is compiled, and keeps the fastest. Default auto. The CPU has one algorithm of its own.
   */
  algo?: RecurrentAlgorithm;
}

/** Readers of the options that LSTM, GRU and RNN share. */
export const recurrentReaders: Readers<RecurrentOptions> = {
  inputSize: positiveInteger,
  hiddenSize: positiveInteger,
  numLayers: withDefault(layerCount, 1),
  bias: withDefault(flag, true),
  batchFirst: withDefault(flag, true),
  dropout: withDefault(probability, 0),
  weightDrop: withDefault(probability, 0),
  learnedState: withDefault(flag, false),
  bidirectional: withDefault(flag, false),
  dtype: floating,
  algo: choice<RecurrentAlgorithm>(['auto', 'standard', 'persistStatic', 'persistDynamic', 'persistStaticSmallH']),
};

/** Classes of which a warning has been given, for each once. */
const toldOf = new Set<string>();

/**
 * Tells in a warning, `STM_UNUSED_DROPOUT`, that there is nothing between the layers of a single one to drop; once for
 * each class, since layers are built again when they are saved, loaded and copied.
 */
export function warnOfUnusedDropout(name: string, { numLayers, dropout }: Required<LayersBetween>): void {
  if (numLayers > 1 || dropout === 0 || toldOf.has(name)) return;
  toldOf.add(name);
  process.emitWarning(
    `${name}: got dropout: ${dropout} with numLayers: 1, expected at least 2 layers, between which it drops: it does ` +
      'nothing here.\n' +
      '  Fix: put a Dropout({ p }) behind the layer, raise numLayers, or leave dropout out.',
    { type: 'StmnetWarning', code: 'STM_UNUSED_DROPOUT' },
  );
}

type LayersBetween = Pick<RecurrentOptions, 'numLayers' | 'dropout'>;

/** Each layer has names and objects of its own: a slip of the keyboard must not fill the memory with them. */
const MOST_LAYERS = 65_536;

function layerCount(op: string, name: string, value: unknown): number {
  const count = positiveInteger(op, name, value);
  if (count <= MOST_LAYERS) return count;
  throw new OptionError(op, {
    given: `${name}: ${count}`,
    expected: `at most ${MOST_LAYERS}`,
    fix: 'use fewer layers; hiddenSize makes them wider',
  });
}

/** What else to do about an input of another dtype: nothing where no layer computes in that one. */
export const orBuiltWith = (what: 'layer' | 'cell', given: DType): string =>
  given === 'f32' || given === 'f64' ? `, or build the ${what} with dtype: '${given}'` : '';
