import { OptionError } from '../tensor/errors';
import type { RecurrentAlgorithm } from '../tensor/ops/recurrent';
import { checkOptions, flag, oneOf, positiveInteger, probability } from '../tensor/options';
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
  /** Probability in [0, 1) of dropping an element between two layers, in training only. Default 0. */
  dropout?: number;
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

const algorithms: readonly RecurrentAlgorithm[] = [
  'auto',
  'standard',
  'persistStatic',
  'persistDynamic',
  'persistStaticSmallH',
];

const sharedOptions = [
  'inputSize',
  'hiddenSize',
  'numLayers',
  'bias',
  'batchFirst',
  'dropout',
  'bidirectional',
  'dtype',
  'algo',
] as const;

/**
 * Fills in the defaults of the shared options.
 *
 * @param own  names of the options that only this layer has
 * @throws {OptionError} if a value is out of range, or an option is unknown
 */
export function checkRecurrentOptions(
  op: string,
  options: RecurrentOptions,
  own: readonly string[],
): Required<RecurrentOptions> {
  checkOptions(op, options, [...sharedOptions, ...own]);
  return {
    inputSize: positiveInteger(op, 'inputSize', options.inputSize),
    hiddenSize: positiveInteger(op, 'hiddenSize', options.hiddenSize),
    numLayers: layerCount(op, options.numLayers ?? 1),
    bias: flag(op, 'bias', options.bias ?? true),
    batchFirst: flag(op, 'batchFirst', options.batchFirst ?? true),
    dropout: probability(op, 'dropout', options.dropout ?? 0),
    bidirectional: flag(op, 'bidirectional', options.bidirectional ?? false),
    dtype: oneOf(op, 'dtype', options.dtype ?? 'f32', ['f32', 'f64']),
    algo: oneOf(op, 'algo', options.algo ?? 'auto', algorithms),
  };
}

/** Each layer has names and objects of its own: a slip of the keyboard must not fill the memory with them. */
const MOST_LAYERS = 65_536;

function layerCount(op: string, value: unknown): number {
  const count = positiveInteger(op, 'numLayers', value);
  if (count <= MOST_LAYERS) return count;
  throw new OptionError(op, {
    given: `numLayers: ${count}`,
    expected: `at most ${MOST_LAYERS}`,
    fix: 'use fewer layers; hiddenSize makes them wider',
  });
}
