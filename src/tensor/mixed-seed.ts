/**
 * A whole number below 2^53 of two others, in which a change of one bit changes half of all bits.
 *
 * @internal
 */
export function mixedSeed(a: number, b: number): number {
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
