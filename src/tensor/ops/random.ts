import { binding } from '../../native/load';
import { defaultDevice } from '../device';
import { OptionError } from '../errors';
import { create, type TensorOptions } from '../factories';
import { describe, nonNegativeInteger } from '../options';
import { asGiven, readOptions, withDefault } from '../read-options';
import { idOf, wrap, type Tensor } from '../tensor';

/**
 * A tensor of `shape` with uniform random numbers in [0, 1), f32 or f64.
 *
 * @throws {DTypeError} if `dtype` is neither f32 nor f64
 */
export const rand = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  create('rand', options, (dtype, device) => binding.rand(shape, dtype, device));

/**
 * A tensor of `shape` with random numbers of the normal distribution with mean 0 and deviation 1, f32 or f64.
 *
 * @throws {DTypeError} if `dtype` is neither f32 nor f64
 */
export const randn = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  create('randn', options, (dtype, device) => binding.randn(shape, dtype, device));

/** Options of `randint`. */
export interface RandintOptions {
  /** Where the tensor lives. Default: `setDefaultDevice`'s. */
  device?: string;
}

/**
 * A tensor of `shape` with whole random numbers from `low` up to, but without, `high`; i32.
 *
 * @param low   at least -2^31
 * @param high  above `low`, at most 2^31
 * @throws {OptionError} if the bounds are not whole numbers in that order
 */
export function randint(low: number, high: number, shape: readonly number[], options: RandintOptions = {}): Tensor {
  const { device } = readOptions('randint', options, { device: withDefault(asGiven<string>, defaultDevice()) });
  if (!Number.isInteger(low) || !Number.isInteger(high)) {
    throw new OptionError('randint', {
      given: `low ${describe(low)} and high ${describe(high)}`,
      expected: 'whole numbers',
      fix: 'round them, or take rand() for fractions',
    });
  }
  return wrap(binding.randint(low, high, shape, device));
}

/**
 * The numbers 0..count-1 in random order, on the host, by the generator that `manualSeed` starts: an order to walk
 * over items in, as RandomSampler does.
 *
 *     const shuffled = permutation(items.length).map((index) => items[index]);
 *
 * @param count  a whole number in 0..2^26
 * @throws {OptionError} if it is anything else
 */
export const permutation = (count: number): number[] =>
  binding.permutation(nonNegativeInteger('permutation', 'count', count));

/**
 * Sets each element to zero with probability `p` and divides the others by 1 - p, whether or not a model is training:
 * see the layer `Dropout` for that. The gradient is dropped and scaled alike. Shape of `x` is kept.
 *
 * @param p  in [0, 1)
 * @throws {OptionError} if it is anything else; {DTypeError} if `x` is neither f32 nor f64
 */
export const dropout = (x: Tensor, p: number): Tensor => wrap(binding.dropout(idOf(x, 'dropout'), p));

/**
 * Draws 1 with the probability that stands in each element, else 0, in the dtype of `p`. No gradient goes through.
 *
 * @param p  f32 or f64, elements in [0, 1]; another one rejects the next read
 * @throws {DTypeError} if `p` is neither f32 nor f64
 */
export const bernoulli = (p: Tensor): Tensor => wrap(binding.bernoulli(idOf(p, 'bernoulli', 'p')));

/**
 * `x` plus normal random numbers of mean 0. Shape of `x` is kept; the gradient passes through.
 *
 * @param std  their deviation, at least 0
 * @throws {OptionError} if it is anything else; {DTypeError} if `x` is neither f32 nor f64
 */
export const gaussianNoise = (x: Tensor, std: number): Tensor =>
  wrap(binding.gaussianNoise(idOf(x, 'gaussianNoise'), std));

/** Bounds of `uniform_`. */
export interface UniformOptions {
  /** The least number. Default 0. */
  low?: number;
  /** All numbers are below it. Default 1. */
  high?: number;
}

/**
 * Overwrites the elements of `x` with uniform random numbers in [low, high). In place.
 *
 * @returns `x`
 * @throws {OptionError} if the bounds are not finite or in the wrong order; {DTypeError} if `x` is neither f32 nor f64
 */
export function uniform_(x: Tensor, options: UniformOptions = {}): Tensor {
  const { low, high } = readOptions('uniform_', options, {
    low: withDefault(asGiven<number>, 0),
    high: withDefault(asGiven<number>, 1),
  });
  binding.uniform_(idOf(x, 'uniform_'), low, high);
  return x;
}

/** Mean and deviation for `normal_`. */
export interface NormalOptions {
  /** The middle. Default 0. */
  mean?: number;
  /** Deviation, at least 0. Default 1. */
  std?: number;
}

/**
 * Overwrites the elements of `x` with normal random numbers. In place.
 *
 * @returns `x`
 * @throws {OptionError} if mean or std is not finite, or std is below 0; {DTypeError} if `x` is neither f32 nor f64
 */
export function normal_(x: Tensor, options: NormalOptions = {}): Tensor {
  const { mean, std } = readOptions('normal_', options, {
    mean: withDefault(asGiven<number>, 0),
    std: withDefault(asGiven<number>, 1),
  });
  binding.normal_(idOf(x, 'normal_'), mean, std);
  return x;
}
