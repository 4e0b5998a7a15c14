import { binding } from '../../native/load';
import { finiteNumber, flag, nonNegativeNumber, positiveInteger } from '../options';
import { asGiven, readOptions, withDefault } from '../read-options';
import { idOf, optionalIdOf, wrap, type Tensor } from '../tensor';

/** Options of `softmax`. */
export interface SoftmaxFunctionOptions {
  /**
   * bool, broadcasts to `x`: what is false is left out, as if it were not there, and becomes 0. A row without any
   * element left becomes 0.
   */
  mask?: Tensor | undefined;
}

/**
 * `e^x / Σ e^x` along `dim`, without overflow: positive numbers that add up to 1.
 *
 * Shapes: `x` of any shape → the same.
 *
 * @param dim  axis, or counted from the end. Default -1.
 * @throws {ShapeError} if the mask does not broadcast to `x`; {DTypeError} if `x` is not f32 or f64, or the mask not
 * bool
 * @see torch.softmax
 */
export function softmax(x: Tensor, dim = -1, options: SoftmaxFunctionOptions = {}): Tensor {
  const { mask } = readOptions('softmax', options, { mask: asGiven });
  return wrap(binding.softmax(idOf(x, 'softmax'), dim, optionalIdOf(mask, 'softmax', 'mask')));
}

/**
 * `log(softmax(x))` along `dim`, exact also where softmax rounds to 0.
 *
 * Shapes: `x` of any shape → the same.
 *
 * @param dim  axis, or counted from the end. Default -1.
 * @throws {DTypeError} if `x` is neither f32 nor f64; {OptionError} if there is no such axis
 * @see torch.log_softmax
 */
export const logSoftmax = (x: Tensor, dim = -1): Tensor => wrap(binding.logSoftmax(idOf(x, 'logSoftmax'), dim));

/** Options of `layerNorm`. */
export interface LayerNormFunctionOptions {
  /** Factor of each normalised element; its shape says which last axes of `x` are normalised. Default: none. */
  weight?: Tensor | undefined;
  /** Added to each normalised element, of the weight's shape. Default: none. */
  bias?: Tensor | undefined;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** How many last axes are normalised together, if neither weight nor bias says so. Default 1. */
  axes?: number;
}

/**
 * Layer normalisation (Ba et al., 2016) over the last axes.
 *
 *   y = (x - mean) / √(variance + eps) · weight + bias
 *
 * Shapes: `x` of any shape → the same; the variance is the biased one.
 *
 * @throws {ShapeError} if weight or bias are not of the last axes of `x`
 * @see torch.nn.functional.layer_norm
 */
export function layerNorm(x: Tensor, options: LayerNormFunctionOptions = {}): Tensor {
  const { weight, bias, eps, axes } = readOptions('layerNorm', options, {
    weight: asGiven,
    bias: asGiven,
    eps: withDefault(nonNegativeNumber, 1e-5),
    axes: withDefault(positiveInteger, 1),
  });
  return wrap(
    binding.layerNorm(
      idOf(x, 'layerNorm'),
      optionalIdOf(weight, 'layerNorm', 'weight'),
      optionalIdOf(bias, 'layerNorm', 'bias'),
      eps,
      axes,
    ),
  );
}

/** Options of `batchNorm`. */
export interface BatchNormFunctionOptions {
  /** Factor of each column, [C]. Default: none. */
  weight?: Tensor | undefined;
  /** Added to each column, [C]. Default: none. */
  bias?: Tensor | undefined;
  /** Running mean of each column, [C]: used in evaluation, moved towards the batch's in training. */
  runningMean?: Tensor | undefined;
  /** Running variance of each column, [C]; given together with `runningMean`. */
  runningVar?: Tensor | undefined;
  /** Whether to normalise by the batch's own statistics. Without running ones it does so anyway. Default false. */
  training?: boolean;
  /** What part of the running statistics the batch's replace. Default 0.1. */
  momentum?: number;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Real steps of each row of [N, T, C]; what lies past them is left out, and 0 in the result. Default: all T. */
  lengths?: readonly number[] | undefined;
}

/**
 * Batch normalisation (Ioffe & Szegedy, 2015) of each column over all rows, features last.
 *
 *   y = (x - mean) / √(variance + eps) · weight + bias
 *   running ← (1 - momentum) · running + momentum · batch, the variance unbiased
 *
 * Shapes: `x` [N, C] or [N, T, C] → the same.
 *
 * @throws {ShapeError} if fewer than two rows are real in training, or a parameter is not [C]
 * @see torch.nn.functional.batch_norm
 */
export function batchNorm(x: Tensor, options: BatchNormFunctionOptions = {}): Tensor {
  const o = readOptions('batchNorm', options, {
    weight: asGiven,
    bias: asGiven,
    runningMean: asGiven,
    runningVar: asGiven,
    training: withDefault(flag, false),
    momentum: withDefault(finiteNumber, 0.1),
    eps: withDefault(nonNegativeNumber, 1e-5),
    lengths: asGiven,
  });
  return wrap(
    binding.batchNorm(
      idOf(x, 'batchNorm'),
      optionalIdOf(o.weight, 'batchNorm', 'weight'),
      optionalIdOf(o.bias, 'batchNorm', 'bias'),
      optionalIdOf(o.runningMean, 'batchNorm', 'runningMean'),
      optionalIdOf(o.runningVar, 'batchNorm', 'runningVar'),
      o.training,
      o.momentum,
      o.eps,
      o.lengths,
    ),
  );
}
