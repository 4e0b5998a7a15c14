import type { LengthBin } from '../report';

/** Bins of equal width whose edges are whole numbers: about twenty, fewer where lengths are few. */
export function lengthBins(lengths: readonly number[]): LengthBin[] {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const width = Math.max(1, Math.ceil((longest + 1) / 20));
  const counts = new Array<number>(Math.floor(longest / width) + 1).fill(0);
  for (const length of lengths) counts[Math.floor(length / width)] = (counts[Math.floor(length / width)] ?? 0) + 1;
  return counts.map((count, bin) => ({ from: bin * width, to: (bin + 1) * width, count }));
}
