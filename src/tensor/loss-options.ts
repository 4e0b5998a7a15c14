// The options of losses, for their functions and their classes alike.
import type { Sequence } from './padded-sequence';
import type { Tensor } from './tensor';

/**
 * What becomes of the losses of the single items: their mean, their sum, or a tensor of them (`none`; zeros past a
 * length).
 */
export type Reduction = 'mean' | 'sum' | 'none';

/** Options that all losses have. */
export interface LossOptions {
  /** Default `mean`. */
  reduction?: Reduction;
}

/** Options of `smoothL1Loss`. */
export interface SmoothL1LossOptions extends LossOptions {
  /** Difference at which the square becomes a line, 0 or more. Default 1. */
  beta?: number;
}

/** Options of `huberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** Difference at which the square becomes a line, above 0. Default 1. */
  delta?: number;
}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface BinaryCrossEntropyWithLogitsOptions extends LossOptions {
  /** How much more positive targets count: one weight, or one a place on the last axis, [C]. Default 1. */
  posWeight?: Tensor | undefined;
}

/** Options of `klDivergence`. */
export interface KLDivergenceOptions {
  /**
   * `batchmean` divides by the first axis, N, as in PyTorch: of [N, C] the divergence itself. Default `mean`, over
   * elements.
   */
  reduction?: Reduction | 'batchmean';
  /** Whether the target holds logarithms too. Default false. */
  logTarget?: boolean;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends LossOptions {
  /** Weight of each class, [C]. Default: all 1. */
  weight?: Tensor | undefined;
  /** Weight of each step: of the target's shape, or [N], one a sequence. Default: all 1. */
  stepWeights?: Sequence | undefined;
  /** Steps with this label are left out; not with probabilities. Default -100. */
  ignoreIndex?: number;
  /** Part of the target that is spread over all classes, 0..1. Default 0. */
  labelSmoothing?: number;
}

/** Options of a CrossEntropyLoss: those of `crossEntropy` that do not change from batch to batch. */
export type CrossEntropyLossOptions = Omit<CrossEntropyOptions, 'stepWeights'>;

/** Lengths for `ctcLoss` that do not come with a PaddedSequence. */
export interface CTCLengths {
  /** Real steps of each input. Default: all T. Not with a PaddedSequence, which has its own. */
  inputLengths?: readonly number[] | undefined;
  /** Labels of each target. Default: all S. Not with a PaddedSequence, which has its own. */
  targetLengths?: readonly number[] | undefined;
}

/** Options of `ctcLoss`. */
export interface CTCLossOptions extends LossOptions, CTCLengths {
  /** The class that stands for no label. Default 0. */
  blank?: number;
  /** Whether a target that is too long for its input has loss and gradient 0, in place of infinity. Default false. */
  zeroInfinity?: boolean;
}

/** Options of a CTCLoss: those of `ctcLoss` that do not change from batch to batch. */
export type CTCLossSettings = Omit<CTCLossOptions, keyof CTCLengths>;
