import { binding } from '../native/load';
import { OptionError, ShapeError } from '../tensor/errors';
import { zerosLike } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add_, fill_, log, sub_ } from '../tensor/ops/elementwise';
import {
  normal_ as normalFill,
  uniform_ as uniformFill,
  type NormalOptions,
  type UniformOptions,
} from '../tensor/ops/random';
import { slice } from '../tensor/ops/shape';
import { describe, finiteNumber, nonNegativeNumber, oneOf, positiveInteger } from '../tensor/options';
import { asGiven, choice, readOptions, withDefault } from '../tensor/read-options';
import { scope } from '../tensor/scope';
import { checkTensor, idOf, type Tensor } from '../tensor/tensor';
import type { LSTM } from './lstm';

/** Functions that overwrite a tensor, a parameter too, under `noGrad`. Each returns its first argument. */
const quietly = <X extends Tensor>(x: X, fill: () => unknown): X => {
  noGrad(fill);
  return x;
};

/**
 * Uniform numbers in [low, high), by default [0, 1).
 *
 * @throws {OptionError} if the bounds are not finite, or in the wrong order
 */
const uniform_ = <X extends Tensor>(x: X, options: UniformOptions = {}): X => quietly(x, () => uniformFill(x, options));

/** Normal numbers, by default of mean 0 and deviation 1. @throws {OptionError} if an option is out of range */
const normal_ = <X extends Tensor>(x: X, options: NormalOptions = {}): X => quietly(x, () => normalFill(x, options));

/** One value everywhere. */
const constant_ = <X extends Tensor>(x: X, value: number): X =>
  quietly(x, () => fill_(x, finiteNumber('init.constant_', 'value', value)));

/** Zeros. */
const zeros_ = <X extends Tensor>(x: X): X => constant_(x, 0);

/** Ones. */
const ones_ = <X extends Tensor>(x: X): X => constant_(x, 1);

/** How many numbers go into and come out of one element: a weight [out, in, …] with what the axes after count. */
function fans(op: string, x: Tensor): { fanIn: number; fanOut: number } {
  checkTensor(x, op);
  const [out, into, ...field] = x.shape;
  if (out === undefined || into === undefined)
    throw new ShapeError(op, {
      given: describe(x),
      expected: 'at least two axes, [out, in, …]',
      fix: 'use uniform_() or zeros_() for a bias',
    });
  const size = field.reduce((product, extent) => product * extent, 1);
  return { fanIn: into * size, fanOut: out * size };
}

/** Options of the Xavier initialisations. */
export interface XavierOptions {
  /** Factor of the deviation. Default 1; `gain('tanh')` for a layer before tanh. */
  gain?: number;
}

function xavierDeviation(op: string, x: Tensor, options: XavierOptions): number {
  const { gain } = readOptions(op, options, { gain: withDefault(nonNegativeNumber, 1) });
  const { fanIn, fanOut } = fans(op, x);
  return gain * Math.sqrt(2 / Math.max(fanIn + fanOut, 1));
}

/**
 * U(-a, a) with a = gain · √(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010).
 *
 * @throws {ShapeError} if `x` has fewer than two axes
 */
const xavierUniform_ = <X extends Tensor>(x: X, options: XavierOptions = {}): X => {
  const bound = Math.sqrt(3) * xavierDeviation('init.xavierUniform_', x, options);
  return uniform_(x, { low: -bound, high: bound });
};

/** N(0, gain² · 2 / (fanIn + fanOut)) (Glorot and Bengio, 2010). @throws {ShapeError} if `x` has fewer than two axes */
const xavierNormal_ = <X extends Tensor>(x: X, options: XavierOptions = {}): X => {
  return normal_(x, { std: xavierDeviation('init.xavierNormal_', x, options) });
};

/** Activations that `gain` knows. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

const nonlinearities: readonly Nonlinearity[] = ['leakyRelu', 'linear', 'sigmoid', 'tanh', 'relu', 'selu'];

/**
 * The factor that keeps the deviation of what comes out of an activation near 1: √2 for relu, 5/3 for tanh, 3/4 for
 * selu, √(2 / (1 + slope²)) for leakyRelu, else 1.
 *
 * @param slope  of leakyRelu below 0. Default 0.01.
 * @throws {OptionError} if the name is unknown
 */
const gain = (nonlinearity: Nonlinearity, slope = 0.01): number => {
  switch (oneOf('init.gain', 'nonlinearity', nonlinearity, nonlinearities)) {
    case 'relu':
      return Math.SQRT2;
    case 'tanh':
      return 5 / 3;
    case 'selu':
      return 3 / 4;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + slope * slope));
    default:
      return 1;
  }
};

/** Options of the Kaiming initialisations. */
export interface KaimingOptions {
  /** Slope below 0 of the leakyRelu that follows. Default 0. */
  a?: number;
  /** Whether to keep the deviation on the way forwards or backwards. Default 'fanIn'. */
  mode?: 'fanIn' | 'fanOut';
  /** The activation that follows. Default 'leakyRelu'. */
  nonlinearity?: Nonlinearity;
}

function kaimingDeviation(op: string, x: Tensor, options: KaimingOptions): number {
  const { a, mode, nonlinearity } = readOptions(op, options, {
    a: withDefault(finiteNumber, 0),
    mode: choice(['fanIn', 'fanOut']),
    nonlinearity: withDefault<Nonlinearity>(asGiven, 'leakyRelu'),
  });
  return gain(nonlinearity, a) / Math.sqrt(Math.max(fans(op, x)[mode], 1));
}

/** U(-b, b) with b = gain · √(3 / fan) (He et al., 2015). @throws {ShapeError} if `x` has fewer than two axes */
const kaimingUniform_ = <X extends Tensor>(x: X, options: KaimingOptions = {}): X => {
  const bound = Math.sqrt(3) * kaimingDeviation('init.kaimingUniform_', x, options);
  return uniform_(x, { low: -bound, high: bound });
};

/** N(0, gain² / fan) (He et al., 2015). @throws {ShapeError} if `x` has fewer than two axes */
const kaimingNormal_ = <X extends Tensor>(x: X, options: KaimingOptions = {}): X => {
  return normal_(x, { std: kaimingDeviation('init.kaimingNormal_', x, options) });
};

/**
 * A random matrix [first axis, the rest] whose rows, or columns if there are fewer of them, are orthonormal, times
 * `gain` (Saxe et al., 2014).
 *
 * @param options.gain  default 1
 * @throws {ShapeError} if `x` has fewer than two axes
 */
const orthogonal_ = <X extends Tensor>(x: X, options: XavierOptions = {}): X => {
  const { gain } = readOptions('init.orthogonal_', options, { gain: withDefault(asGiven<number>, 1) });
  return quietly(x, () => binding.orthogonal_(idOf(x, 'init.orthogonal_'), gain));
};

/**
 * PyTorch's start of Linear and Conv1d: weight and bias from U(-1/√fanIn, 1/√fanIn).
 *
 * @param weight  [out, in, …]
 * @returns 1/√fanIn, the bound for the bias
 * @throws {ShapeError} if `weight` has fewer than two axes
 */
const defaultBound = (weight: Tensor): number => 1 / Math.sqrt(Math.max(fans('init.defaultBound', weight).fanIn, 1));

/** The biases of an LSTM, by name. @throws {OptionError} if it is none, or has no biases */
function biasesOf(op: string, lstm: LSTM): (readonly [name: string, bias: Tensor])[] {
  const options: unknown = typeof lstm === 'object' && lstm !== null ? lstm.options : undefined;
  if (typeof options !== 'object' || options === null || !('projSize' in options)) {
    throw new OptionError(op, {
      given: describe(lstm),
      expected: 'an LSTM',
      fix: `pass the layer: ${op}(lstm)`,
    });
  }
  const biases = [...lstm.namedParameters()].filter(([name]) => /^bias_[ih]h_/.test(name));
  if (biases.length > 0) return biases;
  throw new OptionError(op, {
    given: 'an LSTM with bias: false',
    expected: 'one with biases',
    fix: 'build it with bias: true',
  });
}

/** The rows of an LSTM's forget gate: the first ones where the input gate is coupled to it. */
function forgetGate({ options: { hiddenSize, coupledGates } }: LSTM): [from: number, to: number] {
  return coupledGates ? [0, hiddenSize] : [hiddenSize, 2 * hiddenSize];
}

/**
 * Sets the biases of all forget gates of an LSTM: `value` in b_ih and 0 in b_hh, whose sum counts. 1 helps to remember
 * from the start (Jozefowicz et al., 2015).
 *
 * @returns `lstm`
 * @throws {OptionError} if the layer has no biases
 */
const setForgetBias = (lstm: LSTM, value = 1): LSTM => {
  const biases = biasesOf('init.setForgetBias', lstm);
  const bias = finiteNumber('init.setForgetBias', 'value', value);
  const [from, to] = forgetGate(lstm);
  scope(() =>
    noGrad(() => {
      for (const [name, parameter] of biases)
        fill_(slice(parameter, [from], [to]), name.startsWith('bias_ih') ? bias : 0);
    }),
  );
  return lstm;
};

/** Options of `setChronoBias`. */
export interface ChronoBiasOptions {
  /** Over how many steps something must be remembered, at most; at least 3. */
  maxSteps: number;
}

/**
 * Sets the biases of the forget and input gates of an LSTM so that its units begin with memories of 1 to `maxSteps`
 * steps: b_f is the logarithm of a number from U(1, maxSteps - 1), a new one for each unit, and b_i = -b_f (Tallec and
 * Ollivier, Can recurrent neural networks warp time?, 2018). They stand in b_ih; those of b_hh become 0.
 *
 * @returns `lstm`
 * @throws {OptionError} if the layer has no biases, or `maxSteps` is no whole number of at least 3
 */
const setChronoBias = (lstm: LSTM, options: ChronoBiasOptions): LSTM => {
  const op = 'init.setChronoBias';
  const biases = biasesOf(op, lstm);
  const { maxSteps } = readOptions(op, options, { maxSteps: positiveInteger });
  if (maxSteps < 3)
    throw new OptionError(op, {
      given: `maxSteps: ${maxSteps}`,
      expected: 'at least 3',
      fix: 'use init.setForgetBias(lstm) where nothing must be remembered for long',
    });
  const [from, to] = forgetGate(lstm);
  scope(() =>
    noGrad(() => {
      for (const [name, parameter] of biases) {
        fill_(slice(parameter, [0], [to]), 0);
        if (!name.startsWith('bias_ih')) continue;
        const forget = slice(parameter, [from], [to]);
        const logarithms = log(uniformFill(zerosLike(forget), { low: 1, high: maxSteps - 1 }));
        add_(forget, logarithms);
        if (from > 0) sub_(slice(parameter, [0], [from]), logarithms);
      }
    }),
  );
  return lstm;
};

/**
 * Initialisations, as in `init.xavierUniform_(layer.weight)`: each overwrites a tensor in place, under `noGrad`,
 * and returns it. Random ones draw from the generator that `manualSeed` starts.
 */
export const init = {
  uniform_,
  normal_,
  constant_,
  zeros_,
  ones_,
  xavierUniform_,
  xavierNormal_,
  kaimingUniform_,
  kaimingNormal_,
  orthogonal_,
  gain,
  defaultBound,
  setForgetBias,
  setChronoBias,
} as const;
