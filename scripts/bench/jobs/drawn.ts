/** Numbers in [0, 1) of a linear congruential generator: one seed gives the same ones. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A word as in a text, few of them often: the r-th of `count` with a probability that falls as 1 / r. */
export const drawWord = (count: number, random: () => number): number =>
  Math.min(count - 1, Math.floor(count ** random()));
