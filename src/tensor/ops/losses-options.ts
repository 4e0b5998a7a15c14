// The options of losses, and how they are read: checks and defaults, for functions and classes alike.
import { OptionError } from '../errors';
import { describe, flag, nonNegativeInteger, nonNegativeNumber } from '../options';
import { PaddedSequence, type Sequence } from '../padded-sequence';
import { asGiven, choice, withDefault, type Readers } from '../read-options';
import { checkTensor, type Tensor } from '../tensor';

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

const reduction = choice<Reduction>(['mean', 'sum', 'none']);

export const reductionOnly: Readers<LossOptions> = { reduction };

/** Options of `smoothL1Loss`. */
export interface SmoothL1LossOptions extends LossOptions {
  /** Difference at which the square becomes a line, 0 or more. Default 1. */
  beta?: number;
}

export const smoothL1: Readers<SmoothL1LossOptions> = { beta: withDefault(nonNegativeNumber, 1), reduction };

/** Options of `huberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** Difference at which the square becomes a line, above 0. Default 1. */
  delta?: number;
}

export const huber: Readers<HuberLossOptions> = { delta: withDefault(huberDelta, 1), reduction };

function huberDelta(op: string, name: string, value: unknown): number {
  const delta = nonNegativeNumber(op, name, value);
  if (delta > 0) return delta;
  throw new OptionError(op, {
    given: 'delta: 0',
    expected: 'a number above 0 for delta',
    fix: `use ${op === 'HuberLoss' ? 'L1Loss' : 'l1Loss'} for the line alone`,
  });
}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface BinaryCrossEntropyWithLogitsOptions extends LossOptions {
  /** How much more positive targets count: one weight, or one a place on the last axis, [C]. Default 1. */
  posWeight?: Tensor | undefined;
}

export const binaryCrossEntropyWithLogits: Readers<BinaryCrossEntropyWithLogitsOptions> = {
  posWeight: weights,
  reduction,
};

/** Weights, if any: a tensor, with a remedy of their own for plain numbers. */
function weights(op: string, name: string, value: unknown): Tensor | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' || Array.isArray(value)) {
    const numbers = Array.isArray(value) && value.length > 8 ? '[…]' : describe(value);
    throw new OptionError(op, {
      given: `${describe(value)} as ${name}`,
      expected: 'a Tensor',
      fix: `write ${name}: tensor(${numbers})`,
    });
  }
  checkTensor(value, op, name);
  return value;
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

export const klDivergence: Readers<KLDivergenceOptions> = {
  logTarget: withDefault(flag, false),
  reduction: choice(['mean', 'sum', 'none', 'batchmean']),
};

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

const labelReaders = {
  ignoreIndex: withDefault(labelLeftOut, -100),
  labelSmoothing: withDefault(fraction, 0),
  reduction,
};

export const crossEntropy: Readers<CrossEntropyOptions> = {
  weight: weights,
  stepWeights: weightsOfSteps,
  ...labelReaders,
};

export const crossEntropyOfAllBatches: Readers<CrossEntropyLossOptions> = { weight: weights, ...labelReaders };

function weightsOfSteps(op: string, name: string, value: unknown): Sequence | undefined {
  return value instanceof PaddedSequence ? value : weights(op, name, value);
}

function labelLeftOut(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a whole number',
    fix: 'name the label of the steps to leave out',
  });
}

function fraction(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a number in 0..1',
    fix: `pass a fraction such as ${name}: 0.1`,
  });
}

/** Lengths for `ctcLoss` that do not come with a PaddedSequence. */
export interface CTCLengths {
  /** Real steps of each input. Default: all T. Not with a PaddedSequence, which has its own. */
  inputLengths?: readonly number[] | undefined;
  /** Labels of each target. Default: all S. Not with a PaddedSequence, which has its own. */
  targetLengths?: readonly number[] | undefined;
}

export const lengthsForCTC: Readers<CTCLengths> = { inputLengths: asGiven, targetLengths: asGiven };

/** Options of `ctcLoss`. */
export interface CTCLossFunctionOptions extends LossOptions, CTCLengths {
  /** The class that stands for no label. Default 0. */
  blank?: number;
  /** Whether a target that is too long for its input has loss and gradient 0, in place of infinity. Default false. */
  zeroInfinity?: boolean;
}

/** Options of a CTCLoss: those of `ctcLoss` that do not change from batch to batch. */
export type CTCLossOptions = Omit<CTCLossFunctionOptions, keyof CTCLengths>;

export const ctcOfAllBatches: Readers<CTCLossOptions> = {
  blank: withDefault(nonNegativeInteger, 0),
  zeroInfinity: withDefault(flag, false),
  reduction,
};

export const ctc: Readers<CTCLossFunctionOptions> = { ...lengthsForCTC, ...ctcOfAllBatches };
