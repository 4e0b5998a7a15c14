// How the options of losses are read: their checks and defaults, for functions and classes alike.
import { OptionError } from './errors';
import type {
  BinaryCrossEntropyWithLogitsOptions,
  CrossEntropyLossOptions,
  CrossEntropyOptions,
  CTCLossOptions,
  CTCLossSettings,
  HuberLossOptions,
  KLDivergenceOptions,
  LossOptions,
  Reduction,
  SmoothL1LossOptions,
} from './loss-options';
import { describe, flag, nonNegativeInteger, nonNegativeNumber } from './options';
import { PaddedSequence, type Sequence } from './padded-sequence';
import { asGiven, choice, withDefault, type Readers } from './read-options';
import { checkTensor, type Tensor } from './tensor';

const reduction = choice<Reduction>(['mean', 'sum', 'none']);

export const reductionOnly: Readers<LossOptions> = { reduction };

export const smoothL1: Readers<SmoothL1LossOptions> = { beta: withDefault(nonNegativeNumber, 1), reduction };

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

export const klDivergence: Readers<KLDivergenceOptions> = {
  logTarget: withDefault(flag, false),
  reduction: choice(['mean', 'sum', 'none', 'batchmean']),
};

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

export const ctcOfAllBatches: Readers<CTCLossSettings> = {
  blank: withDefault(nonNegativeInteger, 0),
  zeroInfinity: withDefault(flag, false),
  reduction,
};

export const ctc: Readers<CTCLossOptions> = { inputLengths: asGiven, targetLengths: asGiven, ...ctcOfAllBatches };
