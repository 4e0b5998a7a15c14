import { binding } from '../native/load';
import { nonNegativeInteger } from './options';
import { readOptions } from './read-options';

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
  const { seed, offset } = readOptions('setRandomState', state, {
    seed: nonNegativeInteger,
    offset: nonNegativeInteger,
  });
  binding.setRandomState(seed, offset);
}

/** Runs `fn`, and puts the generator where it was before. @internal */
export function keepRandomState<R>(fn: () => R): R {
  const before = getRandomState();
  try {
    return fn();
  } finally {
    setRandomState(before);
  }
}
