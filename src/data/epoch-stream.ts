import { getRandomState, keepRandomState, setRandomState, type RandomState } from '../tensor/generator';
import { mixedSeed } from '../tensor/mixed-seed';

/** Runs `fn` with the generator standing at `state`, and puts it back where it was. */
export const drawingAt = <R>(state: RandomState, fn: () => R): R =>
  keepRandomState(() => {
    setRandomState(state);
    return fn();
  });

/**
 * Where the random numbers of one epoch begin: a function of seed and epoch alone. No epoch of a seed shares numbers
 * with another one, nor with what `manualSeed(seed)` starts.
 */
export const epochStream = (seed: number, epoch: number): RandomState => ({ seed: mixedSeed(seed, epoch), offset: 0 });

/**
 * The seeds of the items of one walk: another one for each index, a function of `seed` and `epoch`, or without a seed
 * of where the generator stands and the epoch.
 */
export function itemSeeds(seed: number | undefined, epoch: number): (index: number) => number {
  const state = seed === undefined ? getRandomState() : { seed, offset: 0 };
  const walk = mixedSeed(mixedSeed(state.seed, state.offset), epoch);
  return (index) => mixedSeed(walk, index);
}
