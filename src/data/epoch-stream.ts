import { getRandomState, keepRandomState, setRandomState, type RandomState } from '../tensor/generator';

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
export const epochStream = (seed: number, epoch: number): RandomState => ({ seed: mixed(seed, epoch), offset: 0 });

/**
 * The seeds of the items of one walk: another one for each index, a function of `seed` and `epoch`, or without a seed
 * of where the generator stands and the epoch.
 */
export function itemSeeds(seed: number | undefined, epoch: number): (index: number) => number {
  const state = seed === undefined ? getRandomState() : { seed, offset: 0 };
  const walk = mixed(mixed(state.seed, state.offset), epoch);
  return (index) => mixed(walk, index);
}

/** A whole number below 2^53 of two others, in which a change of one bit changes half of all bits. */
function mixed(a: number, b: number): number {
  const words = [a, b].flatMap((x) => [x % 2 ** 32, Math.floor(x / 2 ** 32)]);
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  for (const word of words) {
    high = finalized(high ^ word);
    low = finalized(low ^ high ^ Math.imul(word, 0x27d4eb2f));
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** The finaliser of MurmurHash3 (Appleby, public domain): each bit goes into all. */
function finalized(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
