import { binding } from '../native/load';
import { defaultDevice } from './device';
import { OptionError } from './errors';
import { within } from './op-name';
import { finish, OPTION_NAMES, type TensorOptions } from './factories';
import { checkOptions, describe, nonNegativeInteger } from './options';
import { wrap, type Tensor } from './tensor';

/** Where the generator stands: what `getRandomState` gives and `setRandomState` takes. */
export interface RandomState {
  /** Which stream of random numbers: what `manualSeed` was given, or a number of this environment's own. */
  seed: number;
  /** How many blocks of four 32-bit numbers of it are used up, at most 2^53 - 1. */
  offset: number;
}

/**
 * Starts the random numbers of this environment (main thread or worker) anew: weights, dropout masks, noise and the
 * order of a shuffled DataLoader. One seed gives the same numbers every time, on every device and with any number of
 * threads. Without a call each process and each worker draws numbers of its own; `getRandomState().seed` tells the seed
 * that it was given.
 *
 * @param seed  a whole number of at least 0
 * @throws {OptionError} if it is anything else
 */
export function manualSeed(seed: number): void {
  binding.setRandomState(nonNegativeInteger('manualSeed', 'seed', seed), 0);
}

/** Where the generator stands. `setRandomState` brings it back there. */
export const getRandomState = (): RandomState => binding.randomState();

/**
 * Puts the generator where `getRandomState` found it.
 *
 * @throws {OptionError} if seed or offset is not a whole number of at least 0, or another key is there
 */
export function setRandomState(state: RandomState): void {
  checkOptions('setRandomState', state, ['seed', 'offset']);
  binding.setRandomState(
    nonNegativeInteger('setRandomState', 'seed', state.seed),
    nonNegativeInteger('setRandomState', 'offset', state.offset),
  );
}

/**
 * Uniform random numbers in [0, 1), f32 or f64.
 *
 * @throws {DTypeError} if `dtype` is neither f32 nor f64
 */
export function rand(shape: readonly number[], options: TensorOptions = {}): Tensor {
  checkOptions('rand', options, OPTION_NAMES);
  return within('rand', () =>
    finish(binding.rand(shape, options.dtype ?? 'f32', options.device ?? defaultDevice()), options),
  );
}

/**
 * Random numbers of the normal distribution with mean 0 and deviation 1, f32 or f64.
 *
 * @throws {DTypeError} if `dtype` is neither f32 nor f64
 */
export function randn(shape: readonly number[], options: TensorOptions = {}): Tensor {
  checkOptions('randn', options, OPTION_NAMES);
  return within('randn', () =>
    finish(binding.randn(shape, options.dtype ?? 'f32', options.device ?? defaultDevice()), options),
  );
}

/** Options of `randint`. */
export interface RandintOptions {
  /** Where the tensor lives. Default: `setDefaultDevice`'s. */
  device?: string;
}

/**
 * Whole random numbers from `low` up to, but without, `high`; i32.
 *
 * @param low   at least -2^31
 * @param high  above `low`, at most 2^31
 * @throws {OptionError} if the bounds are not whole numbers in that order
 */
export function randint(low: number, high: number, shape: readonly number[], options: RandintOptions = {}): Tensor {
  checkOptions('randint', options, ['device']);
  if (!Number.isInteger(low) || !Number.isInteger(high)) {
    throw new OptionError('randint', {
      given: `low ${describe(low)} and high ${describe(high)}`,
      expected: 'whole numbers',
      fix: 'round them, or take rand() for fractions',
    });
  }
  return wrap(binding.randint(low, high, shape, options.device ?? defaultDevice()));
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
